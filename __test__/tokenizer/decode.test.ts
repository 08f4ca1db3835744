import test from 'ava'
import fc from 'fast-check'
import { runInNewContext } from 'node:vm'
import { TokenmillError, type ErrorCode } from '../../src/errors.ts'
import { getEncoding } from '../../src/tokenizer/encodings.ts'

const gpt2 = getEncoding('gpt2')
const cl100k = getEncoding('cl100k_base')
const o200k = getEncoding('o200k_base')
const coded = (code: ErrorCode, message: RegExp) => ({ instanceOf: TokenmillError, code, message })
const outOfRange = (id: number, index: number, why = '') =>
  coded('ERR_OUT_OF_RANGE', new RegExp(`received ${id} at index ${index}${why};`))
const text = 'Hello, 我们 👩‍👩‍👧!'
const ids = o200k.encode(text)
/** The id of each byte. */
const byteIds = (bytes: Iterable<number>) =>
  Array.from(bytes, (byte) => gpt2.tokenToId(new Uint8Array([byte])) as number)

test('ids may be any iterable of numbers', (t) => {
  function* generated() {
    yield* ids
  }
  const shared = new Uint32Array(new SharedArrayBuffer(ids.byteLength))
  shared.set(ids)
  const padded = new Uint32Array([1, ...ids, 2])
  const foreign = runInNewContext('new Uint32Array(ids)', { ids: [...ids] })
  const all = [
    ids,
    [...ids],
    generated(),
    new Set(ids).size === ids.length ? new Set(ids) : ids,
    Int32Array.from(ids),
    Float64Array.from(ids),
    shared,
    padded.subarray(1, -1),
    foreign,
    [...ids].values(),
  ]
  for (const input of all as Iterable<number>[]) t.is(o200k.decode(input), text)
  t.deepEqual(o200k.decodeBytes(generated()), new TextEncoder().encode(text))
  t.is(o200k.decode([]), '')
  t.is(o200k.decode(new Uint32Array()), '')
  t.deepEqual(o200k.decodeBytes([]), new Uint8Array())
  t.is(o200k.decode([-0]), '!')
})

test('few ids and many are decoded alike, and their errors are', (t) => {
  const words = Array.from({ length: 300 }, (_, index) => ` ${index % 10}`)
  const all = o200k.encodeOrdinary(words.join(''))
  const each = Array.from(all, (id) => o200k.decode([id]))
  for (const count of [0, 1, 16, 17, 255, 256, 257, 300]) {
    const some = all.slice(0, count)
    t.is(o200k.decode(some), each.slice(0, count).join(''), `${count}`)
    if (count === 0) continue
    some[count - 1] = 4_000_000
    t.throws(() => o200k.decode(some), outOfRange(4_000_000, count - 1))
  }
})

test('ids that say another length of themselves are as many as they are', (t) => {
  o200k.encode('what was encoded before')
  for (const length of [0, 2, 50])
    t.is(o200k.decode(Object.defineProperty(ids.slice(), 'length', { value: length })), text)
})

test('ids that encode or decode others when they are read are not mixed up with them', (t) => {
  const numbers = [...ids]
  const get = () => {
    t.is(o200k.decode(o200k.encode('another text')), 'another text')
    return ids[3] as number
  }
  t.is(o200k.decode(Object.defineProperty(numbers, 3, { get })), text)
})

test('ids whose memory is gone are an error', (t) => {
  const moved = ids.slice()
  structuredClone(moved.buffer, { transfer: [moved.buffer] })
  const error = { code: 'ERR_INVALID_ARGUMENT', message: /for ids/ }
  t.throws(() => o200k.decode(moved), error)
  t.throws(() => o200k.decodeBytes(moved), error)
})

test('what is not an iterable of numbers is an error', (t) => {
  for (const wrong of [
    undefined,
    null,
    1,
    '12',
    {},
    new ArrayBuffer(4),
    Promise.resolve([1]),
    new Map([[1, 2]]),
  ] as number[][]) {
    t.throws(() => o200k.decode(wrong), coded('ERR_INVALID_ARGUMENT', /for ids/))
    t.throws(() => o200k.decodeBytes(wrong), coded('ERR_INVALID_ARGUMENT', /for ids/))
  }
})

for (const id of [
  NaN,
  -1,
  0.5,
  2 ** 32,
  2 ** 53,
  Infinity,
  -Infinity,
  1n,
  '1',
  null,
  undefined,
  {},
  [1],
  true,
  Symbol('one'),
]) {
  test(`${typeof id} ${String(id)} is no id`, (t) => {
    const error = coded('ERR_INVALID_ARGUMENT', /an integer from 0 to 4294967295 for ids\[2\], received/)
    t.throws(() => o200k.decode([1, 2, id as number]), error)
    t.throws(() => o200k.decodeBytes(new Set([1, 2, id as number])), error)
  })
}

test('an array with a hole is an error', (t) => {
  // oxlint-disable-next-line no-sparse-arrays
  t.throws(() => o200k.decode([1, , 2] as number[]), coded('ERR_INVALID_ARGUMENT', /ids\[1\], received undefined/))
})

test('what an iterator throws comes through', (t) => {
  function* broken() {
    yield 1
    throw new RangeError('mine')
  }
  t.throws(() => o200k.decode(broken()), { instanceOf: RangeError, message: 'mine' })
})

test('an id without a token is an error that names it and its index', (t) => {
  // 100256 and 199998 lie between tokens, 4294967295 is the largest that an array holds.
  for (const [tokenizer, id] of [
    [gpt2, 50_257],
    [cl100k, 100_256],
    [cl100k, 100_277],
    [o200k, 199_998],
    [o200k, 4_294_967_295],
  ] as const) {
    for (const decode of [
      (list: number[]) => tokenizer.decode(list),
      (list: number[]) => tokenizer.decode(Uint32Array.from(list), { errors: 'strict' }),
      (list: number[]) => tokenizer.decodeBytes(list),
    ]) {
      const why = id < tokenizer.vocabSize ? ', which no token has' : ''
      t.throws(() => decode([id]), outOfRange(id, 0, why))
      t.throws(() => decode([1, 2, id, 3, id]), outOfRange(id, 2, why))
    }
  }
})

test('skipSpecialTokens leaves special tokens out', (t) => {
  const mixed = [50_256, ...gpt2.encode('a'), 50_256, 50_256, ...gpt2.encode(' b'), 50_256]
  t.is(gpt2.decode(mixed, { skipSpecialTokens: true }), 'a b')
  t.is(gpt2.decode(mixed, { skipSpecialTokens: false }), '<|endoftext|>a<|endoftext|><|endoftext|> b<|endoftext|>')
  t.is(gpt2.decode([50_256], { skipSpecialTokens: true }), '')
  t.is(gpt2.decode(gpt2.encodeOrdinary('<|endoftext|>'), { skipSpecialTokens: true }), '<|endoftext|>')
})

test('skipSpecialTokens does not change the index in an error', (t) => {
  t.throws(() => gpt2.decode([50_256, 1, 50_256, 60_000], { skipSpecialTokens: true }), outOfRange(60_000, 3))
})

test('skipSpecialTokens joins the bytes of a character around a special token', (t) => {
  const [first, second] = byteIds([0xc3, 0xa9]) as [number, number]
  t.is(gpt2.decode([first, 50_256, second], { skipSpecialTokens: true }), 'é')
  t.is(gpt2.decode([first, 50_256, second]), '\uFFFD<|endoftext|>\uFFFD')
})

test('what is not an option of decode is an error that names it', (t) => {
  for (const errors of ['ignore', '', null, true, 1]) {
    t.throws(
      () => o200k.decode(ids, { errors: errors as 'strict' }),
      coded('ERR_INVALID_ARGUMENT', /'replace', 'strict' for options\.errors/),
    )
  }
  for (const skipSpecialTokens of ['yes', null, 0, 1]) {
    const options = { skipSpecialTokens: skipSpecialTokens as unknown as boolean }
    t.throws(
      () => o200k.decode(ids, options),
      coded('ERR_INVALID_ARGUMENT', /a boolean for options\.skipSpecialTokens/),
    )
  }
  t.throws(() => o200k.decode(ids, { utf8: 'strict' } as object), coded('ERR_INVALID_ARGUMENT', /received utf8/))
})

test('long texts of one and of two bytes a character follow one another', (t) => {
  // Of lengths around multiples of 32, and the longest one first: what it leaves is in memory that is used again.
  const texts = ['我们 ab ', 'Straße, déjà vu; ', 'plain text and no more, ', 'Привет, мир! ']
    .flatMap((some) => [90_001, 20_000, 20_031, 20_033].map((length) => some.repeat(10_000).slice(0, length)))
    .map((some) => some.toWellFormed())
  for (const some of texts) t.true(o200k.decode(o200k.encode(some)) === some, `${some.slice(0, 20)}, ${some.length}`)
})

const invalidUtf8: readonly (readonly [title: string, bytes: readonly number[], validUpTo: number])[] = [
  ['a continuation byte alone', [0x80], 0],
  ['a byte that is never used', [0x61, 0xff], 1],
  ['an overlong form', [0xc0, 0xaf], 0],
  ['an overlong form of three bytes', [0xe0, 0x80, 0xaf], 0],
  ['a surrogate', [0x61, 0x62, 0xed, 0xa0, 0x80], 2],
  ['a code point past the last', [0xf4, 0x90, 0x80, 0x80], 0],
  ['a character cut at the end', [0x61, 0xf0, 0x9f, 0x98], 1],
  ['a character cut by another', [0xf0, 0x9f, 0x98, 0xe6, 0x88, 0x91], 0],
  ['two cut characters', [0xe2, 0x82, 0xe2, 0x82], 0],
]

for (const [title, bytes, validUpTo] of invalidUtf8) {
  test(`${title} is U+FFFD as in TextDecoder, or ERR_INVALID_UTF8`, async (t) => {
    const encoded = new Uint8Array(bytes)
    const expected = new TextDecoder('utf-8', { ignoreBOM: true }).decode(encoded)
    const error = (name: string) =>
      coded(
        'ERR_INVALID_UTF8',
        new RegExp(`expected UTF-8 for ${name}, received bytes that are not, the first at byte ${validUpTo}`),
      )

    t.is(gpt2.decode(byteIds(bytes)), expected)
    t.is(gpt2.decode(byteIds(bytes), { errors: 'replace' }), expected)
    t.throws(() => gpt2.decode(byteIds(bytes), { errors: 'strict' }), error('the bytes of the ids'))
    t.deepEqual(gpt2.decodeBytes(byteIds(bytes)), encoded)

    const ids = gpt2.encode(expected)
    t.deepEqual(gpt2.encode(encoded), ids)
    t.deepEqual(gpt2.encode(encoded, { utf8: 'replace' }), ids)
    t.deepEqual(gpt2.encodeOrdinary(encoded), ids)
    t.is(gpt2.count(encoded), ids.length)
    t.deepEqual(await gpt2.encodeAsync(encoded), ids)
    t.deepEqual(gpt2.encodeBatch(['', encoded]).at(1), ids)
    t.deepEqual((await gpt2.encodeBatchAsync(['', encoded])).at(1), ids)

    t.throws(() => gpt2.encode(encoded, { utf8: 'strict' }), error('text'))
    t.throws(() => gpt2.count(encoded, { utf8: 'strict' }), error('text'))
    t.throws(() => gpt2.encodeBatch(['', encoded], { utf8: 'strict' }), error('texts\\[1\\]'))
    await t.throwsAsync(gpt2.encodeAsync(encoded, { utf8: 'strict' }), error('text'))
    await t.throwsAsync(gpt2.encodeBatchAsync(['', encoded], { utf8: 'strict' }), error('texts\\[1\\]'))
  })
}

test('any bytes are read as TextDecoder reads them', (t) => {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const likelyInvalid = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.array(fc.constantFrom(0x61, 0x80, 0x9f, 0xa0, 0xbf, 0xc3, 0xe0, 0xe2, 0xed, 0xef, 0xf0, 0xf4, 0xff), {
      maxLength: 12,
    }),
  )
  fc.assert(
    fc.property(likelyInvalid, (bytes) => {
      const [array, expected] = [Uint8Array.from(bytes), decoder.decode(Uint8Array.from(bytes))]
      t.deepEqual(cl100k.encode(array), cl100k.encode(expected))
      t.is(gpt2.decode(byteIds(bytes)), expected)
    }),
    { numRuns: 500 },
  )
})

test('utf8: strict accepts what is UTF-8, and strings with lone surrogates', (t) => {
  t.deepEqual(o200k.encode(new TextEncoder().encode(text), { utf8: 'strict' }), ids)
  t.deepEqual(o200k.encode('a\ud800', { utf8: 'strict' }), o200k.encode('a\uFFFD'))
  t.is(o200k.decode(ids, { errors: 'strict' }), text)
})

test('lone surrogates are U+FFFD', async (t) => {
  for (const [text, read] of [
    ['\ud800', '\uFFFD'],
    ['\udfff', '\uFFFD'],
    ['\ud83d\ud83d\ude00', '\uFFFD😀'],
    ['\ude00\ud83d', '\uFFFD\uFFFD'],
    ['a\ud83d', 'a\uFFFD'],
  ] as const) {
    const ids = o200k.encode(read)
    t.deepEqual(o200k.encode(text), ids)
    t.deepEqual(await o200k.encodeAsync(text), ids)
    t.deepEqual(o200k.encodeBatch([text]).ids, ids)
    t.is(o200k.count(text), ids.length)
    t.is(o200k.decode(ids), read)
  }
})

for (const [title, text] of [
  ['U+FEFF at the start', '\uFEFFa'],
  ['U+FEFF twice', '\uFEFF\uFEFF'],
  ['U+FEFF inside and at the end', 'a\uFEFFb\uFEFF'],
  ['NUL', '\0'],
  ['NUL inside and at the ends', '\0a\0\0b\0'],
  ['CRLF', '\r\na\r\n\r\nb\r'],
  ['line separators', 'a\u2028b\u2029c\u0085d\u000b\u000c'],
] as const) {
  test(`${title} is kept`, async (t) => {
    for (const tokenizer of [gpt2, cl100k, o200k]) {
      const bytes = new TextEncoder().encode(text)
      const ids = tokenizer.encode(text)
      t.is(tokenizer.decode(ids), text)
      t.deepEqual(tokenizer.encode(bytes), ids)
      t.deepEqual(tokenizer.decodeBytes(ids), bytes)
      t.deepEqual(await tokenizer.encodeAsync(bytes), ids)
      t.deepEqual(tokenizer.encodeBatch([text, bytes]).at(1), ids)
      t.deepEqual(tokenizer.encodeBatch([bytes, text]).at(1), ids)
    }
  })
}
