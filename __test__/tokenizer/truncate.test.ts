import test from 'ava'
import * as fc from 'fast-check'
import { boundaryNames } from '../../src/tokenizer/boundaries.ts'
import { encodingNames, getEncoding } from '../../src/tokenizer/encodings.ts'
import { countedBy } from '../../src/tokenizer/counted-text.ts'
import { loadTokenizer } from '../../src/tokenizer/load.ts'
import { cutsPair, Parts } from '../../src/tokenizer/parts.ts'
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { Vocabulary } from '../../src/tokenizer/vocabulary.ts'
import { WordTokenizer } from '../../src/tokenizer/word-tokenizer.ts'
import { jsonFile, jsonRows, modelFixtures } from './json-cases.ts'
import { anyText } from './texts.ts'

const words = new WordTokenizer(Vocabulary.fromText('Hello, world. And more <|endoftext|> words! 我们'), {
  unknown: null,
})
const tokenizers: readonly Tokenizer[] = [...encodingNames.map(getEncoding), words]
const o200k = getEncoding('o200k_base')

for (const tokenizer of tokenizers) {
  test(`${tokenizer.name}: what is kept is the longest start or end that fits, and cuts no character`, (t) => {
    fc.assert(
      fc.property(anyText, fc.nat(8), fc.constantFrom('all' as const, []), (text, most, allowedSpecial) => {
        const options = { allowedSpecial } as const
        const places = Array.from({ length: text.length + 1 }, (_, place) => place).filter(
          (place) => !cutsPair(text, place),
        )
        const fits = (part: string) => tokenizer.count(part, options) <= most
        const isUncut = (place: number) =>
          allowedSpecial !== 'all' || !/<\|endoftext\|>/.test(text) || isOutside(text, place)
        const kept = places.findLast((place) => isUncut(place) && fits(text.slice(0, place)))
        t.is(tokenizer.truncate(text, most, options), text.slice(0, kept))
        const from = places.find((place) => isUncut(place) && fits(text.slice(place)))
        t.is(tokenizer.truncate(text, most, { ...options, cut: 'start' }), text.slice(from))
      }),
    )
  })

  test(`${tokenizer.name}: a long text is cut as a part of it is`, (t) => {
    const text = "Hello, world. And it's more words!\n我们 🫠 1234 ".repeat(3000)
    for (const most of [0, 1, 7, 100, 3000, 50_000]) {
      const start = tokenizer.truncate(text, most)
      const end = tokenizer.truncate(text, most, { cut: 'start' })
      t.true(text.startsWith(start) && text.endsWith(end))
      for (const kept of [start, end]) {
        const count = tokenizer.count(kept)
        t.true(count <= most && count >= Math.min(most - 3, tokenizer.count(text)), `${count} of ${most}`)
        // Stable: there is nothing more to cut.
        t.is(tokenizer.truncate(kept, most), kept)
        t.is(tokenizer.truncate(kept, most, { cut: 'start' }), kept)
      }
    }
  })
}

for (const name of [...modelFixtures, 'llama3', 'qwen2']) {
  test(`${name}: of a long text a part is read, and what is kept is that of the whole`, async (t) => {
    const tokenizer = await loadTokenizer(jsonFile(name))
    const rows = jsonRows(name).map((row) => row.text)
    let read = 0
    const { encodeWithOffsets } = tokenizer
    tokenizer.encodeWithOffsets = (text, options) => {
      read = Math.max(read, text.length)
      return encodeWithOffsets.call(tokenizer, text, options)
    }
    for (const between of [' ', '\n', '']) {
      const some = Array.from({ length: 3 * rows.length }, (_, index) => rows[(index * 7) % rows.length] as string)
      const text = some.join(between).repeat(2).slice(0, 60_000)
      for (const addSpecialTokens of [false, true]) {
        const options = { addSpecialTokens }
        const whole = new Parts(countedBy(tokenizer, text, options))
        for (const most of [0, 1, 5, 64, 500]) {
          t.is(tokenizer.truncate(text, most, options), text.slice(0, whole.endOfPrefix(most)))
          t.is(tokenizer.truncate(text, most, { ...options, cut: 'start' }), text.slice(whole.startOfSuffix(most)))
        }
      }
    }
    const long = 'The mill by the river, and 12 more. '.repeat(20_000)
    for (const cut of ['start', 'end'] as const) {
      read = 0
      t.is(
        tokenizer.truncate(long, 10, { cut, addSpecialTokens: true }),
        tokenizer.truncate(long.slice(0, 7200), 10, { cut, addSpecialTokens: true }),
      )
      t.true(read > 0 && read < 20_000, `${read} code units were read`)
    }
  })
}

const im = new WordTokenizer(Vocabulary.fromWords(['a'], { specialTokens: ['<|unk|>', '<|im_start|>'] }))
const withSpecials = ['words by hand', 'added', 'bert', 't5', 'words'] as const
const loaded = async (name: string): Promise<Tokenizer> =>
  name === 'words by hand' ? im : loadTokenizer(jsonFile(name))

for (const name of withSpecials) {
  test(`${name}: special tokens are kept beside long words, and never cut, by truncate and chunk`, async (t) => {
    const tokenizer = await loaded(name)
    // One that is a token only where no letter is next to it may fit where neither of the places beside it does.
    const specials = [...tokenizer.specialTokens.keys()].filter((token) => name !== 'added' || token !== '[MASK]')
    const unit = fc.oneof(
      fc.constantFrom(' ', '. ', 'a', '日', '🙂', '\n\n', 'hello world, '),
      fc.constantFrom(...specials),
      fc.integer({ min: 1, max: 150 }).map((length) => 'b'.repeat(length)),
      fc.integer({ min: 1, max: 60 }).map((length) => ' '.repeat(length)),
    )
    const anyUnits = fc.array(unit, { minLength: 1, maxLength: 7 }).map((units) => units.join(''))
    const options = { allowedSpecial: 'all' } as const
    const ids = new Set(tokenizer.specialTokens.values())
    fc.assert(
      fc.property(anyUnits, fc.nat(8), fc.constantFrom(...boundaryNames), (text, most, boundary) => {
        const found = tokenizer.encodeWithOffsets(text, options)
        const isUncut = (place: number) =>
          !cutsPair(text, place) &&
          found.ids.every(
            (id, at) => !ids.has(id) || place <= (found.offsets[at] as number) || (found.ends[at] as number) <= place,
          )
        const places = Array.from({ length: text.length + 1 }, (_, place) => place).filter(isUncut)
        const count = (start: number, end: number) => tokenizer.count(text.slice(start, end), options)
        const kept = places.findLast((place) => count(0, place) <= most)
        t.is(tokenizer.truncate(text, most, options), text.slice(0, kept))
        const from = places.find((place) => count(place, text.length) <= most)
        t.is(tokenizer.truncate(text, most, { ...options, cut: 'start' }), text.slice(from))
        // A character has at most four tokens.
        const overlap = Math.floor(most / 2)
        let last = 0
        for (const { start, end, tokens } of tokenizer.chunk(text, {
          ...options,
          maxTokens: most + 4,
          overlap,
          boundary,
        })) {
          t.true(places.includes(start) && places.includes(end) && start <= last && end > last)
          t.true(tokens === count(start, end) && tokens <= most + 4)
          // No longer one ends at a token.
          if (boundary === 'token') t.true(found.ends.every((place) => place <= end || count(start, place) > most + 4))
          last = end
        }
        t.is(last, text.length)
      }),
      { numRuns: 500 },
    )
  })
}

test('what is kept of long words beside special tokens is the longest that fits', async (t) => {
  const bert = await loaded('bert')
  const options = { allowedSpecial: 'all' } as const
  const long = 'b'.repeat(110)
  t.is(im.truncate(`a <|im_start|>${long}`, 2, options), 'a <|im_start|>')
  t.is(im.truncate(`${long}<|im_start|>`, 1, { ...options, cut: 'start' }), '<|im_start|>')
  t.is(bert.truncate(`. ${long}[SEP]日`, 2, { ...options, cut: 'start' }), '[SEP]日')
})

test('a special token that is longer than the part of a text that is read is not cut', (t) => {
  const token = `<|${'x y '.repeat(300)}|>`
  const tokenizer = new WordTokenizer(Vocabulary.fromWords(['a'], { specialTokens: ['<|unk|>', token] }))
  const [rest, options] = [' a'.repeat(3000), { allowedSpecial: 'all' } as const]
  t.is(tokenizer.truncate(`a ${token}${rest}`, 3, options), `a ${token} a `)
  t.is(tokenizer.truncate(`${rest}${token} a`, 2, { ...options, cut: 'start' }), `${token} a`)
  // As it is read to be nothing but words.
  t.is(tokenizer.truncate(`a ${token}${rest}`, 3), 'a <|x y ')
})

test('places beside many special tokens are found in time', (t) => {
  const text = `${'a <|im_start|>'.repeat(20_000)}${'b'.repeat(20_000)}`
  const options = { allowedSpecial: 'all' } as const
  const reversed = `${'b'.repeat(20_000)}${' a<|im_start|>'.repeat(20_000)}`
  let counted = 0
  const { count } = im
  const spied = (whole: string) => {
    const parts = countedBy(im, whole, options)
    return new Parts({ ...parts, count: (start, end) => (counted++, count.call(im, whole.slice(start, end), options)) })
  }
  t.is(spied(text).endOfPrefix(40_000), 'a <|im_start|>'.length * 20_000)
  t.is(spied(reversed).startOfSuffix(40_000), 20_000)
  t.true(counted < 200, `${counted} parts were counted`)
})

/** Whether `place` is in no special token. */
const isOutside = (text: string, place: number): boolean =>
  [...text.matchAll(/<\|endoftext\|>/g)].every(({ index }) => place <= index || index + 13 <= place)

for (const [name, unit] of Object.entries({
  a: 'a',
  spaces: ' ',
  lines: '\n',
  digits: '1',
  Chinese: '中',
  emoji: '🫠',
  marks: 'e\u0301',
})) {
  test(`a long run of ${name} is cut`, (t) => {
    const text = unit.repeat(200_000)
    for (const cut of ['end', 'start'] as const) {
      for (const most of [1, 10, 1000, 1_000_000]) {
        const kept = o200k.truncate(text, most, { cut })
        const count = o200k.count(kept)
        t.true(count <= most && (count >= most - 3 || kept === text), `${count} of ${most}`)
      }
    }
  })
}

test('disallowed special tokens are found wherever they are', (t) => {
  const text = 'word '.repeat(100_000) + '<|endoftext|>'
  t.is(o200k.truncate(text, 2), 'word word')
  t.throws(() => o200k.truncate(text, 2, { disallowedSpecial: 'all' }), { code: 'ERR_SPECIAL_TOKEN' })
})

test('wrong arguments are named', (t) => {
  for (const tokenizer of [o200k, words]) {
    t.throws(() => tokenizer.truncate(new Uint8Array() as never, 1), { message: /a string for text/ })
    for (const most of [-1, 1.5, NaN, Infinity, '1' as never]) {
      t.throws(() => tokenizer.truncate('a', most), { message: /an integer ≥ 0 for maxTokens/ })
    }
    t.throws(() => tokenizer.truncate('a', 1, { cut: 'middle' as never }), {
      message: /one of 'end', 'start' for options.cut/,
    })
    t.throws(() => tokenizer.truncate('a', 1, { other: 1 } as never), { code: 'ERR_INVALID_ARGUMENT' })
  }
})
