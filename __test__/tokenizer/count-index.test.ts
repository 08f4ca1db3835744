import test from 'ava'
import * as fc from 'fast-check'
import { encodingNames, getEncoding } from '../../src/tokenizer/encodings.ts'
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { Vocabulary } from '../../src/tokenizer/vocabulary.ts'
import { WordTokenizer } from '../../src/tokenizer/word-tokenizer.ts'
import { anyText } from './texts.ts'

const words = new WordTokenizer(Vocabulary.fromText('Hello, world.'), { unknown: null })
const tokenizers: readonly Tokenizer[] = [...encodingNames.map(getEncoding), words]
const o200k = getEncoding('o200k_base')

for (const tokenizer of tokenizers) {
  test(`${tokenizer.name}: the count of a part is that of its text`, (t) => {
    fc.assert(
      fc.property(anyText, fc.constantFrom('all' as const, []), (text, allowedSpecial) => {
        const index = tokenizer.countIndex(text, { allowedSpecial })
        t.is(index.total, tokenizer.count(text, { allowedSpecial }))
        t.is(index.count(), index.total)
        for (let start = 0; start <= text.length; start++) {
          const end = start + ((start * 7 + text.length) % (text.length - start + 1))
          t.is(index.count(start, end), tokenizer.count(text.slice(start, end), { allowedSpecial }))
        }
      }),
    )
  })
}

test('parts of a long text of characters of every length are counted', (t) => {
  const text = 'a 🫠 é 中 it’s '.repeat(2000)
  const index = o200k.countIndex(text)
  for (let start = 0; start < text.length; start += 379) {
    const end = Math.min(start + 91 + (start % 300), text.length)
    t.is(index.count(start, end), o200k.count(text.slice(start, end)))
  }
})

test('places outside the text are an error', (t) => {
  const index = o200k.countIndex('abc')
  t.throws(() => index.count(0, 4), { message: 'expected an integer from 0 to 3 for end, received 4' })
  t.throws(() => index.count(2, 1), { message: 'expected an integer from 2 to 3 for end, received 1' })
  t.throws(() => index.count(-1), { message: /for start/ })
  t.throws(() => o200k.countIndex(1 as never), { code: 'ERR_INVALID_ARGUMENT' })
  t.throws(() => o200k.countIndex('<|endoftext|>', { disallowedSpecial: 'all' }), { code: 'ERR_SPECIAL_TOKEN' })
})
