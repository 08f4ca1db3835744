import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { getEncoding } from '../../src/tokenizer/encodings.ts'
import { build, makeFolder, story, tokenmill } from './cli.ts'

const folder = makeFolder()
test.before(build)
test.after.always(folder.remove)
const at = (name: string) => join(folder.path, name)
const text = 'In the heart of the city stood the old library, a relic from a bygone era.'
const ids = [...getEncoding('gpt2').encode(text)]

test('windows of a text are shown, inputs above targets', async (t) => {
  const args = ['windows', '-e', 'gpt2', '-c', '4', '-s', '2', '--limit', '2', '--first', '1']
  const shown = await tokenmill(args, { input: text })
  t.is(shown.code, 0, shown.stderr)
  const all = Math.ceil((ids.length - 4) / 2)
  t.true(shown.stdout.startsWith(`${all} windows of 4 inputs, one every 2 tokens; `), shown.stdout)
  t.regex(shown.stdout, /^window 1  tokens 2–6 of the text\nx +·heart +·of +·the +·city\n/m)
  t.regex(shown.stdout, /^y +·of +·the +·city +·stood\n/m)
  t.false(shown.stdout.includes('window 3'))
  const json = JSON.parse((await tokenmill([...args, '--json'], { input: text })).stdout)
  t.deepEqual(json.windows, [
    { index: 1, inputs: ids.slice(2, 6), targets: ids.slice(3, 7) },
    { index: 2, inputs: ids.slice(4, 8), targets: ids.slice(5, 9) },
  ])
})

test('padding is not shown as a token, and is not counted as one of the text', async (t) => {
  const args = ['windows', '-e', 'gpt2', '-c', '4', '--tails', '--text', 'a b c d e f g']
  const { stdout } = await tokenmill([...args, '--first', '1'])
  t.regex(stdout, /^window 1  tokens 4–6 of the text\nx +·e +·f +– +–\n +304 +277 +0 +0\ny +·f +·g +– +–\n/m)
})

test('windows are written one after the other, however many and long they are', async (t) => {
  const input = 'one two three four '.repeat(3000)
  // Less than they would take together.
  const env = { NODE_OPTIONS: '--max-old-space-size=24' }
  const args = ['windows', '-e', 'gpt2', '-c', '400', '-s', '1']
  const json = await tokenmill([...args, '--limit', '10000', '--json'], { input, env })
  t.is(json.code, 0, json.stderr)
  const { length, windows } = JSON.parse(json.stdout)
  t.is(windows.length, 10_000)
  t.is(length, 11_601)
  t.deepEqual([windows[9999].index, windows[9999].inputs.length], [9999, 400])
  const shown = await tokenmill([...args, '--limit', '300'], { input, env })
  t.is(shown.code, 0, shown.stderr)
  t.true(shown.stdout.includes('window 299  tokens 299–699 of the text\n'))
})

test('windows take the text itself', async (t) => {
  const args = ['windows', '-e', 'gpt2', '-c', '4']
  t.deepEqual(await tokenmill([...args, '--text', text]), await tokenmill(args, { input: text }))
  t.is((await tokenmill([...args, '--text', text, story])).code, 2)
  t.is((await tokenmill([...args, '--text', text, '--split', 'val'])).code, 2)
})

test('windows of a dataset are those of its split, within documents if asked', async (t) => {
  const input = folder.file('a.jsonl', `${JSON.stringify({ text })}\n{"text":"one two three"}\n`)
  const prepared = await tokenmill(['prepare', '-o', at('data'), '-e', 'gpt2', input])
  t.is(prepared.code, 0, prepared.stderr)
  const args = ['windows', '-c', '8', '--json', at('data')]
  const across = JSON.parse((await tokenmill(args)).stdout)
  t.deepEqual(across.windows[0], { index: 0, inputs: ids.slice(0, 8), targets: ids.slice(1, 9) })
  t.is(across.length, Math.ceil((ids.length + 1 + 4 - 8) / 8))
  const within = JSON.parse((await tokenmill([...args, '--within', '--tails', '--limit', '9'])).stdout)
  t.deepEqual(within.windows.at(-1).targets.slice(0, 5), [734, 1115, 50256, -100, -100])
  for (const useless of [
    ['--special', 'text'],
    ['--utf8', 'strict'],
  ])
    t.like(await tokenmill([...args, ...useless]), {
      code: 2,
      stderr: `tokenmill: ERR_USAGE: ${useless[0]} is for a text: what a dataset holds was encoded by \`prepare\`\n`,
    })
  const { stdout } = await tokenmill(['windows', '-c', '8', at('data')])
  t.regex(stdout, /^window 0  tokens 0–8 of the split train of .*data\nx .*·heart/m)
})

test('a dataset is shown by its own tokenizer only', async (t) => {
  const input = folder.file('b.txt', text)
  const [own, ofGpt2] = [at('own.json'), at('gpt2')]
  t.is((await tokenmill(['train', input, '-n', '300', '-o', own])).code, 0)
  t.is((await tokenmill(['prepare', '-o', ofGpt2, '-e', 'gpt2', input])).code, 0)
  const prepared = ['prepare', '-o', at('of-file'), '--tokenizer', own, '--separator', 'none', input]
  t.is((await tokenmill(prepared)).code, 0)

  for (const wrong of [
    ['-e', 'cl100k_base'],
    ['-m', 'gpt-4o'],
    ['--tokenizer', own],
  ]) {
    const { code, stdout, stderr } = await tokenmill(['windows', ...wrong, ofGpt2])
    t.like({ code, stdout }, { code: 2, stdout: '' }, wrong.join(' '))
    t.regex(stderr, /^tokenmill: ERR_INVALID_ARGUMENT: expected the tokenizer of the dataset, gpt2 with/)
  }
  t.regex((await tokenmill(['windows', '-e', 'gpt2', ofGpt2])).stdout, /·heart/)

  const blank = await tokenmill(['windows', at('of-file')])
  t.is(blank.code, 0, blank.stderr)
  t.regex(blank.stderr, /^ids alone are shown.* --tokenizer\n$/)
  const shown = await tokenmill(['windows', '--tokenizer', own, at('of-file')])
  t.like(shown, { code: 0, stderr: '' })
  t.regex(shown.stdout, /^x +In +·/m)
})

test('a text or a dataset that is shorter than a window is ERR_TOO_SHORT', async (t) => {
  const dataset = at('short')
  await tokenmill(['prepare', '-o', dataset, '-e', 'gpt2', folder.file('short.txt', text)])
  const documents = at('documents')
  const lines = folder.file('lines.jsonl', '{"text":"one two three"}\n{"text":"one"}\n'.repeat(9))
  await tokenmill(['prepare', '-o', documents, '-e', 'gpt2', lines])
  for (const [args, input, message] of [
    [
      ['-c', '400'],
      text,
      /^tokenmill: ERR_TOO_SHORT: the text has 19 tokens; .* at least 401: .* --context-length 18 or/,
    ],
    [['-c', '4'], '', /^tokenmill: ERR_TOO_SHORT: the text has 0 tokens; .* at least 5: pass more text\n$/],
    [['--tails'], '', /^tokenmill: ERR_TOO_SHORT: the text has 0 tokens; .* at least 2: pass more text\n$/],
    [
      ['-c', '400', dataset],
      '',
      /^tokenmill: ERR_TOO_SHORT: the split train of .*short has 20 tokens; .*: pass --context-length 19 or less, or more text\n$/,
    ],
    [['-c', '400', '--within'], text, /^tokenmill: ERR_TOO_SHORT: the text has 19 tokens; .* --context-length 18 or/],
    [
      ['-c', '9', '--within', documents],
      '',
      /^tokenmill: ERR_TOO_SHORT: the longest document of .*documents has 4 tokens; .* at least 10: .* --context-length 3 or/,
    ],
  ] as const) {
    const { code, stdout, stderr } = await tokenmill(['windows', ...args], { input })
    t.like({ code, stdout }, { code: 1, stdout: '' })
    t.regex(stderr, message)
  }
  t.is((await tokenmill(['windows', '-c', '400', '--tails'], { input: text })).code, 0)
  t.is((await tokenmill(['windows', '-c', '3', '--within', documents])).code, 0)
  t.is((await tokenmill(['windows', '-c', '9', '--within', '--tails', documents])).code, 0)
})

test('a folder without a dataset is an error that says so', async (t) => {
  const { path, remove } = makeFolder()
  t.teardown(remove)
  for (const args of [['windows'], ['inspect'], ['embed', '--train', '-o', 'x.safetensors']]) {
    const { code, stderr } = await tokenmill([...args, path])
    t.is(code, 1)
    t.is(stderr, `tokenmill: ERR_INVALID_FILE: the folder ${path} holds no dataset: it has no manifest.json\n`)
  }
  mkdirSync(join(path, '.prepare'))
  t.regex(
    (await tokenmill(['inspect', path])).stderr,
    /its preparation is not finished: the same `prepare` goes on with it/,
  )
})

test('what cannot be is wrong usage', async (t) => {
  t.is((await tokenmill(['windows', '-c', '4', '--first', '99'], { input: text })).code, 2)
  t.is((await tokenmill(['windows', '--split', 'val', story])).code, 2)
  t.is((await tokenmill(['windows', '-c', '4', '--tokenizer', 'x.json', '-e', 'gpt2', story])).code, 2)
  t.is((await tokenmill(['windows', at('none')])).code, 1)
})
