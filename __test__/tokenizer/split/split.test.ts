import test from 'ava'
import * as fc from 'fast-check'
import { runToEnd } from '../../../src/event-loop.ts'
import { splitterOf, writtenRule, type SplitRule } from '../../../src/tokenizer/split/split.ts'
import { longestStretch } from '../../../src/tokenizer/split/words.ts'
import { naiveBook, naiveRegExp, naiveWords } from './naive-split.ts'

/** The words of `text`; each must stand where its index says. */
const wordsOf = (text: string, rule: SplitRule): string[] => {
  const words: string[] = []
  runToEnd(
    splitterOf('split', rule).split(text.toWellFormed(), (source, start, end) => words.push(source.slice(start, end))),
  )
  return words
}

const placesOf = (text: string, rule: SplitRule): [string, number][] => {
  const places: [string, number][] = []
  runToEnd(
    splitterOf('split', rule).split(text, (source, start, end, index) =>
      places.push([source.slice(start, end), index]),
    ),
  )
  return places
}

const awkward: readonly (readonly [title: string, text: string])[] = [
  ['nothing', ''],
  ['white space only', ' \t\r\n\u3000\u00a0'],
  ['one letter', 'a'],
  ['one mark', ','],
  ['dashes', '- -- --- ---- a-b a--b a---b a----b --a a--'],
  ['quotes and underscores', `"it's", _he_ (said) 'no';: yes?!`],
  ['a byte order mark', '\uFEFFHello \uFEFF, world\uFEFF'],
  ['Python white space', 'a\x1cb\x1dc\x1ed\x1fe\x85f\xa0g\u2028h\u2029i\u200bj'],
  ['lone surrogates', 'a\ud83d b\ude00 \ud83d\ude00'],
  ['Chinese', '我们今天去北京大学。学习中文，真好！好的'],
  ['Japanese', '私は東京に住んでいます。カタカナ、ひらがな！'],
  ['Thai', 'ฉันรักภาษาไทย มาก'],
  ['emoji', '👩‍👩‍👧 🇩🇪🇫🇷 👍🏽, ok'],
  ['CRLF', 'one\r\ntwo\r\n\r\nthree'],
  ['numbers', '3.14 1,000 v1.2.3 1，2'],
]

const patterns = [
  /,/,
  /([,.])|(\s)/,
  /\s+/g,
  /\s*/,
  /(?:)/,
  /(?:)/u,
  /a*?/,
  /a*/y,
  /(?=b)/,
  /(?<=a)/,
  /(a)?(b)?/,
  /$/,
  /^/m,
  /\b/,
  /./su,
  /./s,
  /(?<x>-)(?=(.))?/,
  new RegExp('\\p{P}', 'v'),
]

for (const [title, text] of awkward) {
  test(`book splits ${title} as its regular expression does`, (t) =>
    t.deepEqual(wordsOf(text, 'book'), naiveBook(text)))
  test(`words splits ${title} as one segmentation does`, (t) => t.deepEqual(wordsOf(text, 'words'), naiveWords(text)))
  test(`a RegExp splits ${title} as String.split does`, (t) => {
    for (const pattern of patterns) t.deepEqual(wordsOf(text, pattern), naiveRegExp(text, pattern), String(pattern))
  })
}

test('book splits the sentence of the book as the book does', (t) => {
  t.deepEqual(wordsOf('Hello, world. Is this-- a test?', 'book'), [
    'Hello',
    ',',
    'world',
    '.',
    'Is',
    'this',
    '--',
    'a',
    'test',
    '?',
  ])
})

test('words splits Chinese, Japanese and Thai', (t) => {
  t.deepEqual(wordsOf('我们学习中文。', 'words'), ['我们', '学习', '中文', '。'])
  t.deepEqual(wordsOf('東京に行く', 'words'), ['東京', 'に', '行く'])
  t.deepEqual(wordsOf('ภาษาไทย', 'words'), ['ภาษา', 'ไทย'])
})

const awkwardText = fc.string({
  unit: fc.constantFrom(
    ...',.:;?_!"()\'-- \n\t\x1c\x85\xa0\u3000\uFEFFabAB0129\u0301\u200d。，、中文字ひらカタก็ไทย',
    '\ud83d',
    '\ude00',
    '🇩',
    '👍🏽',
    '\r\n',
  ),
  maxLength: 1500,
})

test('book equals its regular expression on any text', (t) => {
  fc.assert(fc.property(awkwardText, (text) => t.deepEqual(wordsOf(text, 'book'), naiveBook(text))))
  t.pass()
})

test('words in stretches equals one segmentation on any text', (t) => {
  fc.assert(
    fc.property(awkwardText, (text) => t.deepEqual(wordsOf(text, 'words'), naiveWords(text))),
    { numRuns: 200 },
  )
  const prose = fc.array(
    fc.constantFrom(
      'The',
      "don't",
      '北京大学',
      '，',
      '。',
      'ไทย',
      ' ',
      ' ',
      '\n',
      '3.14',
      'カタカナ',
      '👍🏽',
      '\u0301',
      ':',
      "'",
    ),
    {
      minLength: 200,
      maxLength: 900,
    },
  )
  fc.assert(
    fc.property(prose, (parts) => t.deepEqual(wordsOf(parts.join(''), 'words'), naiveWords(parts.join('')))),
    { numRuns: 100 },
  )
})

test('a RegExp equals String.split on any text', (t) => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', ',', '-', ' ', '😀', '\ud83d', '.'), maxLength: 30 })
  fc.assert(
    fc.property(text, fc.constantFrom(...patterns), (value, pattern) =>
      t.deepEqual(wordsOf(value, pattern), naiveRegExp(value, pattern)),
    ),
    {
      numRuns: 2000,
    },
  )
})

test('each word stands at its index', (t) => {
  for (const rule of ['book', 'words', /\s|,/] as const) {
    for (const [title, text] of awkward) {
      const wellFormed = text.toWellFormed()
      for (const [word, index] of placesOf(wellFormed, rule))
        t.is(wellFormed.slice(index, index + word.length), word, title)
    }
  }
})

test('the state of a RegExp changes nothing and is not changed', (t) => {
  const pattern = /,/gy
  pattern.lastIndex = 2
  t.deepEqual(wordsOf('a,b,c', pattern), ['a', 'b', 'c'])
  t.is(pattern.lastIndex, 2)
})

test('two splits with one RegExp at once do not disturb each other', (t) => {
  const { split } = splitterOf('split', /,/)
  const text = 'abc,'.repeat(60_000)
  const words: [string[], string[]] = [[], []]
  const [one, other] = [
    split(text, (source, start, end) => words[0].push(source.slice(start, end))),
    split(text.slice(1), (source, start, end) => words[1].push(source.slice(start, end))),
  ]
  let turns = 0
  for (let [a, b] = [one.next(), other.next()]; !(a.done && b.done); [a, b] = [one.next(), other.next()]) turns++
  t.true(turns > 1)
  t.deepEqual([words[0].length, words[1].length, words[1][0]], [60_000, 60_000, 'bc'])
})

test('words cuts a stretch without any safe place at a whole character', (t) => {
  const words = wordsOf(`a${'😀'.repeat(longestStretch)}`, 'words')
  t.is(words.join(''), `a${'😀'.repeat(longestStretch)}`)
  const [first = '', second = ''] = wordsOf('a'.repeat(longestStretch + 1), 'words')
  t.deepEqual([first.length, second.length], [longestStretch, 1])
})

for (const [title, rule] of [
  ['null', null],
  ['a number', 1],
  ['another name', 'letters'],
  ['an object', { source: 'a', flags: '' }],
] as const) {
  test(`${title} is no split rule`, (t) => {
    t.throws(() => splitterOf('options.split', rule), {
      code: 'ERR_INVALID_ARGUMENT',
      message: /'book', 'words' or a RegExp for options.split/,
    })
  })
}

test('a rule is written without what a split ignores', (t) => {
  t.deepEqual(writtenRule(/a/dgimsuy), { source: 'a', flags: 'imsu' })
  t.is(writtenRule('book'), 'book')
})

for (const [title, text] of [
  ['one word', 'a'.repeat(1e7)],
  ['spaces', ' '.repeat(1e7)],
  ['dashes', '-'.repeat(1e7)],
  ['short words', 'ab, '.repeat(2.5e6)],
] as const) {
  test(`book and a RegExp take 10 MB of ${title}`, (t) => {
    let book = 0
    let regExp = 0
    runToEnd(splitterOf('split', 'book').split(text, () => book++))
    runToEnd(splitterOf('split', /([,.:;?_!"()']|--|\s)/).split(text, () => regExp++))
    t.is(book, regExp)
  })
}

test('words takes 2 MB of one line of Chinese, in work that grows with the text', (t) => {
  const steps = (units: number) => {
    let longest = 0
    let count = 0
    const text = '我们今天去北京大学学习中文'.repeat(units)
    const work = splitterOf('split', 'words').split(text, (_source, _start, _end, index) => {
      longest = Math.max(longest, index)
    })
    while (!work.next().done) count++
    t.true(longest > text.length - 10)
    return count
  }
  const [one, two] = [steps(10_000), steps(20_000)]
  t.true(two <= 2 * one + 1, `${one} and ${two} stretches`)
})
