import test from 'ava'
import { getEncoding } from '../../src/tokenizer/encodings.ts'
import { cpuSince, cpuTime } from '../cpu-time.ts'

/*
 * Texts that make careless tokenizers slow or wrong. Bounds on time are generous, because machines are busy: what they tell
 * is linear from quadratic, where a megabyte would take minutes.
 */

const tokenizers = (['gpt2', 'cl100k_base', 'o200k_base'] as const).map((name) => getEncoding(name))
const megabyte = 1 << 20

/** Numbers from 0 to 2^32 - 1 that are the same in each run (xorshift32; Marsaglia, 2003). */
const random = (seed: number) => {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

const drawn = (length: number, alphabet: string, seed = 1) => {
  const next = random(seed)
  const letters = Array.from(alphabet)
  return Array.from({ length }, () => letters[next() % letters.length]).join('')
}

const lower = 'abcdefghijklmnopqrstuvwxyz'
const base64 = `${lower.toUpperCase()}${lower}0123456789+/`
const repeated = (part: string) => (bytes: number) => part.repeat(Math.ceil(bytes / Buffer.byteLength(part)))

/** Each makes a text of about so many bytes. */
const makers: Readonly<Record<string, (bytes: number) => string>> = {
  a: repeated('a'),
  ab: repeated('ab'),
  spaces: repeated(' '),
  tabs: repeated('\t'),
  newlines: repeated('\n'),
  CRLF: repeated('\r\n'),
  'spaces and newlines': repeated('   \n '),
  'white space of all kinds': (bytes) => drawn(bytes >> 1, ' \t\n\r\u00a0\u2003\u3000\u2028\u0085'),
  underscores: repeated('_'),
  dashes: repeated('-'),
  marks: (bytes) => drawn(bytes, '!"#$%&()*+,-./:;<=>?@[]^_{|}~'),
  apostrophes: repeated("'"),
  contractions: repeated("'ll's'RE"),
  digits: repeated('7'),
  'random digits': (bytes) => drawn(bytes, '0123456789'),
  あ: repeated('あ'),
  'Chinese without marks': (bytes) => drawn(Math.ceil(bytes / 3), '我们今天去北京大学习中文真好的一是不了人在有'),
  'emoji of several people': repeated('👩‍👩‍👧'),
  'one emoji': repeated('😀'),
  'combining marks': repeated('\u0301'),
  'letters with combining marks': repeated('e\u0301\u0327'),
  'U+FEFF': repeated('\uFEFF'),
  'U+FFFD': repeated('\uFFFD'),
  NUL: repeated('\0'),
  'random lower case': (bytes) => drawn(bytes, lower),
  'camel case': (bytes) => drawn(bytes, `${lower}${lower.toUpperCase()}`),
  base64: (bytes) => drawn(bytes, base64),
  'beginnings of special tokens': repeated('<|endoftext|'),
  'open brackets': repeated('<|'),
  'one line of words': repeated('the mill grinds slowly '),
}

for (const [title, make] of Object.entries(makers)) {
  test(`a megabyte of ${title} encodes at once and comes back`, (t) => {
    const text = make(megabyte)
    t.true(Buffer.byteLength(text) > megabyte * 0.9)
    for (const tokenizer of tokenizers) {
      const start = process.cpuUsage()
      const ids = tokenizer.encode(text)
      const took = cpuSince(start)
      t.true(took < 5000, `${tokenizer.name}: ${took} ms`)
      t.true(tokenizer.decode(ids) === text, tokenizer.name)
      t.is(tokenizer.count(text), ids.length)
    }
  })
}

const fastest = (work: () => unknown) => Math.min(cpuTime(work), cpuTime(work))

test('the time grows with the length of a piece, not with its square', (t) => {
  // Sixteen times as long: linear is 16, quadratic 256.
  for (const title of ['a', 'spaces', 'one emoji', 'random lower case', 'marks'] as const) {
    const make = makers[title] as (bytes: number) => string
    const [short, long] = [make(megabyte / 4), make(megabyte * 4)]
    for (const tokenizer of [getEncoding('gpt2'), getEncoding('o200k_base')]) {
      const [few, many] = [fastest(() => tokenizer.count(short)), fastest(() => tokenizer.count(long))]
      t.true(many / Math.max(few, 2) < 100, `${tokenizer.name}, ${title}: ${few} ms, then ${many} ms`)
    }
  }
})

test('a line of ten megabytes comes back', (t) => {
  const words = 'no line break 我们 in 1234 all of this, '
  const text = words.repeat(Math.ceil((10 * megabyte) / Buffer.byteLength(words)))
  for (const tokenizer of tokenizers) {
    const ids = tokenizer.encode(text)
    t.true(tokenizer.decode(ids) === text)
    t.is(tokenizer.count(text), ids.length)
    t.is(tokenizer.encode(new TextEncoder().encode(text)).length, ids.length)
  }
})

test('a million distinct words come back', (t) => {
  const text = Array.from({ length: 1_000_000 }, (_, index) =>
    Math.imul(index, 0x9e3779b1).toString(36).replace('-', 'z'),
  ).join(' ')
  t.is(new Set(text.split(' ')).size, 1_000_000)
  for (const tokenizer of tokenizers) {
    const ids = tokenizer.encode(text)
    t.true(tokenizer.decode(ids) === text)
    // What is remembered of words already seen does not change the ids.
    t.true(Buffer.from(tokenizer.encode(text).buffer).equals(Buffer.from(ids.buffer)))
  }
})

test('what was encoded before does not change the ids', (t) => {
  const words = Array.from({ length: 20_000 }, (_, index) => ` ${drawn(1 + (index % 24), base64, index + 1)}`)
  for (const tokenizer of tokenizers) {
    const shown = (words: string[]) => words.map((word) => tokenizer.encode(word).join())
    const first = shown(words)
    t.true(first.join('\n') === shown(words.toReversed()).toReversed().join('\n'), tokenizer.name)
    t.true(
      first.join('\n') === Array.from(tokenizer.encodeBatch(words), (row) => row.join()).join('\n'),
      tokenizer.name,
    )
  }
})

test('every single byte is text, valid or not', (t) => {
  for (const tokenizer of tokenizers) {
    for (let byte = 0; byte < 256; byte++) {
      const bytes = new Uint8Array([byte])
      const text = byte < 128 ? String.fromCharCode(byte) : '\uFFFD'
      t.is(tokenizer.decode(tokenizer.encode(bytes)), text)
      t.deepEqual(tokenizer.encode(bytes), tokenizer.encode(text))
      t.is(tokenizer.count(bytes), tokenizer.count(text))
    }
  }
})

test('nothing has no ids', async (t) => {
  for (const tokenizer of tokenizers) {
    for (const text of ['', new Uint8Array(), new Uint8Array(new SharedArrayBuffer(0))]) {
      t.deepEqual(tokenizer.encode(text), new Uint32Array())
      t.deepEqual(tokenizer.encodeOrdinary(text), new Uint32Array())
      t.deepEqual(tokenizer.encode(text, { allowedSpecial: 'all', utf8: 'strict' }), new Uint32Array())
      t.is(tokenizer.count(text), 0)
      t.deepEqual(await tokenizer.encodeAsync(text), new Uint32Array())
    }
  }
})

test('every code point comes back', (t) => {
  for (let block = 0; block < 0x110000; block += 0x1000) {
    const text = Array.from({ length: 0x1000 }, (_, index) => String.fromCodePoint(block + index)).join('')
    const read = new TextDecoder('utf-8', { ignoreBOM: true }).decode(new TextEncoder().encode(text))
    for (const tokenizer of tokenizers) t.is(tokenizer.decode(tokenizer.encode(text)), read)
  }
})

test('two hundred thousand small calls and thousands of large ones do not grow memory without end', (t) => {
  const [tokenizer] = tokenizers as [(typeof tokenizers)[number]]
  const small = 'fifty bytes of text, more or less, with numbers 1234'
  const large = small.repeat(2000)
  const options = (index: number) => ({ disallowedSpecial: [`<|${index}|>`] })
  const round = (from: number) => {
    for (let index = from; index < from + 100_000; index++) {
      tokenizer.encode(small)
      tokenizer.count(small)
      if (index % 100 === 0) tokenizer.encode(large, options(index))
      if (index % 1000 === 0)
        t.throws(() => tokenizer.encode(`<|${index}|>`, options(index)), { code: 'ERR_SPECIAL_TOKEN' })
    }
  }
  round(0)
  const before = process.memoryUsage.rss()
  round(100_000)
  const grown = process.memoryUsage.rss() - before
  t.true(grown < 200 * megabyte, `${grown} bytes`)
})
