import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { getEncoding, loadTokenizer, TokenmillError, trainBpe, type BpeTokenizer } from '../../src/index.ts'
import { jsonFile } from './json-cases.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const python = join(root, process.platform === 'win32' ? '.venv/Scripts/python.exe' : '.venv/bin/python')
const folder = mkdtempSync(join(tmpdir(), 'tokenmill-save-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

interface Row {
  corpus: string
  pattern: string
  vocab_size: number
  min_frequency: number
  max_token_length: number | null
  special_tokens: string[]
  merges: number[]
  encoded: number[][]
}

const readLines = (name: string) =>
  readFileSync(join(root, 'testdata/tokenizer', name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

const trainings = readLines('train.jsonl')
const { patterns } = readLines('golden.jsonl')[0] as { patterns: Record<string, string> }
const { samples } = trainings[0] as { samples: string[] }

/** One training of each pattern, with special tokens. */
const trained = (['r50k', 'o200k'] as const).map((pattern) => {
  const is = (row: Record<string, unknown>) => 'merges' in row && row['pattern'] === pattern && row['corpus'] === 'code'
  const row = trainings.find((row) => is(row) && (row['special_tokens'] as string[]).length > 0) as unknown as Row
  const { texts } = trainings.find(({ corpus, texts }) => corpus === 'code' && texts) as { texts: string[] }
  const options = {
    vocabSize: row.vocab_size,
    minFrequency: row.min_frequency,
    pattern,
    specialTokens: row.special_tokens,
  }
  return { row, make: () => trainBpe({ texts }, options) }
})

const saved = async (tokenizer: BpeTokenizer, name: string) => {
  const [json, tiktoken] = [join(folder, `${name}.json`), join(folder, `${name}.tiktoken`)]
  await tokenizer.save(json)
  await tokenizer.save(tiktoken)
  return { json, tiktoken }
}

const ranksOf = (file: string) =>
  readFileSync(file, 'latin1')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' '))
    .map(([token, id]) => ({ token: Buffer.from(token as string, 'base64'), id: Number(id) }))

test('a tokenizer.json has the tokens, merges and special tokens of the one that Hugging Face has trained', async (t) => {
  for (const { row, make } of trained) {
    const { json } = await saved(await make(), row.pattern)
    const { model, added_tokens: added } = JSON.parse(readFileSync(json, 'utf8')) as {
      model: { vocab: Record<string, number>; merges: [string, string][]; ignore_merges: boolean }
      added_tokens: { id: number; content: string; special: boolean }[]
    }
    t.deepEqual(model.merges.flat().map((part) => model.vocab[part]), row.merges) // prettier-ignore
    t.deepEqual(Object.values(model.vocab).sort((a, b) => a - b), Array.from({ length: row.merges.length / 2 + 256 + added.length }, (_, id) => id)) // prettier-ignore
    t.deepEqual(added.map(({ content, id, special }) => [content, id, special]), row.special_tokens.map((token, id) => [token, id, true])) // prettier-ignore
    t.false(model.ignore_merges)
  }
})

test('a .tiktoken file has the tokens with their ids', async (t) => {
  for (const tokenizer of [await (trained[0] as (typeof trained)[0]).make(), getEncoding('cl100k_base')]) {
    const { tiktoken } = await saved(tokenizer, 'ranks')
    const ranks = ranksOf(tiktoken)
    const special = new Set(tokenizer.specialTokens.values())
    t.true(ranks.length + special.size <= tokenizer.vocabSize)
    t.true(ranks.every(({ token, id }) => token.equals(tokenizer.idToBytes(id) as Uint8Array) && !special.has(id)))
    t.true(ranks.every(({ id }, index) => index === 0 || id > (ranks[index - 1]?.id as number)))
  }
})

test('a file that cannot be written is an error, and leaves nothing behind', async (t) => {
  const tokenizer = getEncoding('r50k_base')
  for (const [path, code] of [
    ['a.txt', 'ERR_INVALID_ARGUMENT'],
    ['', 'ERR_INVALID_ARGUMENT'],
    [join(folder, 'none', 'a.json'), 'ERR_INVALID_FILE'],
  ] as const) {
    const error = await t.throwsAsync(tokenizer.save(path), { instanceOf: TokenmillError }, path)
    t.is(error?.code, code)
  }
  t.false(existsSync(join(folder, 'none')))
  const same = await trainBpe({ texts: ['the the'] }, { vocabSize: 300, specialTokens: ['the'] })
  const refused = await t.throwsAsync(same.save(join(folder, 'same.json')), { instanceOf: TokenmillError })
  t.is(refused?.code, 'ERR_INVALID_ARGUMENT')
  t.false(existsSync(join(folder, 'same.json')))
})

test('explain gives the merges of a word in order', async (t) => {
  const text = 'low '.repeat(5) + 'lower '.repeat(2) + 'newest '.repeat(6) + 'widest '.repeat(3)
  const tokenizer = await trainBpe({ texts: [text] }, { vocabSize: 400 })
  const steps = tokenizer.explain('lowest')
  t.deepEqual(
    steps.map(({ left, right, token, start }) => [left, right, token, start]),
    [
      ['e', 's', 'es', 3],
      ['es', 't', 'est', 3],
      ['l', 'o', 'lo', 0],
      ['lo', 'w', 'low', 0],
    ],
  )
  t.deepEqual(steps[3]?.ids, [tokenizer.tokenToId('lo'), tokenizer.tokenToId('w'), tokenizer.tokenToId('low')])
  t.deepEqual(tokenizer.explain(''), [])
  const two = tokenizer.explain('é lowest')
  t.is(two.at(-1)?.start, 2, 'bytes of the whole text')
  t.throws(() => tokenizer.explain(5 as never), { code: 'ERR_INVALID_ARGUMENT' })
})

const loneSurrogate = /\p{Surrogate}/u
const peers = existsSync(python) ? spawnSync(python, ['-c', 'import tokenizers, tiktoken']).status === 0 : false

;(peers ? test : test.skip)(
  "Hugging Face's tokenizers and tiktoken give the same ids for what was saved",
  async (t) => {
    t.timeout(300_000)
    const texts = [...samples, ...[...new Set(readLines('golden.jsonl').slice(1).map(({ text }) => text as string))].slice(0, 1500)]
    .filter((text) => typeof text === 'string' && !loneSurrogate.test(text))
    .concat('a<|endoftext|>b<pad>', '<|endofprompt|>a<|return|>', 'a\n  ', ' \n ', 'a \r\n\t', '\n\n \n  \n', "DON'T IT'S \u017f'\u017f 12345") // prettier-ignore
    const tokenizers: [string, BpeTokenizer, string][] = [
    ...(await Promise.all(
      trained.map(async ({ row, make }) => [row.pattern, await make(), patterns[row.pattern[0] as string] as string] as const),
    ).then((each) => each.map(([name, tokenizer, pattern]) => [name, tokenizer, pattern] as [string, BpeTokenizer, string]))),
    ...(['gpt2', 'p50k_edit', 'cl100k_base', 'o200k_base', 'o200k_harmony'] as const).map(
      (name) => [name, getEncoding(name), patterns[/^[pg]/.test(name) ? 'r' : (name[0] as string)] as string] as [string, BpeTokenizer, string],
    ),
  ] // prettier-ignore
    const { texts: code } = trainings.find(({ corpus, texts }) => corpus === 'code' && texts) as { texts: string[] }
    const others = [
      'llama3',
      'qwen2',
      'qwen3.5',
      'nanochat',
      'tekken',
      'kimi-k2',
      'starcoder',
      'deepseek-v3',
      '\\w+|\\s+',
      "(?i)'(?:[sdmt]|ll|ve|re)|\\w+|[^\\w\\s\\p{Lu}]\\b",
      '\\p{Nd}{1,3}(?=(?:\\p{Nd}{3})*\\b)|(?<=a+)b',
    ]
    const more = others.map(async (pattern, index) => {
      const tokenizer = await trainBpe({ texts: code }, { vocabSize: 400, pattern })
      return [`other-${index}`, tokenizer, null] as [string, BpeTokenizer, null]
    })
    const llama3 = (await loadTokenizer(jsonFile('llama3'))) as BpeTokenizer
    const added = llama3.withSpecialTokens({ '<pad>': llama3.vocabSize + 5 })
    const all = [...tokenizers, ...(await Promise.all(more)), ['added', added, null] as const]
    for (const [name, tokenizer, pattern] of all) {
      const files = await saved(tokenizer, name)
      const special = Object.fromEntries(tokenizer.specialTokens)
      const input = JSON.stringify({ ...files, pattern, special, texts })
      const output = execFileSync(python, [join(root, 'scripts/check-saved.py')], { input, maxBuffer: 2 ** 28 })
      const given = JSON.parse(output.toString()) as { json: number[][]; tiktoken: number[][] }
      for (const [index, text] of texts.entries()) {
        const ids = [...tokenizer.encode(text, { allowedSpecial: 'all' })]
        t.deepEqual(given.json[index], ids, `tokenizers, ${name}: ${JSON.stringify(text)}`)
        if (pattern !== null) t.deepEqual(given.tiktoken[index], ids, `tiktoken, ${name}: ${JSON.stringify(text)}`)
      }
    }
  },
)
