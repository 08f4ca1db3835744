import test from 'ava'
import * as fc from 'fast-check'
import { boundaryNames } from '../../src/tokenizer/boundaries.ts'
import { encodingNames, getEncoding } from '../../src/tokenizer/encodings.ts'
import { cutsPair } from '../../src/tokenizer/parts.ts'
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { TokenmillError } from '../../src/errors.ts'
import { Vocabulary } from '../../src/tokenizer/vocabulary.ts'
import { WordTokenizer } from '../../src/tokenizer/word-tokenizer.ts'
import { anyText } from './texts.ts'

const words = new WordTokenizer(Vocabulary.fromText('Hello, world. And more <|endoftext|> words! 我们'), {
  unknown: null,
})
const tokenizers: readonly Tokenizer[] = [...encodingNames.map(getEncoding), words]
const o200k = getEncoding('o200k_base')
const textsOf = (tokenizer: Tokenizer, text: string, options: Parameters<Tokenizer['chunk']>[1]) =>
  Array.from(tokenizer.chunk(text, options), (chunk) => chunk.text)

for (const tokenizer of tokenizers) {
  test(`${tokenizer.name}: chunks are counted, whole and in order`, (t) => {
    const anyOptions = fc.record({
      maxTokens: fc.integer({ min: 1, max: 12 }),
      share: fc.double({ min: 0, max: 0.99, noNaN: true }),
      boundary: fc.constantFrom(...boundaryNames),
      allowedSpecial: fc.constantFrom('all' as const, []),
    })
    fc.assert(
      fc.property(anyText, anyOptions, (text, { maxTokens, share, boundary, allowedSpecial }) => {
        const overlap = Math.floor(maxTokens * share)
        let chunks
        try {
          chunks = [...tokenizer.chunk(text, { maxTokens, overlap, boundary, allowedSpecial })]
        } catch (error) {
          t.true(error instanceof TokenmillError && error.code === 'ERR_LIMIT')
          const index = Number(/index (\d+)/.exec(String(error))?.[1])
          const character = String.fromCodePoint(text.codePointAt(index) as number)
          t.true(tokenizer.count(character) > maxTokens)
          return
        }
        let covered = 0
        for (const [index, { text: part, start, end, tokens }] of chunks.entries()) {
          t.is(part, text.slice(start, end))
          t.is(tokens, tokenizer.count(part, { allowedSpecial }))
          t.true(tokens <= maxTokens && start <= covered && covered < end)
          t.false(cutsPair(text, start) || cutsPair(text, end))
          if (overlap === 0) t.is(start, covered)
          t.true(tokenizer.count(text.slice(start, covered), { allowedSpecial }) <= overlap)
          if (index > 0) t.true(start > (chunks[index - 1]?.start as number))
          covered = end
        }
        t.is(covered, text.length)
      }),
      { numRuns: 300 },
    )
  })

  test(`${tokenizer.name}: a text that fits is one chunk, an empty one none`, (t) => {
    for (const boundary of boundaryNames) {
      t.deepEqual([...tokenizer.chunk('', { maxTokens: 1, boundary })], [])
      const text = '# Hello\n\nworld. More words!\n'
      const tokens = tokenizer.count(text)
      t.deepEqual(
        [...tokenizer.chunk(text, { maxTokens: tokens, overlap: 1, boundary })],
        [{ text, start: 0, end: text.length, tokens }],
      )
    }
  })
}

test('chunks end at the boundary that was asked for', (t) => {
  const text = 'One two. Three four five.\nSix.\n\nSeven eight nine ten.'
  t.deepEqual(textsOf(o200k, text, { maxTokens: 5, boundary: 'word' }), [
    'One two. Three four',
    ' five.\nSix.\n\nSeven',
    ' eight nine ten.',
  ])
  for (const tokenizer of [o200k, words]) {
    t.deepEqual(textsOf(tokenizer, text, { maxTokens: 6, boundary: 'sentence' }), [
      'One two.',
      ' Three four five.\nSix.\n\n',
      'Seven eight nine ten.',
    ])
    t.deepEqual(textsOf(tokenizer, text, { maxTokens: 10, boundary: 'paragraph' }), [
      'One two. Three four five.\nSix.\n\n',
      'Seven eight nine ten.',
    ])
  }
})

test('a unit that is too long is cut at the next finer boundary', (t) => {
  t.deepEqual(textsOf(o200k, 'A b c d e f. G.', { maxTokens: 4, boundary: 'paragraph' }), ['A b c d', ' e f.', ' G.'])
})

test('Markdown is cut before headings, else before blocks, and code is kept whole', (t) => {
  const text =
    '# Title\n\nSome words of the text.\n\n```js\nconst a = 1\n\nconst b = 2\n```\n\n## Next\n\n- one\n- two\n'
  const sections = [
    '# Title\n\nSome words of the text.\n\n```js\nconst a = 1\n\nconst b = 2\n```\n\n',
    '## Next\n\n- one\n- two\n',
  ]
  t.deepEqual(textsOf(o200k, text, { maxTokens: o200k.count(sections[0] as string), boundary: 'markdown' }), sections)
  t.deepEqual(textsOf(o200k, text, { maxTokens: 20, boundary: 'markdown' }), [
    '# Title\n\nSome words of the text.\n\n',
    '```js\nconst a = 1\n\nconst b = 2\n```\n\n',
    '## Next\n\n- one\n- two\n',
  ])
  t.deepEqual(textsOf(o200k, text, { maxTokens: 6, boundary: 'markdown' }).at(-1), '- two\n')
})

test('the overlap is the longest end of the chunk before at a boundary', (t) => {
  const text = 'One two. Three four. Five six. Seven eight.'
  const chunks = [...o200k.chunk(text, { maxTokens: 9, overlap: 4, boundary: 'sentence' })]
  t.deepEqual(
    chunks.map((chunk) => chunk.text),
    ['One two. Three four. Five six.', ' Five six. Seven eight.'],
  )
  t.deepEqual(textsOf(o200k, 'a b c d e', { maxTokens: 3, overlap: 2 }), ['a b c', ' b c d', ' c d e'])
})

test('allowed special tokens are never cut, others are plain text', (t) => {
  const text = 'a<|endoftext|>b'
  t.deepEqual(textsOf(o200k, text, { maxTokens: 1, allowedSpecial: 'all', boundary: 'word' }), [
    'a',
    '<|endoftext|>',
    'b',
  ])
  t.true(textsOf(o200k, text, { maxTokens: 1 }).length > 3)
  t.throws(() => o200k.chunk(text, { maxTokens: 1, disallowedSpecial: 'all' }), { code: 'ERR_SPECIAL_TOKEN' })
  t.deepEqual(textsOf(words, text, { maxTokens: 1, allowedSpecial: 'all', boundary: 'word' }), [
    'a',
    '<|endoftext|>',
    'b',
  ])
})

test('a character with more tokens than a chunk is an error that says where', (t) => {
  t.throws(() => o200k.chunk('ab 🫠', { maxTokens: 1 }), {
    code: 'ERR_LIMIT',
    message:
      /^expected options\.maxTokens to be at least the tokens of every character, received 1; the one at index \d has \d$/,
  })
})

test('chunks can be iterated again', (t) => {
  const chunks = o200k.chunk('a b c', { maxTokens: 1 })
  t.deepEqual([...chunks], [...chunks])
})

test('wrong arguments are named', (t) => {
  for (const tokenizer of [o200k, words]) {
    t.throws(() => tokenizer.chunk('a', undefined as never), {
      message: 'expected an object, as { maxTokens: 512 }, for options, received undefined',
    })
    t.throws(() => tokenizer.chunk('a', {} as never), { message: /an integer ≥ 1 for options.maxTokens/ })
    t.throws(() => tokenizer.chunk('a', { maxTokens: 5, overlap: 5 }), {
      message: 'expected an integer from 0 to 4 for options.overlap, received 5',
    })
    t.throws(() => tokenizer.chunk('a', { maxTokens: 5, boundary: 'line' as never }), {
      message: /one of 'token', 'word'/,
    })
    t.throws(() => tokenizer.chunk(1 as never, { maxTokens: 5 }), { message: /a string for text/ })
  }
})
