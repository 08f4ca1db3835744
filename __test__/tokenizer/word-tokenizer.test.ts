import test from 'ava'
import * as fc from 'fast-check'
import { TokenmillError } from '../../src/errors.ts'
import type { EncodeOptions } from '../../src/tokenizer/tokenizer.ts'
import { Vocabulary } from '../../src/tokenizer/vocabulary.ts'
import { WordTokenizer } from '../../src/tokenizer/word-tokenizer.ts'
import { naiveBook } from './split/naive-split.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const words = [
  '!',
  '"',
  "'",
  '(',
  ')',
  ',',
  '--',
  '.',
  ':',
  ';',
  '?',
  'Hello',
  '_',
  'a',
  'b',
  'world',
  '\uFEFFa',
  '\uFFFD',
]
const vocabulary = Vocabulary.fromWords(words)
const [endOfText, unknown] = [words.length, words.length + 1]
const tokenizer = new WordTokenizer(vocabulary)
const strict = new WordTokenizer(vocabulary, { unknown: null })
const id = (word: string) => words.indexOf(word)

/** Chapter 2 of the book, SimpleTokenizerV2. */
const naiveEncode = (text: string) => naiveBook(text).map((word) => (words.includes(word) ? id(word) : unknown))
const naiveDecode = (ids: readonly number[]) =>
  ids
    .map((each) => [...words, '<|endoftext|>', '<|unk|>'][each])
    .join(' ')
    .replace(/\s+([,.:;?!"()'])/g, '$1')

const text = fc.string({
  unit: fc.constantFrom('a', 'b', 'Hello', 'moon', ' ', ' ', '\n', ',', '--', '.', "'", '\ud800', '\uFEFF'),
  maxLength: 60,
})

test('it tells what it is', (t) => {
  t.is(tokenizer.name, 'word-vocabulary')
  t.is(tokenizer.vocabSize, words.length + 2)
  t.is(tokenizer.endOfTextId, endOfText)
  t.deepEqual(
    [...tokenizer.specialTokens],
    [
      ['<|endoftext|>', endOfText],
      ['<|unk|>', unknown],
    ],
  )
  t.is(tokenizer.unknown, '<|unk|>')
  t.is(strict.unknown, null)
  t.is(new WordTokenizer(Vocabulary.fromWords([], { specialTokens: [] }), { unknown: null }).endOfTextId, undefined)
})

test('words become ids, unknown ones that of <|unk|>', (t) => {
  t.deepEqual(
    tokenizer.encode('Hello, moon--world?'),
    Uint32Array.of(id('Hello'), id(','), unknown, id('--'), id('world'), id('?')),
  )
})

test('encode and decode equal those of the book on any text', (t) => {
  fc.assert(
    fc.property(text, (value) => {
      const ids = tokenizer.encode(value)
      t.deepEqual([...ids], naiveEncode(value))
      t.is(tokenizer.decode(ids), naiveDecode([...ids]))
    }),
  )
  t.pass()
})

test('all ways to encode agree on any text', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(text, { maxLength: 4 }), async (texts) => {
      const rows = texts.map((value) => tokenizer.encode(value))
      t.deepEqual([...tokenizer.encodeBatch(texts)], rows)
      t.deepEqual([...(await tokenizer.encodeBatchAsync(texts))], rows)
      t.deepEqual(await Promise.all(texts.map((value) => tokenizer.encodeAsync(value))), rows)
      t.deepEqual(
        texts.map((value) => tokenizer.encodeOrdinary(value)),
        rows,
      )
      t.deepEqual(
        texts.map((value) => tokenizer.encode(bytes(value))),
        rows,
      )
      t.deepEqual(
        texts.map((value) => tokenizer.count(value)),
        rows.map((row) => row.length),
      )
      t.deepEqual(
        [...tokenizer.encodeSegments(texts.map((value) => ({ text: value, trusted: true })))],
        rows.flatMap((row) => [...row]),
      )
    }),
    { numRuns: 60 },
  )
})

test('unknown: null makes an unknown word an error that names it and its place', async (t) => {
  const error = { instanceOf: TokenmillError, code: 'ERR_UNKNOWN_TOKEN' }
  t.throws(() => strict.encode('a moon'), { ...error, message: /for text, received "moon" at index 2/ })
  t.throws(() => strict.encodeBatch(['a', 'a  sun']), {
    ...error,
    message: /for texts\[1\], received "sun" at index 3/,
  })
  t.throws(() => strict.encodeSegments([{ text: 'sun', trusted: false }]), {
    ...error,
    message: /segments\[0\].text, received "sun" at index 0/,
  })
  t.throws(() => strict.encode('<|unk|> moon', { allowedSpecial: 'all' }), { ...error, message: /"moon" at index 8/ })
  t.throws(() => strict.encodeOrdinary('<|unk|>'), { ...error, message: /"<\|unk\|>" at index 0/ })
  await t.throwsAsync(strict.encodeAsync(`${'a '.repeat(1e6)}moon`), { ...error, message: /"moon" at index 2000000/ })
  t.deepEqual(strict.encode('a b'), Uint32Array.of(id('a'), id('b')))
  t.is(strict.count('a moon'), 2)
  t.true((t.throws(() => strict.encode('x'.repeat(1e6)), error)?.message.length ?? 0) < 300)
})

for (const [title, options, value, expected] of [
  ['nothing is allowed, so a special token is refused', {}, 'a <|endoftext|>', 'ERR_SPECIAL_TOKEN'],
  ['a word that is also in the text does not hide it', {}, 'a<|unk|>b', 'ERR_SPECIAL_TOKEN'],
  ["'all' is allowed", { allowedSpecial: 'all' }, 'a<|endoftext|>b <|unk|>', [id('a'), endOfText, id('b'), unknown]],
  ['one is allowed, the other refused', { allowedSpecial: ['<|unk|>'] }, '<|unk|><|endoftext|>', 'ERR_SPECIAL_TOKEN'],
  ['one is allowed by a Set', { allowedSpecial: new Set(['<|endoftext|>']) }, '<|endoftext|>', [endOfText]],
  ['nothing is disallowed, so it is plain text', { disallowedSpecial: [] }, 'a <|endoftext|>', [id('a'), unknown]],
  [
    'what is allowed and disallowed is refused',
    { allowedSpecial: 'all', disallowedSpecial: ['<|unk|>'] },
    '<|unk|>',
    'ERR_SPECIAL_TOKEN',
  ],
  ['any text can be disallowed', { disallowedSpecial: ['b'] }, 'a b', 'ERR_SPECIAL_TOKEN'],
  ['a foreign name that is allowed means nothing', { allowedSpecial: ['b'] }, 'a b', [id('a'), id('b')]],
] as const satisfies readonly (readonly [string, EncodeOptions, string, string | readonly number[]])[]) {
  test(`special tokens: ${title}`, async (t) => {
    if (typeof expected === 'string') {
      t.throws(() => tokenizer.encode(value, options), { code: expected })
      t.throws(() => tokenizer.encodeBatch(['', value], options), { code: expected })
      await t.throwsAsync(tokenizer.encodeAsync(value, options), { code: expected })
    } else {
      t.deepEqual([...tokenizer.encode(value, options)], [...expected])
      t.deepEqual([...tokenizer.encodeBatch([value], options).ids], [...expected])
      t.deepEqual([...(await tokenizer.encodeAsync(value, options))], [...expected])
      t.is(tokenizer.count(value, options), expected.length)
    }
  })
}

test('a refused special token is named with its index', (t) => {
  t.throws(() => tokenizer.encode('😀 <|unk|>'), { message: /"<\|unk\|>" at index 3/ })
})

test('counting refuses no special token unless told', (t) => {
  t.is(tokenizer.count('a <|endoftext|> b'), 3)
  t.throws(() => tokenizer.count('a <|endoftext|>', { disallowedSpecial: 'all' }), { code: 'ERR_SPECIAL_TOKEN' })
})

test('where two special tokens start at one place the longer is read; their characters are not a pattern', (t) => {
  const own = new WordTokenizer(
    Vocabulary.fromWords(['a'], { specialTokens: ['[a]', '[a].*', '(a|b)$', '\\d', '😀'] }),
    { unknown: null },
  )
  t.deepEqual([...own.encode('[a].*[a](a|b)$\\d😀a', { allowedSpecial: 'all' })], [2, 1, 3, 4, 5, 0])
})

test('only trusted segments make special tokens, and none is made across two', (t) => {
  t.deepEqual(
    [
      ...tokenizer.encodeSegments([
        { text: 'a <|endoftext|>', trusted: true },
        { text: 'b <|endoftext|>', trusted: false },
        { text: '<|endof', trusted: true },
        { text: 'text|>', trusted: true },
      ]),
    ],
    [id('a'), endOfText, id('b'), unknown, unknown, unknown],
  )
})

test('decode joins with spaces and takes the space before marks away', (t) => {
  const ids = [
    id('Hello'),
    id(','),
    id('world'),
    id('!'),
    id('--'),
    id('_'),
    id('('),
    id('a'),
    id(')'),
    id("'"),
    id('"'),
    id(':'),
    id(';'),
    id('?'),
    id('.'),
  ]
  t.is(tokenizer.decode(ids), `Hello, world! -- _( a)'":;?.`)
  t.is(tokenizer.decode([endOfText, id('.'), unknown]), '<|endoftext|>. <|unk|>')
  t.is(tokenizer.decode([id('a'), endOfText, id('.')], { skipSpecialTokens: true }), 'a.')
  t.is(tokenizer.decode([]), '')
  t.is(tokenizer.decode(new Set([id('a'), id('b')])), 'a b')
  t.is(tokenizer.decode([id('\uFEFFa')]), '\uFEFFa')
  t.deepEqual(tokenizer.decodeBytes(Uint32Array.of(id('\uFEFFa'), id('.'))), bytes('\uFEFFa.'))
})

test('decode takes white space inside words before marks away too, in time that grows with the text', (t) => {
  const own = new WordTokenizer(Vocabulary.fromWords([' '.repeat(1e6), 'x  , y', 'end']))
  t.is(own.decode([1, 2]), 'x, y end')
  t.is(own.decode([0, 2]).length, 1e6 + 4)
})

for (const [title, ids, expected] of [
  ['an id above all', [0, 99], ['ERR_OUT_OF_RANGE', /ids\[1\], received 99; ids are 0 to 19/]],
  ['a negative id', [-1], ['ERR_OUT_OF_RANGE', /received -1/]],
  ['a fractional id', [0.5], ['ERR_INVALID_ARGUMENT', /an integer for ids\[0\], received 0.5/]],
  ['NaN', [0, NaN], ['ERR_INVALID_ARGUMENT', /ids\[1\], received NaN/]],
  ['Infinity', [Infinity], ['ERR_INVALID_ARGUMENT', /received Infinity/]],
  ['a string in the list', ['1'], ['ERR_INVALID_ARGUMENT', /received "1"/]],
  ['a string', '12', ['ERR_INVALID_ARGUMENT', /another iterable of numbers for ids/]],
  ['null', null, ['ERR_INVALID_ARGUMENT', /for ids, received null/]],
] as const) {
  test(`decoding ${title} is an error`, (t) => {
    t.throws(() => tokenizer.decode(ids as never), { code: expected[0], message: expected[1] })
    t.throws(() => tokenizer.decodeBytes(ids as never), { code: expected[0] })
  })
}

test('tokens and ids are found in both directions', (t) => {
  t.is(tokenizer.tokenToId('Hello'), id('Hello'))
  t.is(tokenizer.tokenToId(bytes('Hello')), id('Hello'))
  t.is(tokenizer.tokenToId('<|unk|>'), unknown)
  t.is(tokenizer.tokenToId('moon'), undefined)
  t.is(tokenizer.tokenToId(Uint8Array.of(0xff)), undefined)
  t.is(tokenizer.idToToken(endOfText), '<|endoftext|>')
  t.is(tokenizer.idToToken(99), undefined)
  t.deepEqual(tokenizer.idToBytes(id('\uFEFFa')), bytes('\uFEFFa'))
  t.is(tokenizer.idToBytes(99), undefined)
  t.throws(() => tokenizer.idToBytes(-1), {
    code: 'ERR_INVALID_ARGUMENT',
    message: /an integer ≥ 0 for id, received -1/,
  })
  t.throws(() => tokenizer.tokenToId(5 as never), { code: 'ERR_INVALID_ARGUMENT' })
})

test('bytes are UTF-8: invalid parts are U+FFFD or an error, U+FEFF is kept', async (t) => {
  const broken = Uint8Array.of(0x61, 0x20, 0xe4, 0xb8, 0x20, 0x62)
  t.deepEqual([...tokenizer.encode(broken)], [id('a'), id('\uFFFD'), id('b')])
  t.throws(() => tokenizer.encode(broken, { utf8: 'strict' }), {
    code: 'ERR_INVALID_UTF8',
    message: /expected UTF-8 for text/,
  })
  t.throws(() => tokenizer.encodeBatch(['', broken], { utf8: 'strict' }), {
    code: 'ERR_INVALID_UTF8',
    message: /for texts\[1\]/,
  })
  await t.throwsAsync(tokenizer.encodeAsync(broken, { utf8: 'strict' }), { code: 'ERR_INVALID_UTF8' })
  t.deepEqual([...tokenizer.encode(bytes('\uFEFFa'))], [id('\uFEFFa')])
  t.deepEqual([...tokenizer.encode(Buffer.from('a b').subarray(2))], [id('b')])
  const shared = new Uint8Array(new SharedArrayBuffer(3))
  shared.set(bytes('a b'))
  t.deepEqual([...tokenizer.encode(shared)], [id('a'), id('b')])
})

test('long bytes are read in parts with the same result, whatever is cut', (t) => {
  for (const cut of [0, 1, 2, 3, 4]) {
    const broken = Buffer.from([0xf0, 0x9f, 0x20, 0xe4])
    const long = Buffer.concat([
      Buffer.alloc(2 ** 18 - cut, 'a'),
      Buffer.from('😀 é中'),
      broken,
      Buffer.alloc(2 ** 18, 'b '),
    ])
    const expected = naiveBook(new TextDecoder('utf-8', { ignoreBOM: true }).decode(long))
    const own = new WordTokenizer(Vocabulary.fromWords(new Set(expected)), { unknown: null })
    t.deepEqual(
      Array.from(own.encode(long), (each) => own.idToToken(each)),
      expected,
    )
    t.throws(() => own.encode(long, { utf8: 'strict' }), { code: 'ERR_INVALID_UTF8' })
  }
})

test('bytes that change during an asynchronous call do not change its result', async (t) => {
  const value = Buffer.from('a '.repeat(1e6))
  const ids = tokenizer.encodeAsync(value)
  value.fill('b ')
  t.true((await ids).every((each) => each === id('a')))
})

test('an asynchronous call lets the event loop turn and equals the synchronous one', async (t) => {
  const value = 'Hello, world. '.repeat(400_000)
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  const ids = await tokenizer.encodeAsync(value)
  clearInterval(timer)
  t.deepEqual(ids, tokenizer.encode(value))
  t.true(turns > 1)
})

test('an abort rejects with the reason of the signal', async (t) => {
  const reason = { any: 'thing' }
  const catching = (promise: Promise<unknown>) =>
    promise.then(
      () => t.fail(),
      (error: unknown) => error,
    )
  t.is(await catching(tokenizer.encodeAsync('a', { signal: AbortSignal.abort(reason) })), reason)
  t.is(await catching(tokenizer.encodeBatchAsync(['a'], { signal: AbortSignal.abort(reason) })), reason)
  for (const run of [
    (signal: AbortSignal) => tokenizer.encodeAsync('a '.repeat(5e6), { signal }),
    (signal: AbortSignal) => tokenizer.encodeBatchAsync(Array<string>(2000).fill('a '.repeat(2500)), { signal }),
  ]) {
    const controller = new AbortController()
    setImmediate(() => controller.abort(reason))
    t.is(await catching(run(controller.signal)), reason)
  }
  await t.throwsAsync(tokenizer.encodeAsync('a', { signal: 'x' as never }), {
    code: 'ERR_INVALID_ARGUMENT',
    message: /an AbortSignal/,
  })
})

for (const [title, call, message] of [
  ['text of null', () => tokenizer.encode(null as never), /a string or a Uint8Array for text, received null/],
  ['text of a number', () => tokenizer.count(NaN as never), /for text, received NaN/],
  ['a text of a Uint16Array', () => tokenizer.encodeOrdinary(new Uint16Array(1) as never), /for text/],
  ['texts that are a string', () => tokenizer.encodeBatch('ab' as never), /an array for texts/],
  ['texts with a hole', () => tokenizer.encodeBatch(Array(1) as never), /for texts\[0\], received undefined/],
  [
    'segments without trust',
    () => tokenizer.encodeSegments([{ text: 'a' } as never]),
    /segments\[0\].trusted, received undefined/,
  ],
  ['segments of null', () => tokenizer.encodeSegments([null as never]), /for segments\[0\], received null/],
  [
    'a bare string for allowedSpecial',
    () => tokenizer.encode('a', { allowedSpecial: '<|unk|>' as never }),
    /options.allowedSpecial/,
  ],
  ['another utf8', () => tokenizer.encode('a', { utf8: 'loose' as never }), /options.utf8/],
  ['an unknown option', () => tokenizer.encode('a', { allowed: 'all' } as never), /received allowed/],
  ['a signal in a synchronous call', () => tokenizer.encode('a', { signal: undefined } as never), /received signal/],
  ['another errors', () => tokenizer.decode([], { errors: 'ignore' as never }), /options.errors/],
  [
    'another skipSpecialTokens',
    () => tokenizer.decode([], { skipSpecialTokens: 1 as never }),
    /options.skipSpecialTokens/,
  ],
  ['a vocabulary that is none', () => new WordTokenizer({} as never), /a Vocabulary for vocabulary/],
  [
    'unknown that is not in the vocabulary',
    () => new WordTokenizer(Vocabulary.fromWords(['a'], { specialTokens: [] })),
    /no special token <\|unk\|> for unknown words: give it one, or pass unknown: null/,
  ],
  [
    'unknown that is asked for and not in the vocabulary',
    () => new WordTokenizer(Vocabulary.fromWords(['a'], { specialTokens: [] }), { unknown: '<|unk|>' }),
    /a special token of the vocabulary for options.unknown, received "<\|unk\|>"/,
  ],
  [
    'unknown that is a word',
    () => new WordTokenizer(Vocabulary.fromWords(['a']), { unknown: 'a' }),
    /options.unknown, received "a"/,
  ],
  ['unknown of a number', () => new WordTokenizer(vocabulary, { unknown: 0 as never }), /options.unknown, received 0/],
] as const) {
  test(`${title} is an error that says so`, (t) => {
    t.throws(call as () => unknown, { code: 'ERR_INVALID_ARGUMENT', message })
  })
}

test('the fingerprint changes with all that decides ids and with nothing else', (t) => {
  const of = (list: readonly string[], options = {}, unknownToken: string | null = '<|unk|>') =>
    new WordTokenizer(Vocabulary.fromWords(list, options), { unknown: unknownToken }).fingerprint
  const all = [
    of(['a', 'b']),
    of(['b', 'a']),
    of(['ab']),
    of(['a', 'b'], {}, null),
    of(['a', 'b'], {}, '<|endoftext|>'),
    of(['a', 'b'], { split: 'words' }),
    of(['a', 'b'], { split: /a/ }),
    of(['a', 'b'], { split: /a/i }),
    of(['a', 'b'], { split: /b/ }),
    of(['a', 'b'], { specialTokens: ['<|unk|>'] }),
    of(['a'], { specialTokens: ['b', '<|endoftext|>', '<|unk|>'] }),
  ]
  t.is(new Set(all).size, all.length)
  t.regex(all[0] as string, /^[0-9a-f]{64}$/)
  t.is(of(['a', 'b'], { split: /a/g }), of(['a', 'b'], { split: /a/y }))
  t.is(Vocabulary.fromText('b a').size, 4)
  t.is(new WordTokenizer(Vocabulary.fromText('b a')).fingerprint, all[0] as string)
  t.is(all[0] as string, 'a834156d96f8defb660102fe85088aacf22542ca8700b1fca643e6d584792815')
})

test('a line of 10 MB is encoded', (t) => {
  t.is(tokenizer.encode('a '.repeat(5e6)).length, 5e6)
  t.is(tokenizer.encode('x'.repeat(1e7)).length, 1)
})

test('10 MB of special tokens are encoded', (t) => {
  t.is(tokenizer.encode('<|unk|>'.repeat(1.5e6), { allowedSpecial: 'all' }).length, 1.5e6)
})

test('special tokens are found up to the length at which they are refused', (t) => {
  const longest = '<'.repeat(4096)
  const own = new WordTokenizer(Vocabulary.fromWords(['a'], { specialTokens: [longest] }), { unknown: null })
  t.deepEqual([...own.encode(`a${longest}a`, { allowedSpecial: 'all' })], [0, 1, 0])
  const limit = { code: 'ERR_LIMIT', message: /special tokens of at most/ }
  t.throws(() => own.encode('a', { disallowedSpecial: [`${longest}<`] }), limit)
  t.throws(
    () => new WordTokenizer(Vocabulary.fromWords(['a'], { specialTokens: ['x'.repeat(1e6)] }), { unknown: null }),
    limit,
  )
  const many = Array.from({ length: 1025 }, (_, index) => `${index}${'x'.repeat(4090)}`)
  t.throws(() => own.encode('a', { disallowedSpecial: many }), limit)
})

test('an array of special tokens that says to be long is no reason to take memory', (t) => {
  const specialTokens = Object.assign([], { length: 2 ** 32 - 1 })
  t.throws(() => Vocabulary.fromWords(['a'], { specialTokens }), { code: 'ERR_LIMIT' })
  t.throws(() => Vocabulary.fromText('a', { specialTokens: Object.assign([], { length: 2 }) }), {
    code: 'ERR_INVALID_ARGUMENT',
    message: /specialTokens\[0\]/,
  })
})

test('a hundred different options in a row each have their effect, forwards and backwards', (t) => {
  const names = Array.from({ length: 100 }, (_, index) => `<|${index}|>`)
  const vocabulary = Vocabulary.fromText('a b', { specialTokens: ['<|unk|>', ...names] })
  const tokenizer = new WordTokenizer(vocabulary)
  const text = names.join(' ')
  for (const name of [...names, ...names.toReversed()]) {
    const ids = tokenizer.encode(text, { allowedSpecial: [name], disallowedSpecial: [] })
    t.is(ids.filter((id) => names.includes(tokenizer.idToToken(id) as string)).length, 1)
    t.true(ids.includes(vocabulary.specialTokens.get(name) as number))
    t.throws(() => tokenizer.encode(text, { disallowedSpecial: [name] }), { code: 'ERR_SPECIAL_TOKEN' })
  }
})

test('the error for an unknown word says what to make, the tokenizer or the vocabulary too', (t) => {
  const message = (specialTokens: string[]) => {
    const tokenizer = new WordTokenizer(Vocabulary.fromText('a b', { specialTokens }), { unknown: null })
    return t.throws(() => tokenizer.encode('c'), { code: 'ERR_UNKNOWN_TOKEN' })?.message
  }
  t.regex(message(['<|unk|>']) as string, /make the tokenizer with unknown: '<\|unk\|>'$/)
  t.regex(message([]) as string, /make the vocabulary with the special token '<\|unk\|>'$/)
})

test('withSpecialTokens gives the next ids, and all else stays', (t) => {
  const before = new WordTokenizer(Vocabulary.fromWords(['b', 'a'], { split: 'words', specialTokens: ['<|unk|>'] }))
  const after = before.withSpecialTokens({ '<|y|>': 4, '<|x|>': 3 })
  t.deepEqual([...after.vocabulary], [...before.vocabulary, ['<|x|>', 3], ['<|y|>', 4]])
  t.deepEqual([after.unknown, after.vocabulary.split, after.name], ['<|unk|>', 'words', 'word-vocabulary'])
  t.deepEqual([...after.encode('a c<|y|>b', { allowedSpecial: 'all' })], [1, 2, 4, 0])
  const strictly = new WordTokenizer(Vocabulary.fromWords(['a']), { unknown: null, name: 'strict' })
  const more = strictly.withSpecialTokens(['<|x|>'])
  t.deepEqual([more.unknown, more.name, more.tokenToId('<|x|>')], [null, 'strict', 3])
  t.is(strictly.withSpecialTokens([], { name: 'mine' }).name, 'mine')

  const refuses = (tokens: Record<string, number> | string[], message: RegExp) =>
    t.throws(() => before.withSpecialTokens(tokens), {
      instanceOf: TokenmillError,
      code: 'ERR_INVALID_ARGUMENT',
      message,
    })
  refuses(['<|unk|>'], /it is there twice/)
  refuses({ '<|x|>': 0 }, /its id 0 is that of the token "b"/)
  refuses({ '<|x|>': 4 }, /^expected the next ids, from 3 on, for tokens\["<\|x\|>"\], received 4/)
  refuses(['a'], /a token that is written so has the id 1, not 3/)
  refuses({ a: 1 }, /the next ids/)
})
