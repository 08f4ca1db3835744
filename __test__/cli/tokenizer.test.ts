import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { Vocabulary } from '../../src/tokenizer/vocabulary.ts'
import { WordTokenizer } from '../../src/tokenizer/word-tokenizer.ts'
import { loadTokenizer } from '../../src/tokenizer/load.ts'
import { build, makeFolder, story, tokenmill } from './cli.ts'

/* The tokenizer of a file: --tokenizer and --pattern. */

const folder = makeFolder()
test.before(build)
test.after.always(folder.remove)
const at = (name: string) => join(folder.path, name)
const text = 'the mill on the hill'

test.before('the files', async () => {
  for (const file of ['own.json', 'own.tiktoken'])
    await tokenmill(['train', story, '-n', '300', '--special', '<|endoftext|>', '-o', at(file)])
  await new WordTokenizer(Vocabulary.fromText(text)).save(at('words.json'))
})

for (const [file, options] of [
  ['own.json', {}],
  ['own.tiktoken', { pattern: 'gpt2' }],
  ['words.json', {}],
] as const) {
  const flags = ['--tokenizer', at(file), ...('pattern' in options ? ['--pattern', options.pattern] : [])]

  test(`encode, count and decode take ${file}`, async (t) => {
    const tokenizer = await loadTokenizer(at(file), options)
    const ids = [...tokenizer.encode(text)]
    const encoded = await tokenmill(['encode', ...flags, '-t', text])
    t.deepEqual(encoded, { ...encoded, code: 0, stdout: `${ids.join(' ')}\n`, stderr: '' })
    t.is((await tokenmill(['count', ...flags], { input: text })).stdout, `${ids.length}\n`)
    t.is((await tokenmill(['decode', ...flags], { input: encoded.stdout })).stdout, tokenizer.decode(ids))
    const json = JSON.parse((await tokenmill(['encode', '--json', ...flags, '-t', text])).stdout)
    t.deepEqual(json, { encoding: tokenizer.name, count: ids.length, ids })
    const shown = (await tokenmill(['encode', '--show', ...flags, '-t', text])).stdout
    t.is(shown.replaceAll(/[|·\n]/g, ''), 'themillonthehill')
  })
}

test('the folder of a model has its tokenizer', async (t) => {
  const model = makeFolder()
  t.teardown(model.remove)
  model.file('tokenizer.json', readFileSync(at('own.json')))
  const [ofFolder, ofFile] = await Promise.all(
    [model.path, at('own.json')].map((path) => tokenmill(['encode', '--tokenizer', path, '-t', text])),
  )
  t.deepEqual(ofFolder, ofFile)
  t.is(ofFile?.code, 0)
})

for (const [args, message] of [
  [['--tokenizer', at('own.json'), '-e', 'gpt2'], /--tokenizer, --encoding or --model/],
  [['--tokenizer', at('own.tiktoken')], /a \.tiktoken file does not say/],
  [['--tokenizer', at('own.json'), '--pattern', 'gpt2'], /expected nothing, as .*own\.json is a tokenizer\.json/],
  [['--pattern', 'gpt2'], /--pattern is for/],
] as const) {
  test(`${args.join(' ').replaceAll(folder.path, '')} is wrong usage`, async (t) => {
    for (const command of ['encode', 'count', 'decode', 'windows', 'embed']) {
      const weights = command === 'embed' ? ['-w', 'none'] : []
      const { code, stdout, stderr } = await tokenmill([command, ...args, ...weights], { input: '1' })
      t.like({ code, stdout }, { code: 2, stdout: '' }, command)
      t.regex(stderr, message)
    }
  })
}
