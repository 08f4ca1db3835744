import { isDeepStrictEqual } from 'node:util'
import test from 'ava'
import fc from 'fast-check'
import { TokenmillError } from '../../src/errors.ts'
import { native } from '../../src/native.ts'
import { setThreads } from '../../src/threads.ts'
import { encodingNames, getEncoding } from '../../src/tokenizer/encodings.ts'
import { TokenBatch, type Text } from '../../src/tokenizer/tokenizer.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)
const o200k = getEncoding('o200k_base')
const mixed: readonly Text[] = [
  'Hello',
  '',
  bytesOf('我们 '),
  bytesOf(''),
  'a\ud800',
  new Uint8Array([0xff, 0x61]),
  '👩‍👩‍👧'.repeat(500),
  '\0',
]

for (const name of encodingNames) {
  const tokenizer = getEncoding(name)
  test(`${name}: each row of a batch is what encode gives`, async (t) => {
    for (const batch of [tokenizer.encodeBatch(mixed), await tokenizer.encodeBatchAsync(mixed)]) {
      const rows = mixed.map((text) => tokenizer.encode(text))
      t.true(batch instanceof TokenBatch)
      t.deepEqual([...batch], rows)
      t.is(batch.length, mixed.length)
      t.deepEqual(
        [...batch.ids],
        rows.flatMap((row) => [...row]),
      )
    }
  })
}

test('any batch is its texts row by row, synchronous or not', async (t) => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string().map(bytesOf), fc.uint8Array())
  await fc.assert(
    fc.asyncProperty(fc.array(text, { maxLength: 40 }), async (texts) => {
      const batch = o200k.encodeBatch(texts, { disallowedSpecial: [] })
      t.deepEqual(
        [...batch],
        texts.map((text) => o200k.encodeOrdinary(text)),
      )
      t.deepEqual(await o200k.encodeBatchAsync(texts, { disallowedSpecial: [] }), batch)
    }),
  )
})

test('an empty batch has no rows', async (t) => {
  for (const batch of [o200k.encodeBatch([]), await o200k.encodeBatchAsync([])]) {
    t.deepEqual(batch, new TokenBatch(new Uint32Array(), new Uint32Array([0])))
    t.is(batch.length, 0)
    t.deepEqual([...batch], [])
    t.is(batch.at(0), undefined)
    t.is(batch.at(-1), undefined)
  }
})

test('a batch of empty texts has empty rows', (t) => {
  const batch = o200k.encodeBatch(['', '', ''])
  t.deepEqual(batch.rowStarts, new Uint32Array([0, 0, 0, 0]))
  t.deepEqual([...batch], [new Uint32Array(), new Uint32Array(), new Uint32Array()])
})

test('at counts from both ends and is undefined past them', (t) => {
  const batch = new TokenBatch(new Uint32Array([5, 6, 7]), new Uint32Array([0, 2, 2, 3]))
  t.deepEqual(batch.at(0), new Uint32Array([5, 6]))
  t.deepEqual(batch.at(1), new Uint32Array())
  t.deepEqual(batch.at(2), new Uint32Array([7]))
  t.deepEqual(batch.at(-1), new Uint32Array([7]))
  t.deepEqual(batch.at(-3), new Uint32Array([5, 6]))
  for (const index of [3, 4, -4, 0.5, NaN, Infinity, -Infinity, 2 ** 32]) t.is(batch.at(index), undefined)
})

test('rows are views of the ids', (t) => {
  const batch = o200k.encodeBatch(['Hello', 'world'])
  for (const row of batch) t.is(row.buffer, batch.ids.buffer)
  t.is(batch.at(1)?.byteOffset, (batch.rowStarts[1] as number) * 4)
})

test('a batch can be iterated again and again', (t) => {
  const batch = o200k.encodeBatch(['Hello', 'world'])
  t.deepEqual([...batch], [...batch])
  const [first] = batch
  t.deepEqual(first, batch.at(0))
})

test('a batch of ten thousand texts keeps their order', (t) => {
  const texts = Array.from({ length: 10_000 }, (_, index) => `text ${index} ${'x'.repeat(index % 97)}`)
  const batch = o200k.encodeBatch(texts)
  t.deepEqual(
    Array.from(batch, (row) => o200k.decode(row)),
    texts,
  )
})

/** Some megabytes of texts of all lengths, so that they cross while others are encoded. */
const large = (longest: number): Text[] =>
  Array.from({ length: 400 }, (_, row) => {
    const alphabet = ['The mill stood. ', '我们在河边 ', 'Мельница у реки ', '👩‍👩‍👧 \ud800 ', 'x'][row % 5] as string
    const text = alphabet.repeat(row === 57 ? longest : row === 300 ? 0 : ((row * 7919) % 1009) + 1)
    return row % 3 === 0 ? bytesOf(text) : text
  })

test.serial('a large batch is its texts row by row, whatever the number of threads', async (t) => {
  const before = native().threads()
  for (const longest of [5_000, 100_000]) {
    const texts = large(longest)
    const rows = texts.map((text) => o200k.encode(text))
    for (const count of [1, 2, 3, 5]) {
      setThreads(count)
      for (const batch of [o200k.encodeBatch(texts), await o200k.encodeBatchAsync(texts)]) {
        t.deepEqual([...batch], rows, `${count} threads`)
      }
      t.deepEqual(
        [...o200k.countBatch(texts)],
        rows.map((row) => row.length),
        `${count} threads`,
      )
    }
  }
  setThreads(before)
})

test.serial('the error of a large batch is that of the first text that has one', (t) => {
  const before = native().threads()
  for (const count of [1, 2, 4]) {
    setThreads(count)
    for (let round = 0; round < 10; round++) {
      const texts = large(5_000)
      const [first, second] = [20 + 37 * round, 21 + 37 * round + 3 * (round % 4)]
      texts[first] = `${'a '.repeat(3000)}<|endoftext|>`
      texts[second] = new Uint8Array(5000).fill(0xff)
      const code = { code: 'ERR_SPECIAL_TOKEN', message: new RegExp(`^texts\\[${first}\\] .* at index 6000`) }
      const options = { utf8: 'strict', disallowedSpecial: 'all' } as const
      t.throws(() => o200k.encodeBatch(texts, options), code)
      t.throws(() => o200k.countBatch(texts, options), code)
      ;[texts[first], texts[second]] = [texts[second] as Text, texts[first] as Text]
      const utf8 = { code: 'ERR_INVALID_UTF8', message: new RegExp(`texts\\[${first}\\]`) }
      t.throws(() => o200k.encodeBatch(texts, options), utf8)
      t.throws(() => o200k.countBatch(texts, options), utf8)
    }
  }
  setThreads(before)
  t.is(o200k.encodeBatch(['Hello']).length, 1)
})

test.serial('a batch with texts of megabytes is its texts row by row, and its error that of the first', (t) => {
  const before = native().threads()
  const long = 'The mill stood. '.repeat(300_000)
  const texts = ['a', long, 'b', bytesOf(long), '', 'by the river']
  const ids = texts.map((text) => o200k.encode(text))
  for (const count of [1, 3]) {
    setThreads(count)
    const batch = o200k.encodeBatch(texts)
    t.is(batch.length, texts.length)
    for (const [row, expected] of ids.entries()) t.true(isDeepStrictEqual(batch.at(row), expected))
    t.deepEqual(
      [...o200k.countBatch(texts)],
      ids.map((row) => row.length),
    )
    const wrong = [...texts.slice(0, 3), `${long}<|endoftext|>`, '<|endoftext|>']
    const error = { code: 'ERR_SPECIAL_TOKEN', message: new RegExp(`^texts\\[3\\] .* at index ${long.length};`) }
    t.throws(() => o200k.encodeBatch(wrong), error)
    t.throws(() => o200k.countBatch(wrong, { disallowedSpecial: 'all' }), error)
  }
  setThreads(before)
})

test('bytes of a batch may be subarrays, Buffers or shared, but not without their memory', (t) => {
  const shared = new Uint8Array(new SharedArrayBuffer(5))
  shared.set(bytesOf('world'))
  const moved = bytesOf('gone')
  structuredClone(moved.buffer, { transfer: [moved.buffer] })
  const batch = o200k.encodeBatch([bytesOf('xxHellox').subarray(2, -1), Buffer.from('Hello'), shared])
  t.deepEqual(
    Array.from(batch, (row) => o200k.decode(row)),
    ['Hello', 'Hello', 'world'],
  )
  t.throws(() => o200k.encodeBatch(['a', moved]), { code: 'ERR_INVALID_ARGUMENT', message: /for texts\[1\]/ })
})

test('what is not an array of texts is an error that names the place', async (t) => {
  const rows: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /an array for texts, received undefined/],
    ['text', /an array for texts, received "text"/],
    [bytesOf('text'), /an array for texts/],
    [new Set(['a']), /an array for texts/],
    [['a', 1], /for texts\[1\], received 1/],
    // oxlint-disable-next-line no-sparse-arrays
    [['a', , 'b'], /for texts\[1\], received undefined/],
    [[['a']], /for texts\[0\], received an array of 1/],
  ]
  for (const [texts, message] of rows) {
    const error = { instanceOf: TokenmillError, code: 'ERR_INVALID_ARGUMENT', message }
    t.throws(() => o200k.encodeBatch(texts as string[]), error)
    await t.throwsAsync(() => o200k.encodeBatchAsync(texts as string[]), error)
  }
})
