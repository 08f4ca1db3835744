import test from 'ava'
import * as fc from 'fast-check'
import { loadTokenizer } from '../../src/tokenizer/load.ts'
import type { EncodeStreamOptions } from '../../src/tokenizer/stream.ts'
import type { Text, Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { byteLevelFixtures, jsonFile, modelFixtures } from './json-cases.ts'

/** Those whose ids are sure only when the text has ended: others than our own code runs, or that look for tokens in what is normalized. */
const buffered = ['added', 'nougat', 'words', 'xlmr']

const piece = fc.oneof(
  fc.constantFrom(
    ...['<|endoftext|>', '<|im_start|>', '<s>', '</s>', '[SEP]', '<mask>', '<pad>', '<extra_id_0>', '<|', '|>'],
    // Of characters that are composed, also with the end of a special token, and of some that come to others alone.
    ...[
      'e\u0301',
      '\u0338',
      '\u0301\u0323',
      '\u212a',
      '\u2126',
      '\u1100',
      '\u1161',
      '\u11a8',
      'か',
      '\u3099',
      '\u{1d15e}',
    ],
    ...[
      ' ',
      '  ',
      '\n',
      '\r\n',
      '\t',
      '\u3000',
      '▁',
      '.',
      "'s",
      'a',
      'B',
      ' the',
      ' mill',
      '12345',
      '\ud83d',
      '\udc69',
    ],
    ...['我们在这里', '今天，', 'ﬁ', 'नि', '가', 'é', '👩‍👩‍👧'],
  ),
  fc.string({ unit: 'binary', maxLength: 6 }),
)
const text = fc.array(piece, { maxLength: 24 }).map((pieces) => pieces.join(''))
const cuts = fc.array(fc.nat(), { maxLength: 6 })
const choices: readonly EncodeStreamOptions[] = [
  { disallowedSpecial: [] },
  { disallowedSpecial: [], addSpecialTokens: true },
  { allowedSpecial: 'all', addSpecialTokens: true },
  { allowedSpecial: 'all' },
  {},
]

const cutAt = <T extends Text>(whole: T, places: readonly number[]): T[] => {
  const sorted = places.map((place) => place % (whole.length + 1)).toSorted((a, b) => a - b)
  return [0, ...sorted].map((from, index) => whole.slice(from, sorted[index] ?? whole.length) as T)
}

const collect = async (tokenizer: Tokenizer, chunks: readonly Text[], options?: EncodeStreamOptions) => {
  const parts: Uint32Array[] = []
  for await (const part of tokenizer.encodeChunks(chunks, options)) parts.push(part)
  return parts
}

const outcome = async (ids: () => ArrayLike<number> | Promise<ArrayLike<number>>, isIndexed: boolean) => {
  try {
    return { ids: Array.from(await ids()) }
  } catch (error) {
    const { code, message } = error as { code: string; message: string }
    return { code, message: message.replace(/^the stream/, 'the text').replace(isIndexed ? '' : / at index \d+/, '') }
  }
}

for (const name of [...modelFixtures, ...byteLevelFixtures]) {
  test(`${name}: text in chunks has the ids of the whole`, async (t) => {
    const tokenizer = await loadTokenizer(jsonFile(name))
    await fc.assert(
      fc.asyncProperty(text, cuts, fc.constantFrom(...choices), fc.boolean(), async (all, places, options, isBytes) => {
        const whole = isBytes ? new TextEncoder().encode(all) : all
        // Where bytes are kept as a string, indices are those of it.
        const isIndexed = !isBytes || !buffered.includes(name)
        const expected = await outcome(() => tokenizer.encode(whole, options), isIndexed)
        const received = await outcome(
          async () => (await collect(tokenizer, cutAt(whole, places), options)).flatMap((part) => [...part]),
          isIndexed,
        )
        t.deepEqual(received, expected)
      }),
      { numRuns: 400 },
    )
  })

  test(`${name}: ids come when they are sure`, async (t) => {
    const tokenizer = await loadTokenizer(jsonFile(name))
    const line = 'The naïve mill, 12 of them; e\u0301 <s> 我们在这里学习。\n'
    const chunks: string[] = Array(300).fill(line)
    for (const addSpecialTokens of [false, true]) {
      const options = { disallowedSpecial: [], addSpecialTokens, maxPieceBytes: 1000 } as const
      if (buffered.includes(name)) {
        await t.throwsAsync(collect(tokenizer, chunks, options), { code: 'ERR_LIMIT' })
        continue
      }
      const parts = await collect(tokenizer, chunks, options)
      t.true(parts.length > 200, `${parts.length} parts`)
      const { maxPieceBytes: _, ...rest } = options
      t.deepEqual(
        parts.flatMap((part) => [...part]),
        [...tokenizer.encode(chunks.join(''), rest)],
      )
    }
  })
}

test('what stands around a text is around that of a stream that is empty', async (t) => {
  for (const name of ['bert', 'llama3', 'qwen2']) {
    const tokenizer = await loadTokenizer(jsonFile(name))
    for (const chunks of [[], [''], ['', '']]) {
      const parts = await collect(tokenizer, chunks, { addSpecialTokens: true })
      t.deepEqual(
        parts.flatMap((part) => [...part]),
        [...tokenizer.encode('', { addSpecialTokens: true })],
        name,
      )
    }
  }
})
