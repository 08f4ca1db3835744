import test from 'ava'
import { getEncoding } from '../../src/tokenizer/encodings.ts'
import { loadTokenizer } from '../../src/tokenizer/load.ts'
import type { EncodeOptions, Text, Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { Vocabulary } from '../../src/tokenizer/vocabulary.ts'
import { WordTokenizer } from '../../src/tokenizer/word-tokenizer.ts'
import { jsonFile } from './json-cases.ts'

const end = '<|endoftext|>'
const bytesOf = (text: string) => new TextEncoder().encode(text)
const vocabulary = Vocabulary.fromText('the mill stood where the river bent.')
/** One of each way to make ids; qwen2 is one that normalizes, bert one that puts ids around texts. */
const tokenizers: readonly Tokenizer[] = [
  getEncoding('o200k_base'),
  getEncoding('gpt2').withSpecialTokens(['<|more|>']),
  await loadTokenizer(jsonFile('llama3')),
  await loadTokenizer(jsonFile('qwen2')),
  await loadTokenizer(jsonFile('bert')),
  await loadTokenizer(jsonFile('t5')),
  new WordTokenizer(vocabulary),
  new WordTokenizer(vocabulary, { unknown: null }),
]
const named = tokenizers.map((tokenizer, index) => [`${index} ${tokenizer.name}`, tokenizer] as const)
const texts: readonly Text[] = [
  '',
  'the mill',
  'e\u0301 and \u00e9',
  `the mill${end} stood`,
  'Hello, 我们 👩‍👩‍👧! '.repeat(200),
  '\ud800',
  bytesOf('the river bent. '.repeat(200)),
  Uint8Array.of(0x61, 0xff, 0x62),
]
const choices: readonly (EncodeOptions | undefined)[] = [
  undefined,
  {},
  { allowedSpecial: 'all' },
  { disallowedSpecial: 'all' },
  { disallowedSpecial: undefined as never },
  { disallowedSpecial: ['mill'] },
  { utf8: 'strict' },
  { addSpecialTokens: true },
]

/** What a call comes to: its value, or the code and the message of its error. */
const outcome = async (call: () => unknown): Promise<unknown> => {
  try {
    return await call()
  } catch (error) {
    const { code, message } = error as { code: string; message: string }
    return { code, message }
  }
}

for (const [name, tokenizer] of named) {
  test(`${name}: countAsync is count, and countBatchAsync is countBatch, errors too`, async (t) => {
    for (const options of choices) {
      for (const text of texts)
        t.deepEqual(
          await outcome(() => tokenizer.countAsync(text, options)),
          await outcome(() => tokenizer.count(text, options)),
          JSON.stringify([options, String(text).slice(0, 30)]),
        )
      for (const rows of [[], texts, texts.slice(0, 3), texts.toReversed()])
        t.deepEqual(
          await outcome(() => tokenizer.countBatchAsync(rows, options)),
          await outcome(() => tokenizer.countBatch(rows, options)),
          JSON.stringify(options),
        )
    }
  })

  test(`${name}: a count is the number of ids`, async (t) => {
    const known = texts.slice(0, 1).concat('the mill stood.')
    for (const addSpecialTokens of [false, true])
      for (const text of tokenizer instanceof WordTokenizer ? known : texts) {
        const options = { disallowedSpecial: [], addSpecialTokens }
        t.is(await tokenizer.countAsync(text, options), tokenizer.encode(text, options).length)
      }
  })

  test(`${name}: arguments are checked as those of count are`, async (t) => {
    for (const value of [undefined, null, 1, ['a']] as never[])
      t.deepEqual(await outcome(() => tokenizer.countAsync(value)), await outcome(() => tokenizer.count(value)))
    for (const value of [undefined, null, 'a', [1]] as never[])
      t.deepEqual(
        await outcome(() => tokenizer.countBatchAsync(value)),
        await outcome(() => tokenizer.countBatch(value)),
      )
    for (const options of [null, 1, { allowedSpecial: 'some' }, { unknown: 1 }, { addSpecialTokens: 1 }] as never[]) {
      const { code } = (await outcome(() => tokenizer.countAsync('a', options))) as { code?: string }
      t.is(code, ((await outcome(() => tokenizer.count('a', options))) as { code?: string }).code)
    }
  })

  test(`${name}: an abort rejects with its reason, and the event loop goes on before`, async (t) => {
    const reason = new Error('enough')
    const long = 'the mill stood where the river bent. '.repeat(tokenizer instanceof WordTokenizer ? 400_000 : 40_000)
    t.is(await t.throwsAsync(tokenizer.countAsync(long, { signal: AbortSignal.abort(reason) })), reason)
    t.is(await t.throwsAsync(tokenizer.countBatchAsync([long], { signal: AbortSignal.abort(reason) })), reason)
    for (const call of [
      (signal: AbortSignal) => tokenizer.countAsync(long, { signal }),
      (signal: AbortSignal) => tokenizer.countBatchAsync([long, long], { signal }),
    ]) {
      const controller = new AbortController()
      const counted = call(controller.signal)
      setImmediate(() => controller.abort(reason))
      t.is(await t.throwsAsync(counted), reason)
    }
  })
}

test('a long text is counted on all threads', async (t) => {
  for (const tokenizer of tokenizers.slice(0, 2)) {
    const long = 'Hello, 我们 👩‍👩‍👧! '.repeat(20_000)
    t.is(await tokenizer.countAsync(long), tokenizer.count(long))
    const refused = { disallowedSpecial: [end] }
    for (const text of [long + end, bytesOf(long + end)])
      t.deepEqual(
        await outcome(() => tokenizer.countAsync(text, refused)),
        await outcome(() => tokenizer.count(text, refused)),
      )
  }
})

test('bytes may be changed after the call', async (t) => {
  for (const tokenizer of tokenizers) {
    const bytes = bytesOf('the mill stood. '.repeat(1000))
    const expected = tokenizer.count(bytes)
    const [one, all] = [tokenizer.countAsync(bytes), tokenizer.countBatchAsync([bytes])]
    bytes.fill(0xff)
    t.is(await one, expected)
    t.deepEqual([...(await all)], [expected])
  }
})
