import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import * as fc from 'fast-check'
import { Vocabulary, type VocabularyOptions } from '../../src/tokenizer/vocabulary.ts'
import { naiveBook } from './split/naive-split.ts'

const invalid = (message: RegExp) => ({ code: 'ERR_INVALID_ARGUMENT', message })
const tokensOf = (vocabulary: Vocabulary) => [...vocabulary].map(([token]) => token)
const special = ['<|endoftext|>', '<|unk|>']

/** Chapter 2 of the book: `sorted(set(words))`, by code point as Python sorts, then the special tokens. */
const naiveVocabulary = (texts: readonly string[], specialTokens = special): string[] => {
  const words = [...new Set(texts.flatMap(naiveBook))].filter((word) => !specialTokens.includes(word))
  const points = (word: string) =>
    Array.from(word, (char) => (char.codePointAt(0) as number).toString(16).padStart(6, '0')).join('')
  return [...words.sort((a, b) => (points(a) < points(b) ? -1 : 1)), ...specialTokens]
}

test('a text gives its words sorted, then the special tokens', (t) => {
  const vocabulary = Vocabulary.fromText('the quick, the slow. The end')
  t.deepEqual(
    [...vocabulary],
    [
      [',', 0],
      ['.', 1],
      ['The', 2],
      ['end', 3],
      ['quick', 4],
      ['slow', 5],
      ['the', 6],
      ['<|endoftext|>', 7],
      ['<|unk|>', 8],
    ],
  )
  t.is(vocabulary.size, 9)
  t.is(vocabulary.wordCount, 7)
  t.deepEqual(
    [...vocabulary.specialTokens],
    [
      ['<|endoftext|>', 7],
      ['<|unk|>', 8],
    ],
  )
})

test('words are sorted by code point, not by UTF-16 code unit', (t) => {
  t.deepEqual(tokensOf(Vocabulary.fromText('\u{1F600} \uFF5E \uE000 z \u{10000} \uD7FF')).slice(0, -2), [
    'z',
    '\uD7FF',
    '\uE000',
    '\uFF5E',
    '\u{10000}',
    '\u{1F600}',
  ])
})

test('a vocabulary equals that of the book on any texts', (t) => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'b', 'Z', ' ', '\n', ',', '.', '-', '_', '\uFFFD', '😀', '𐀀', '\uE000', '<|unk|>'),
    maxLength: 80,
  })
  fc.assert(
    fc.property(fc.array(text), (texts) => t.deepEqual(tokensOf(Vocabulary.fromText(texts)), naiveVocabulary(texts))),
  )
  t.pass()
})

test('order frequency puts the most frequent first and breaks ties by code point', (t) => {
  const vocabulary = Vocabulary.fromText('b a c b 😀 \uFF5E', { order: 'frequency' })
  t.deepEqual(tokensOf(vocabulary), ['b', 'a', 'c', '\uFF5E', '😀', ...special])
})

for (const [title, options, expected] of [
  ['maxSize keeps the most frequent, sorted', { maxSize: 4 }, ['b', 'c', ...special]],
  ['maxSize breaks ties by code point', { maxSize: 5 }, ['a', 'b', 'c', ...special]],
  ['maxSize in order of frequency', { maxSize: 4, order: 'frequency' }, ['c', 'b', ...special]],
  ['maxSize of the special tokens only', { maxSize: 2 }, special],
  ['maxSize above the words', { maxSize: 100 }, ['a', 'b', 'c', 'd', ...special]],
  ['minFrequency drops the rare', { minFrequency: 2 }, ['b', 'c', ...special]],
  ['minFrequency above all', { minFrequency: 9 }, special],
  ["special tokens of one's own", { specialTokens: ['[PAD]', 'b'] }, ['a', 'c', 'd', '[PAD]', 'b']],
  ['no special tokens', { specialTokens: [] }, ['a', 'b', 'c', 'd']],
  ['explicit defaults', { split: 'book', order: 'sorted', minFrequency: 1 }, ['a', 'b', 'c', 'd', ...special]],
] as const satisfies readonly (readonly [string, VocabularyOptions, readonly string[]])[]) {
  test(title, (t) => t.deepEqual(tokensOf(Vocabulary.fromText('d a b c c b c', options)), [...expected]))
}

test('a word that equals a special token is not added as a word', (t) => {
  t.deepEqual(tokensOf(Vocabulary.fromText('a <|unk|> <|endoftext|> <|other|>')), ['<|other|>', 'a', ...special])
})

test('one string is one text; an iterable is several, read once', (t) => {
  function* texts() {
    yield 'b a'
    yield 'c'
  }
  t.deepEqual(tokensOf(Vocabulary.fromText(texts())), ['a', 'b', 'c', ...special])
  t.deepEqual(tokensOf(Vocabulary.fromText(new Set(['ab', 'c']))), ['ab', 'c', ...special])
  t.deepEqual(tokensOf(Vocabulary.fromText('abc')), ['abc', ...special])
  t.deepEqual(tokensOf(Vocabulary.fromText('')), special)
  t.deepEqual(tokensOf(Vocabulary.fromText([])), special)
})

test('the split rule is kept', (t) => {
  t.is(Vocabulary.fromText('a').split, 'book')
  t.deepEqual(tokensOf(Vocabulary.fromText('我们学习', { split: 'words' })), ['学习', '我们', ...special])
  t.deepEqual(tokensOf(Vocabulary.fromText('a, b|c', { split: /\|/ })), ['a, b', 'c', ...special])
  t.is(String(Vocabulary.fromText('a', { split: /\|/gi }).split), '/\\|/i')
})

test('names of object properties are words like any other', (t) => {
  const words = ['__proto__', 'constructor', 'hasOwnProperty', 'length', 'toString']
  const vocabulary = Vocabulary.fromText(`${words.join(' ')} __proto__`, { order: 'frequency', split: /\s/ })
  t.is(vocabulary.tokenToId('__proto__'), 0)
  t.deepEqual(tokensOf(vocabulary), [...words, ...special])
  t.is(vocabulary.tokenToId('valueOf'), undefined)
})

test('lone surrogates are U+FFFD and U+FEFF is kept', (t) => {
  t.deepEqual(tokensOf(Vocabulary.fromText('\uFEFFa \ud83d')), ['\uFEFFa', '\uFFFD', ...special])
})

test('ids and tokens are found in both directions', (t) => {
  const vocabulary = Vocabulary.fromWords(['b', 'a'])
  t.deepEqual(
    ['b', 'a', '<|unk|>', 'c'].map((token) => vocabulary.tokenToId(token)),
    [0, 1, 3, undefined],
  )
  t.deepEqual(
    ['b', 'a', '<|unk|>', 'c'].map((token) => vocabulary.wordToId(token)),
    [0, 1, undefined, undefined],
  )
  t.deepEqual(
    [0, 1, 2, 3].map((id) => vocabulary.idToToken(id)),
    ['b', 'a', ...special],
  )
  for (const id of [4, 2 ** 32, 2 ** 40]) t.is(vocabulary.idToToken(id), undefined)
  for (const id of [-1, 0.5, NaN, Infinity, 'length', '0', 1n, null, undefined])
    t.throws(() => vocabulary.idToToken(id as number), {
      code: 'ERR_INVALID_ARGUMENT',
      message: /an integer ≥ 0 for id/,
    })
  for (const token of [0, null, undefined, new String('a')]) {
    const error = { code: 'ERR_INVALID_ARGUMENT', message: /^expected a string for (token|word), received/ }
    t.throws(() => vocabulary.tokenToId(token as string), error)
    t.throws(() => vocabulary.wordToId(token as string), error)
  }
})

test('the special tokens that a caller gets are a copy', (t) => {
  const vocabulary = Vocabulary.fromWords([])
  ;(vocabulary.specialTokens as Map<string, number>).clear()
  t.is(vocabulary.specialTokens.size, 2)
})

for (const [title, call, message] of [
  [
    'texts of null',
    () => Vocabulary.fromText(null as never),
    /a string or an iterable of strings for texts, received null/,
  ],
  ['texts of a number', () => Vocabulary.fromText(1 as never), /for texts/],
  [
    'a text that is no string',
    () => Vocabulary.fromText(['a', 1 as never]),
    /expected a string for texts\[1\], received 1/,
  ],
  ['bytes', () => Vocabulary.fromText(new Uint8Array(1) as never), /expected a string for texts\[0\]/],
  [
    'a wrong order',
    () => Vocabulary.fromText('a', { order: 'random' as never }),
    /'sorted', 'frequency' for options.order/,
  ],
  ['an unknown option', () => Vocabulary.fromText('a', { min: 1 } as never), /received min/],
  ['options of null', () => Vocabulary.fromText('a', null as never), /expected an object for options/],
  ['minFrequency 0', () => Vocabulary.fromText('a', { minFrequency: 0 }), /options.minFrequency, received 0/],
  ['minFrequency NaN', () => Vocabulary.fromText('a', { minFrequency: NaN }), /options.minFrequency, received NaN/],
  ['a fractional maxSize', () => Vocabulary.fromText('a', { maxSize: 2.5 }), /options.maxSize, received 2.5/],
  ['an infinite maxSize', () => Vocabulary.fromText('a', { maxSize: Infinity }), /options.maxSize, received Infinity/],
  [
    'a maxSize without room for special tokens',
    () => Vocabulary.fromText('a', { maxSize: 1 }),
    /≥ 2 for options.maxSize/,
  ],
  [
    'special tokens that are no array',
    () => Vocabulary.fromText('a', { specialTokens: 'x' as never }),
    /options.specialTokens/,
  ],
  [
    'an empty special token',
    () => Vocabulary.fromText('a', { specialTokens: [''] }),
    /options.specialTokens\[0\], received ""/,
  ],
  [
    'a special token twice',
    () => Vocabulary.fromText('a', { specialTokens: ['x', 'x'] }),
    /options.specialTokens\[1\], received "x"/,
  ],
  [
    'a hole in the special tokens',
    () => Vocabulary.fromText('a', { specialTokens: Array(1) as never }),
    /options.specialTokens\[0\]/,
  ],
  ['words of a string', () => Vocabulary.fromWords('abc' as never), /an iterable of strings for words/],
  ['a word twice', () => Vocabulary.fromWords(['a', 'b', 'a']), /not at words\[0\] too for words\[2\], received "a"/],
  ['an empty word', () => Vocabulary.fromWords(['a', '']), /words\[1\], received ""/],
  ['a word that is no string', () => Vocabulary.fromWords(['a', 5 as never]), /words\[1\], received 5/],
  ['a word with a lone surrogate', () => Vocabulary.fromWords(['\ud800']), /words\[0\]/],
  [
    'a word that is a special token',
    () => Vocabulary.fromWords(['a', '<|unk|>']),
    /not a special token for words\[1\]/,
  ],
  [
    'a split rule of fromWords that is none',
    () => Vocabulary.fromWords([], { split: 7 as never }),
    /options.split, received 7/,
  ],
] as const) {
  test(`${title} is an error that says so`, (t) => {
    t.throws(call as () => unknown, invalid(message))
  })
}

test('a vocabulary does not keep its texts alive', (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const texts = function* () {
    for (let index = 0; index < 30; index++) yield `averyverylongword${index} ${'filling text '.repeat(300_000)}`
  }
  collect()
  const before = process.memoryUsage().heapUsed
  const vocabulary = Vocabulary.fromText(texts())
  collect()
  // 117 MB of text went through.
  t.true(process.memoryUsage().heapUsed - before < 20e6)
  t.is(vocabulary.size, 30 + 2 + 2)
})

test('a vocabulary of 200,000 words is made', (t) => {
  const text = Array.from({ length: 200_000 }, (_, index) => `w${index}`).join(' ')
  const vocabulary = Vocabulary.fromText(text)
  t.is(vocabulary.size, 200_002)
  t.is(vocabulary.idToToken(vocabulary.tokenToId('w199999') as number), 'w199999')
})

test('more words and special tokens than there is room for are ERR_LIMIT, before any is looked at', (t) => {
  function* words() {
    for (let index = 0; index < 16_000_000; index++) yield 'a'
  }
  const specialTokens = Array.from({ length: 2 ** 24 - 16_000_000 }, (_, index) => `<${index}>`)
  t.throws(() => Vocabulary.fromWords(words(), { specialTokens }), {
    code: 'ERR_LIMIT',
    message: 'expected at most 16777215 words and special tokens',
  })
})
