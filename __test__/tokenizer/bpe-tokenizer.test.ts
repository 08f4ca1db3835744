import test from 'ava'
import fc from 'fast-check'
import { TokenmillError, type ErrorCode } from '../../src/errors.ts'
import { encodingNames, getEncoding } from '../../src/tokenizer/encodings.ts'

const coded = (code: ErrorCode, message: RegExp) => ({ instanceOf: TokenmillError, code, message })
const bytesOf = (text: string) => new TextEncoder().encode(text)
/** A character of one, two, three and four bytes, a mark, and every kind of end. */
const sample = "Ünïcode  text: 我们 👩‍👩‍👧 é\r\n\tit’s 12345 __init__ don't\u0000  "
const all = encodingNames.map((name) => getEncoding(name))
const o200k = getEncoding('o200k_base')

for (const tokenizer of all) {
  const { name } = tokenizer

  test(`${name}: all ways to encode a text agree, and decode gives it back`, async (t) => {
    const ids = tokenizer.encode(sample)
    t.true(ids instanceof Uint32Array)
    t.true(ids.length > 20)
    t.deepEqual(tokenizer.encode(bytesOf(sample)), ids)
    t.deepEqual(tokenizer.encodeOrdinary(sample), ids)
    t.deepEqual(tokenizer.encodeOrdinary(bytesOf(sample)), ids)
    t.deepEqual(tokenizer.encodeSegments([{ text: sample, trusted: false }]), ids)
    t.deepEqual(tokenizer.encodeSegments([{ text: sample, trusted: true }]), ids)
    t.deepEqual(tokenizer.encodeBatch([sample]).ids, ids)
    t.deepEqual(await tokenizer.encodeAsync(sample), ids)
    t.deepEqual((await tokenizer.encodeBatchAsync([sample])).ids, ids)
    t.is(tokenizer.count(sample), ids.length)
    t.is(tokenizer.count(bytesOf(sample)), ids.length)
    t.is(tokenizer.decode(ids), sample)
    t.deepEqual(tokenizer.decodeBytes(ids), bytesOf(sample))
  })

  test(`${name}: any text comes back, and count is the number of ids`, (t) => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const ids = tokenizer.encodeOrdinary(text)
        return tokenizer.decode(ids) === text && tokenizer.count(text) === ids.length
      }),
    )
    t.pass()
  })

  test(`${name}: the bytes of each id are its token, and the ids without a token are the published ones`, (t) => {
    const holes: number[] = []
    for (let id = 0; id < tokenizer.vocabSize; id++) {
      const bytes = tokenizer.idToBytes(id)
      if (bytes === undefined) {
        holes.push(id)
        t.is(tokenizer.idToToken(id), undefined)
      } else if (tokenizer.tokenToId(bytes) !== id) {
        t.fail(`${id} is ${Buffer.from(bytes).toString('hex')}, which is ${tokenizer.tokenToId(bytes)}`)
      }
    }
    t.is(tokenizer.idToBytes(tokenizer.vocabSize), undefined)
    t.not(tokenizer.idToBytes(tokenizer.vocabSize - 1), undefined)
    t.deepEqual(holes, publishedHoles[name])
  })

  test(`${name}: special tokens are tokens by name and id`, (t) => {
    for (const [token, id] of tokenizer.specialTokens) {
      t.is(tokenizer.tokenToId(token), id)
      t.is(tokenizer.tokenToId(bytesOf(token)), id)
      // In o200k_harmony 200018 has two names; the one of o200k_base is what it is decoded to.
      t.is(tokenizer.idToToken(id), token === '<|reserved_200018|>' ? '<|endofprompt|>' : token)
    }
    t.is(tokenizer.endOfTextId, tokenizer.specialTokens.get('<|endoftext|>'))
    t.is(tokenizer.decode([tokenizer.endOfTextId as number]), '<|endoftext|>')
  })
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)
const publishedHoles: Record<string, number[]> = {
  gpt2: [],
  r50k_base: [],
  p50k_base: [],
  p50k_edit: [],
  cl100k_base: [100_256, ...range(100_261, 100_276)],
  o200k_base: [199_998, ...range(200_000, 200_018)],
  o200k_harmony: [],
}

test('vocabSize is the largest id + 1', (t) => {
  t.deepEqual(
    all.map(({ vocabSize }) => vocabSize),
    [50_257, 50_257, 50_281, 50_284, 100_277, 200_019, 201_088],
  )
})

test('endOfTextId is the published one', (t) => {
  t.deepEqual(
    all.map(({ endOfTextId }) => endOfTextId),
    [50_256, 50_256, 50_256, 50_256, 100_257, 199_999, 199_999],
  )
})

test('what is not a text is an error', async (t) => {
  const wrong = [
    undefined,
    null,
    1,
    {},
    [],
    ['a'],
    new String('a'),
    new Uint16Array(2),
    new Uint8ClampedArray(2),
    new ArrayBuffer(2),
  ]
  const expected = coded(
    'ERR_INVALID_ARGUMENT',
    /expected a string or a Uint8Array for (text|token|texts\[0\]), received/,
  )
  for (const text of wrong as string[]) {
    t.throws(() => o200k.encode(text), expected)
    t.throws(() => o200k.encode(text, { allowedSpecial: 'all' }), expected)
    t.throws(() => o200k.encodeOrdinary(text), expected)
    t.throws(() => o200k.encodeBatch([text]), expected)
    t.throws(() => o200k.count(text), expected)
    t.throws(() => o200k.tokenToId(text), expected)
    await t.throwsAsync(() => o200k.encodeAsync(text), expected)
    await t.throwsAsync(() => o200k.encodeBatchAsync([text]), expected)
  }
})

test('what cannot be looked at is an error too', (t) => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  const Named = function () {} as unknown as new () => object
  Object.defineProperty(Named, 'name', { value: Symbol('name') })
  const throws = {
    get constructor(): never {
      throw new Error('mine')
    },
  }
  for (const value of [proxy, new Named(), Named, throws])
    t.throws(() => o200k.encode(value as never), coded('ERR_INVALID_ARGUMENT', /for text, received/))
})

test('what is not an option is an error', async (t) => {
  for (const options of [null, 1, 'all', [], { allowed: 'all' }, { utf8: 'lossy' }, { utf8: null }] as object[]) {
    const expected = coded('ERR_INVALID_ARGUMENT', /options/)
    t.throws(() => o200k.encode('a', options), expected)
    t.throws(() => o200k.encodeBatch(['a'], options), expected)
    t.throws(() => o200k.count('a', options), expected)
    t.throws(() => o200k.decode([1], options), expected)
    await t.throwsAsync(() => o200k.encodeAsync('a', options), expected)
    await t.throwsAsync(() => o200k.encodeBatchAsync(['a'], options), expected)
  }
  t.throws(
    () => o200k.encode('a', { signal: new AbortController().signal } as object),
    coded('ERR_INVALID_ARGUMENT', /signal/),
  )
})

test('the ids of one call stay as they are in the next', (t) => {
  const first = o200k.encode('hello world')
  const copy = first.slice()
  o200k.encode('something else that is longer')
  getEncoding('gpt2').encode('and another tokenizer')
  t.deepEqual(first, copy)
})

for (const count of [0, 1, 4094, 4095, 4096, 4097, 8193, 300_000]) {
  test(`${count} ids come back whole`, async (t) => {
    // Each ' x' is one token.
    const text = ' x'.repeat(count)
    const [id] = o200k.encode(' x')
    const expected = new Uint32Array(count).fill(id as number)
    t.deepEqual(o200k.encode(text), expected)
    t.deepEqual(o200k.encode(bytesOf(text)), expected)
    t.is(o200k.count(text), count)
    t.deepEqual(await o200k.encodeAsync(text), expected)
    t.deepEqual(o200k.encodeBatch([text, text]).at(1), expected)
    t.is(o200k.decode(expected), text)
  })
}

test('tokenToId is undefined for what is no token', (t) => {
  for (const token of ['', 'hello world, this is no token', '<|endoftext', '<|fim_prefix|>'])
    t.is(o200k.tokenToId(token), undefined)
  t.is(o200k.tokenToId(new Uint8Array()), undefined)
})

test('each byte is a token', (t) => {
  for (const tokenizer of all) {
    const ids = range(0, 256).map((byte) => tokenizer.tokenToId(new Uint8Array([byte])) as number)
    t.is(new Set(ids).size, 256)
    t.deepEqual(tokenizer.decodeBytes(ids), new Uint8Array(range(0, 256)))
  }
})

test('tokenToId reads the bytes of a subarray and of shared memory', (t) => {
  const id = o200k.tokenToId(' hello') as number
  t.is(o200k.idToToken(id), ' hello')
  t.is(o200k.tokenToId(bytesOf('xx hello').subarray(2)), id)
  const shared = new Uint8Array(new SharedArrayBuffer(6))
  shared.set(bytesOf(' hello'))
  t.is(o200k.tokenToId(shared), id)
})

test('idToToken and idToBytes are undefined for ids that no token has, and refuse what is no id', (t) => {
  for (const id of [200_019, 2 ** 32, 2 ** 52]) {
    t.is(o200k.idToToken(id), undefined)
    t.is(o200k.idToBytes(id), undefined)
  }
  const wrong = [-1, 0.5, NaN, Infinity, -Infinity, 1n, '1', null, undefined, {}, [1], Symbol('x')]
  for (const id of wrong as number[]) {
    const error = { code: 'ERR_INVALID_ARGUMENT', message: /^expected an integer ≥ 0 for id, received/ }
    t.throws(() => o200k.idToToken(id), error)
    t.throws(() => o200k.idToBytes(id), error)
  }
})

test('idToToken shows bytes that are not UTF-8 as U+FFFD and keeps U+FEFF', (t) => {
  const cut = [...o200k.encode('\u{1F9FF}\u{10300}')].find((id) => o200k.idToToken(id)?.includes('\uFFFD'))
  t.not(cut, undefined)
  const mark = o200k.tokenToId('\uFEFF') as number
  t.is(o200k.idToToken(mark), '\uFEFF')
})

test('the bytes of a token are a copy', (t) => {
  const id = o200k.tokenToId('hello') as number
  o200k.idToBytes(id)?.fill(0)
  t.is(o200k.idToToken(id), 'hello')
})

test('segments join without merging over their edges', (t) => {
  const segments = [
    { text: 'hel', trusted: false },
    { text: 'lo', trusted: true },
    { text: '', trusted: true },
  ]
  t.deepEqual([...o200k.encodeSegments(segments)], [...o200k.encode('hel'), ...o200k.encode('lo')])
  t.deepEqual(o200k.encodeSegments([]), new Uint32Array())
})

test('only trusted segments hold special tokens', (t) => {
  const ids = o200k.encodeSegments([
    { text: '<|endoftext|>hi<|endofprompt|>', trusted: true },
    { text: '<|endoftext|>hi<|endofprompt|>', trusted: false },
  ])
  const plain = o200k.encodeOrdinary('<|endoftext|>hi<|endofprompt|>')
  t.deepEqual([...ids], [199_999, ...o200k.encode('hi'), 200_018, ...plain])
  t.false(plain.includes(199_999) || plain.includes(200_018))
})

test('a special token over two segments is none', (t) => {
  const token = '<|endoftext|>'
  for (let cut = 1; cut < token.length; cut++) {
    for (const trusted of [
      [true, true],
      [true, false],
      [false, true],
      [false, false],
    ] as const) {
      const ids = o200k.encodeSegments([
        { text: token.slice(0, cut), trusted: trusted[0] },
        { text: token.slice(cut), trusted: trusted[1] },
      ])
      t.false(ids.includes(199_999))
      t.is(o200k.decode(ids), token)
    }
  }
})

test('a surrogate pair over two segments is two U+FFFD', (t) => {
  const ids = o200k.encodeSegments([
    { text: '\ud83d', trusted: true },
    { text: '\ude00', trusted: true },
  ])
  t.is(o200k.decode(ids), '\uFFFD\uFFFD')
})

test('what is not a list of segments is an error that names the place', (t) => {
  const rows: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /for segments, received undefined/],
    ['text', /for segments/],
    [[null], /for segments\[0\], received null/],
    [[{ text: 'a', trusted: true }, 'b'], /for segments\[1\]/],
    [[{ text: 'a' }], /a boolean for segments\[0\]\.trusted, received undefined/],
    [[{ text: 'a', trusted: 1 }], /segments\[0\]\.trusted/],
    [[{ text: bytesOf('a'), trusted: true }], /a string for segments\[0\]\.text/],
    [[{ trusted: true }], /segments\[0\]\.text/],
    // eslint-disable-next-line no-sparse-arrays
    [[, { text: 'a', trusted: true }], /segments\[0\], received undefined/],
  ]
  for (const [segments, message] of rows) {
    t.throws(() => o200k.encodeSegments(segments as []), coded('ERR_INVALID_ARGUMENT', message))
  }
})

test('arrays of any length are plain ones that have their memory to themselves', (t) => {
  for (const count of [1, 5_000, 16_383, 16_384, 100_000, 300_000]) {
    const text = ' the'.repeat(count)
    const ids = o200k.encode(text)
    const { offsets } = o200k.encodeWithOffsets(text)
    const arrays = [
      [Uint32Array, ids],
      [Uint8Array, o200k.decodeBytes(ids)],
      [Uint32Array, offsets],
    ] as const
    for (const [kind, array] of arrays) {
      t.is(Object.getPrototypeOf(array), kind.prototype)
      t.deepEqual([array.byteOffset, array.buffer.byteLength], [0, array.byteLength])
      const { length } = array
      t.is(structuredClone(array, { transfer: [array.buffer as ArrayBuffer] }).length, length)
      t.is(array.length, 0)
    }
  }
})

test('ids of long texts stay as they are, whatever is encoded after them, and can be given to another thread', async (t) => {
  const long = 'The mill stood where the river bent. '.repeat(40_000)
  // What comes after the first part takes more bytes, and has more ids, than the first part lets expect.
  const ever = `${'a '.repeat(1 << 16)}${'\u{10fffd} '.repeat(1 << 19)}`
  const [longIds, everIds] = [await o200k.encodeAsync(long), await o200k.encodeAsync(ever)]
  const kept: Uint32Array[] = []
  for (let round = 0; round < 8; round++) {
    const ids = o200k.encode(long)
    kept.push(o200k.encode(bytesOf(long)), o200k.encode(bytesOf(ever)), o200k.encode(ever))
    const moved = structuredClone(ids, { transfer: [ids.buffer as ArrayBuffer] })
    t.deepEqual(moved, longIds)
    await new Promise((resolve) => setImmediate(resolve))
  }
  for (const [index, ids] of kept.entries()) {
    t.true(Buffer.from(ids.buffer).equals(Buffer.from(index % 3 === 0 ? longIds.buffer : everIds.buffer)))
  }
  t.deepEqual(o200k.encode(' '.repeat(1 << 21)), await o200k.encodeAsync(' '.repeat(1 << 21)))
  t.deepEqual([...o200k.encode('a short one')], [...o200k.encode(bytesOf('a short one'))])
})
