import test from 'ava'
import { TokenmillError } from '../../src/errors.ts'
import { encodingNames, getEncoding } from '../../src/tokenizer/encodings.ts'
import type { Text, Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { Vocabulary } from '../../src/tokenizer/vocabulary.ts'
import { WordTokenizer } from '../../src/tokenizer/word-tokenizer.ts'
import { cpuTime } from '../cpu-time.ts'

const o200k = getEncoding('o200k_base')
const words = new WordTokenizer(Vocabulary.fromText('Hello, world. And more <|endoftext|> words!'))
const tokenizers: readonly Tokenizer[] = [...encodingNames.map(getEncoding), words]
const bytesOf = (text: string) => new TextEncoder().encode(text)
const pieces = [
  'Hello, world. ',
  '我们在这里。',
  ' <|endoftext|>',
  '👩‍👩‍👧',
  '\ud800',
  '\n\n  ',
  "it's ",
  '12345',
  'aaaa',
  '\uFEFF',
  '<|',
]
/** A text of `length` pieces in an order without a pattern. */
const mixed = (length: number) =>
  Array.from({ length }, (_, i) => pieces[(i * i * 7 + (i >> 3)) % pieces.length]).join('')
const texts: readonly string[] = [
  '',
  'a',
  '\ud83d',
  ...pieces,
  mixed(50),
  mixed(5_000),
  mixed(40_000),
  'a'.repeat(300_000),
]

for (const tokenizer of tokenizers) {
  test(`${tokenizer.name}: countBatch is count of each`, (t) => {
    const all: Text[] = [...texts, ...texts.map(bytesOf), new Uint8Array([0x61, 0xff, 0xe2, 0x82])]
    for (const options of [undefined, {}, { allowedSpecial: 'all' }] as const) {
      const counts = tokenizer.countBatch(all, options)
      t.true(counts instanceof Uint32Array)
      t.deepEqual(
        [...counts],
        all.map((text) => tokenizer.count(text, options)),
      )
    }
    t.deepEqual(tokenizer.countBatch([]), new Uint32Array())
  })

  test(`${tokenizer.name}: isWithinLimit is count, up to the limit`, (t) => {
    for (const text of texts) {
      for (const options of [
        undefined,
        { allowedSpecial: 'all' },
        { allowedSpecial: 'all', utf8: 'strict' },
      ] as const) {
        const count = tokenizer.count(text, options)
        for (const given of [text, bytesOf(text)]) {
          for (const limit of [count, count + 1, 2 * count + 1000, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
            t.is(tokenizer.isWithinLimit(given, limit, options), count)
          }
          for (const limit of [count - 1, count >> 1, 0]) {
            if (limit >= 0 && limit < count) t.is(tokenizer.isWithinLimit(given, limit, options), false)
          }
        }
      }
    }
  })

  test(`${tokenizer.name}: counting throws for no special token unless it is disallowed`, (t) => {
    const text = 'a <|endoftext|> b'
    t.is(tokenizer.isWithinLimit(text, 100), tokenizer.count(text))
    t.deepEqual([...tokenizer.countBatch([text])], [tokenizer.count(text)])
    const error = { instanceOf: TokenmillError, code: 'ERR_SPECIAL_TOKEN', message: /"<\|endoftext\|>" at index 2;/ }
    const options = { disallowedSpecial: 'all' } as const
    t.throws(() => tokenizer.isWithinLimit(text, 0, options), error)
    t.throws(() => tokenizer.countBatch([text], options), error)
    // Wherever it stands.
    const far = `${'word '.repeat(100_000)}${text}`
    t.throws(() => tokenizer.isWithinLimit(far, 10, options), {
      code: 'ERR_SPECIAL_TOKEN',
      message: /at index 500002;/,
    })
    t.throws(() => tokenizer.isWithinLimit(bytesOf(far), 10, options), { code: 'ERR_SPECIAL_TOKEN' })
  })

  test(`${tokenizer.name}: bytes that are not UTF-8 are an error when asked for, wherever they stand`, (t) => {
    const bytes = new Uint8Array([...bytesOf('word '.repeat(50_000)), 0xff])
    t.throws(() => tokenizer.isWithinLimit(bytes, 10, { utf8: 'strict' }), { code: 'ERR_INVALID_UTF8' })
    t.throws(() => tokenizer.countBatch(['a', bytes], { utf8: 'strict' }), { code: 'ERR_INVALID_UTF8' })
    t.is(tokenizer.isWithinLimit(bytes, 10), false)
  })

  test(`${tokenizer.name}: bytes that are not UTF-8 count the same in parts`, (t) => {
    const units = [
      [0xff],
      [0xe2, 0x82],
      [0xf0, 0x9f, 0x92],
      [0x80, 0x80, 0x80, 0x80, 0x80],
      [0x20, 0x61],
      [0xe2, 0x82, 0xac],
    ]
    const bytes = Uint8Array.from({ length: 120_000 }, (_, i) => (i * i * 31 + (i >> 4)) % 6).reduce<number[]>(
      (all, unit) => {
        all.push(...(units[unit] as number[]))
        return all
      },
      [],
    )
    const array = new Uint8Array(bytes)
    const count = tokenizer.count(array)
    t.is(tokenizer.isWithinLimit(array, count), count)
    t.is(tokenizer.isWithinLimit(array, count - 1), false)
  })

  test(`${tokenizer.name}: what is not a limit is an error`, (t) => {
    for (const limit of [-1, 1.5, NaN, Infinity, '1', undefined, null, 2n] as number[]) {
      t.throws(() => tokenizer.isWithinLimit('a', limit), {
        code: 'ERR_INVALID_ARGUMENT',
        message: /for limit, received/,
      })
    }
    t.throws(() => tokenizer.isWithinLimit(1 as unknown as string, 1), { code: 'ERR_INVALID_ARGUMENT' })
    t.throws(() => tokenizer.countBatch('text' as unknown as string[]), { code: 'ERR_INVALID_ARGUMENT' })
    t.throws(() => tokenizer.countBatch(['a', 1 as unknown as string]), {
      code: 'ERR_INVALID_ARGUMENT',
      message: /for texts\[1\], received 1/,
    })
    t.throws(() => tokenizer.isWithinLimit('a', 1, { limit: 1 } as object), { code: 'ERR_INVALID_ARGUMENT' })
  })
}

const best = (work: () => unknown): number => Math.min(...Array.from({ length: 5 }, () => cpuTime(work)))

test.serial('a limit ends the count of a text of 100 MB at once', (t) => {
  const text = 'The quick brown fox jumps over the lazy dog. '.repeat(2_300_000)
  t.true(text.length > 100_000_000)
  text.charCodeAt(0) // A repeated string is put together at its first use.
  const tenth = cpuTime(() => o200k.count(text.slice(0, text.length / 10)))
  const bytes = bytesOf(text)
  // As much work as counting some thousand words; the whole would take hundreds of times this.
  for (const limit of [0, 10, 1000]) {
    t.is(o200k.isWithinLimit(text, limit), false)
    const spent = best(() => o200k.isWithinLimit(text, limit))
    t.true(spent < tenth / 4, `${spent} ms up to ${limit}, ${tenth} ms for a tenth of the text`)
    t.true(best(() => o200k.isWithinLimit(bytes, limit)) < tenth / 4)
  }
  // This one cannot be told from the length of the text: 780 KB of ids, of which few are counted beyond the limit.
  const limit = 900_000
  t.is(o200k.isWithinLimit(text, limit), false)
  t.is(o200k.isWithinLimit(bytes, limit), false)
  const spent = best(() => o200k.isWithinLimit(text, limit, { allowedSpecial: 'all' }))
  t.true(spent < 5 * tenth, `${spent} ms up to ${limit}, ${tenth} ms for a tenth of the text`)
})
