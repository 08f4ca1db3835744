import test from 'ava'
import type { PaddedBatch } from '../../src/tokenizer/encode-padded.ts'
import { getEncoding } from '../../src/tokenizer/encodings.ts'
import { loadTokenizer } from '../../src/tokenizer/load.ts'
import { Vocabulary } from '../../src/tokenizer/vocabulary.ts'
import { WordTokenizer } from '../../src/tokenizer/word-tokenizer.ts'
import { byteLevelFixtures, jsonFile, modelFixtures, paddedRows } from './json-cases.ts'

const rowsOf = (
  values: Uint32Array | Int32Array | Uint8Array | Int8Array,
  { shape: [rows, width] }: PaddedBatch,
): number[][] => Array.from({ length: rows }, (_, row) => [...values.subarray(row * width, (row + 1) * width)])

for (const name of [...modelFixtures, ...byteLevelFixtures]) {
  test(`${name}: rows are those of Hugging Face's tokenizers`, async (t) => {
    const tokenizer = await loadTokenizer(jsonFile(name))
    const rows = paddedRows(name)
    t.true(rows.length >= 8)
    t.true(rows.filter(({ inputOf }) => inputOf !== undefined).length >= 4)
    for (const { inputs, options, ids, mask, types, inputOf, sequences, words, places } of rows) {
      // Hugging Face's leaves rows longer than the length as they are; here all rows have one length.
      if (new Set(ids.map(({ length }) => length)).size > 1) continue
      const { padTo, ...rest } = options
      const asked = { ...rest, allowedSpecial: 'all', ...(padTo === null ? {} : { padTo }) } as const
      const batch = tokenizer.encodePadded(inputs, asked)
      const title = JSON.stringify([inputs, options])
      t.deepEqual(rowsOf(batch.ids, batch), ids, title)
      t.deepEqual(rowsOf(batch.attentionMask, batch), mask, title)
      // Of further rows Hugging Face's templates leave type ids as they were, whatever they say: 1 for a second text.
      const isCompared = (_: unknown, row: number) =>
        !['t5', 'xlmr'].includes(name) || inputOf === undefined || inputOf[row] !== inputOf[row - 1]
      t.deepEqual(rowsOf(batch.typeIds, batch).filter(isCompared), types.filter(isCompared), title)
      t.deepEqual([...batch.inputOf], inputOf ?? inputs.map((_, index) => index), title)

      const { offsets, ends, wordIds, sequenceIds, ...same } = tokenizer.encodePadded(inputs, {
        ...asked,
        offsets: true,
      })
      t.deepEqual(same, batch)
      t.deepEqual(rowsOf(sequenceIds, batch), sequences, title)
      t.deepEqual(rowsOf(wordIds, batch), words, title)
      const starts = places.map((row) => row.map(([start]) => start))
      t.deepEqual(rowsOf(offsets, batch), starts, title)
      // A token of a part of a character has all of it.
      const flat = places.flat()
      t.true(ends.every((end, at) => end >= (flat[at]?.[1] as number)))
      t.true(ends.every((end, at) => (sequenceIds[at] === -1 ? end === 0 : end > (offsets[at] as number))))
    }
  })
}

test('the special tokens mask has what is put around texts, and padding', async (t) => {
  const bert = await loadTokenizer(jsonFile('bert'))
  const inputs = ['a [MASK] b', ['a', 'b c'] as [string, string]]
  const options = { allowedSpecial: 'all', maxLength: 8, padTo: 8 } as const
  const batch = bert.encodePadded(inputs, options)
  t.deepEqual(rowsOf(batch.specialTokensMask, batch), [
    [1, 0, 0, 0, 1, 1, 1, 1],
    [1, 0, 1, 0, 0, 1, 1, 1],
  ])
  const fromEnd = bert.encodePadded(inputs, { ...options, paddingSide: 'start', addSpecialTokens: false })
  t.deepEqual(rowsOf(fromEnd.specialTokensMask, fromEnd), [
    [1, 1, 1, 1, 1, 0, 0, 0],
    [1, 1, 1, 1, 1, 0, 0, 0],
  ])
})

test('an encoding makes rows too', (t) => {
  const tokenizer = getEncoding('gpt2')
  const [hello, world] = [tokenizer.encode('Hello'), tokenizer.encode('Hello world, hello')]
  const batch = tokenizer.encodePadded(['Hello', 'Hello world, hello'])
  t.deepEqual(batch.shape, [2, world.length])
  // Filled up with <|endoftext|>, as it has no token for it.
  const filled = [...hello, ...Array<number>(world.length - 1).fill(50256)]
  t.deepEqual(rowsOf(batch.ids, batch), [filled, [...world]])
  t.deepEqual(rowsOf(batch.attentionMask, batch), [
    [1, ...Array<number>(world.length - 1).fill(0)],
    [1, 1, 1, 1],
  ])
  t.true(batch.typeIds.every((id) => id === 0))
  const pair = tokenizer.encodePadded([['Hello', 'Hello world, hello']], {
    maxLength: 4,
    paddingSide: 'start',
    padTo: 6,
  })
  t.deepEqual([...pair.ids], [50256, 50256, ...hello, ...world.subarray(0, 3)])
  t.deepEqual([...pair.typeIds], [0, 0, 0, 1, 1, 1])
})

test('tokens of rows are where they are in their texts', (t) => {
  const tokenizer = getEncoding('gpt2')
  const inputs = [['Hello', "It's 😀 <|endoftext|>!"], new TextEncoder().encode('é e')] as const
  const rows = tokenizer.encodePadded(inputs, {
    allowedSpecial: 'all',
    offsets: true,
    maxLength: 8,
    padTo: 9,
    paddingSide: 'start',
    truncationSide: 'start',
  })
  t.deepEqual(rowsOf(rows.sequenceIds, rows), [
    [-1, 0, 1, 1, 1, 1, 1, 1, 1],
    [-1, -1, -1, -1, -1, -1, -1, 0, 0],
  ])
  t.deepEqual(rowsOf(rows.wordIds, rows), [
    [-1, 0, 0, 1, 2, 2, 3, 4, 5],
    [-1, -1, -1, -1, -1, -1, -1, 0, 1],
  ])
  t.deepEqual(rowsOf(rows.offsets, rows), [
    [0, 0, 0, 2, 4, 5, 7, 8, 21],
    [0, 0, 0, 0, 0, 0, 0, 0, 2],
  ])
  t.deepEqual(rowsOf(rows.ends, rows), [
    [0, 5, 2, 4, 7, 7, 8, 21, 22],
    [0, 0, 0, 0, 0, 0, 0, 2, 4],
  ])
  const words = new WordTokenizer(Vocabulary.fromText('a b c'))
  const { offsets, ends, wordIds } = words.encodePadded(['a  b', 'c'], { offsets: true })
  t.deepEqual(
    [[...offsets], [...ends], [...wordIds]],
    [
      [0, 3, 0, 0],
      [1, 4, 1, 0],
      [0, 1, 0, -1],
    ],
  )
})

test('a word tokenizer makes rows too', (t) => {
  const tokenizer = new WordTokenizer(Vocabulary.fromText('a b c'))
  const batch = tokenizer.encodePadded(['a b c', 'c'], { maxLength: 2, padId: 9, truncationSide: 'start' })
  t.deepEqual(rowsOf(batch.ids, batch), [
    [1, 2],
    [2, 9],
  ])
})

test('rows are as long as a multiple', (t) => {
  const batch = getEncoding('gpt2').encodePadded(['a b c'], { padToMultipleOf: 8, padId: 0 })
  t.deepEqual([...batch.ids].slice(3), [0, 0, 0, 0, 0])
  t.deepEqual(batch.shape, [1, 8])
})

test('no rows are an empty batch', (t) => {
  t.deepEqual(getEncoding('gpt2').encodePadded([]).shape, [0, 0])
})

test('what a tokenizer.json says about rows is the default', async (t) => {
  const bert = await loadTokenizer(jsonFile('bert'))
  const { readFile } = await import('node:fs/promises')
  const file = JSON.parse(await readFile(jsonFile('bert'), 'utf8')) as object
  const truncation = { max_length: 5, stride: 0, strategy: 'LongestFirst', direction: 'Left' }
  const padding = {
    strategy: { Fixed: 7 },
    direction: 'Left',
    pad_to_multiple_of: null,
    pad_id: 3,
    pad_type_id: 1,
    pad_token: 'x',
  }
  const tokenizer = await loadTokenizer(new TextEncoder().encode(JSON.stringify({ ...file, truncation, padding })))
  const options = {
    maxLength: 5,
    truncationSide: 'start',
    paddingSide: 'start',
    padTo: 7,
    padId: 3,
    padTypeId: 1,
  } as const
  const inputs = ['What is a mill?', 'a']
  t.deepEqual(tokenizer.encodePadded(inputs), bert.encodePadded(inputs, options))
  t.notDeepEqual(tokenizer.encodePadded(inputs, { maxLength: 100, padTo: 0 }).shape, [2, 7])
})

test('wrong inputs and options are errors that name them', async (t) => {
  const bert = await loadTokenizer(jsonFile('bert'))
  const wrong = { code: 'ERR_INVALID_ARGUMENT' }
  t.throws(() => bert.encodePadded('text' as never), { ...wrong, message: /an array for inputs/ })
  t.throws(() => bert.encodePadded([['a'] as never]), { ...wrong, message: /inputs\[0\]/ })
  t.throws(() => bert.encodePadded([['a', 1] as never]), { ...wrong, message: /inputs\[0\]\[1\]/ })
  t.throws(() => bert.encodePadded(['a'], { maxLength: 1.5 }), { ...wrong, message: /options.maxLength/ })
  t.throws(() => bert.encodePadded(['a'], { maxLength: 1 }), { ...wrong, message: /at least 2/ })
  t.throws(() => bert.encodePadded(['a'], { truncation: 'both' as never }), { ...wrong, message: /options.truncation/ })
  t.throws(() => bert.encodePadded(['a'], { extra: 1 } as never), { ...wrong, message: /extra/ })
  for (const name of ['offsets', 'overflow', 'addSpecialTokens'])
    for (const value of [1, null])
      t.throws(() => bert.encodePadded(['a'], { [name]: value }), {
        ...wrong,
        message: `expected a boolean for options.${name}, received ${value}`,
      })
  const refused = ['a', ['b', '[MASK]']] as const
  t.throws(() => bert.encodePadded(refused, { offsets: true }), {
    code: 'ERR_SPECIAL_TOKEN',
    message: /inputs\[1\]\[1\]/,
  })
  t.throws(() => bert.encodePadded(['a', ['b', '[MASK]']]), { code: 'ERR_SPECIAL_TOKEN', message: /inputs\[1\]\[1\]/ })
  t.throws(() => bert.encodePadded([['a a a a a a a', 'b']], { maxLength: 5, truncation: 'only-second' }), {
    code: 'ERR_LIMIT',
    message: /second text/,
  })
  t.throws(() => bert.encodePadded(['a'], { padTo: 2 ** 31 }), { code: 'ERR_LIMIT' })
})

test('what does not fit a row goes on in further rows', (t) => {
  const tokenizer = new WordTokenizer(Vocabulary.fromText('a b c d e', { specialTokens: [] }), { unknown: null })
  const batch = tokenizer.encodePadded(['a b c d e', 'a', ''], { maxLength: 3, stride: 1, overflow: true, padId: 9 })
  t.deepEqual(rowsOf(batch.ids, batch), [
    [0, 1, 2],
    [2, 3, 4],
    [0, 9, 9],
    [9, 9, 9],
  ])
  t.deepEqual([...batch.inputOf], [0, 0, 1, 2])
  const fromEnd = tokenizer.encodePadded(['a b c d e'], { maxLength: 2, overflow: true, truncationSide: 'start' })
  t.deepEqual(rowsOf(fromEnd.ids, fromEnd), [
    [3, 4],
    [1, 2],
    [0, 0],
  ])
  t.deepEqual([...fromEnd.attentionMask.subarray(4)], [1, 0])
  // Without the option they are lost, whatever the stride.
  t.deepEqual([...tokenizer.encodePadded(['a b c d e'], { maxLength: 3, stride: 7 }).ids], [0, 1, 2])
})

test('rows that cannot go on are an error', (t) => {
  const tokenizer = new WordTokenizer(Vocabulary.fromText('a b c d e', { specialTokens: [] }), { unknown: null })
  const rows = (inputs: (string | [string, string])[], options: object) => () =>
    tokenizer.encodePadded(inputs, { overflow: true, ...options })
  const invalid = { code: 'ERR_INVALID_ARGUMENT' }
  t.throws(rows(['a b c'], { maxLength: 2, stride: 2 }), { ...invalid, message: /less than 2, .* inputs\[0\]/ })
  // No stride is low enough where a row has no room.
  t.throws(rows(['a'], { maxLength: 0 }), { ...invalid, message: /enough for ids .* inputs\[0\].* options\.maxLength/ })
  t.throws(rows([['a b c', 'a b c']], { maxLength: 1 }), {
    ...invalid,
    message: /enough for ids .* inputs\[0\].* options\.maxLength/,
  })
  for (const stride of [-1, 1.5, NaN, '1'])
    t.throws(rows(['a'], { stride }), { ...invalid, message: /options\.stride/ })
  // Each part of the one with each part of the other.
  const long = 'a '.repeat(300_000).trim()
  t.throws(rows([[long, long]], { maxLength: 2 }), {
    code: 'ERR_LIMIT',
    message: /inputs\[0\] alone comes to 90000000000/,
  })
})
