import test from 'ava'
import * as fc from 'fast-check'
import type { Batch } from '../../src/dataset/batch.ts'
import { collate } from '../../src/dataset/collate.ts'
import { DataLoader } from '../../src/dataset/data-loader.ts'
import { maskedTokens } from '../../src/dataset/masked-tokens.ts'
import { PackedDataset } from '../../src/dataset/packed-dataset.ts'
import { bestFitDecreasing, firstFitDecreasing } from '../../src/dataset/packing.ts'

/** Both ways, by looking at every bin. */
const naive = (sizes: readonly number[], capacity: number, best: boolean): number[][] => {
  const bins: { room: number; pieces: number[]; touched: number }[] = []
  const order = sizes.map((_, piece) => piece).sort((a, b) => (sizes[b] as number) - (sizes[a] as number) || a - b)
  for (const [time, piece] of order.entries()) {
    const size = sizes[piece] as number
    const fits = bins.filter(({ room }) => room >= size)
    if (best) fits.sort((a, b) => a.room - b.room || b.touched - a.touched)
    const [bin] = fits
    if (bin === undefined) bins.push({ room: capacity - size, pieces: [piece], touched: time })
    else {
      bin.room -= size
      bin.pieces.push(piece)
      bin.touched = time
    }
  }
  return bins.map(({ pieces }) => pieces)
}

const anyCapacity = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(65_535, 65_536, 70_000, 2 ** 20, 2 ** 27))
const anySizes = anyCapacity.chain((capacity) =>
  fc.record({
    capacity: fc.constant(capacity),
    sizes: fc.array(
      fc.oneof(fc.integer({ min: 1, max: capacity }), fc.integer({ min: 1, max: Math.min(capacity, 100) })),
      {
        maxLength: 60,
      },
    ),
  }),
)

for (const [name, pack, best] of [
  ['best fit', bestFitDecreasing, true],
  ['first fit', firstFitDecreasing, false],
] as const) {
  test(`${name} puts pieces where looking at every bin puts them`, (t) => {
    fc.assert(
      fc.property(anySizes, ({ sizes, capacity }) => t.deepEqual(pack(sizes, capacity), naive(sizes, capacity, best))),
      { numRuns: 1000 },
    )
  })

  test(`${name} packs small pieces into the largest window`, (t) => {
    const pieces = Array.from({ length: 100_000 }, (_, piece) => 1 + (piece % 100))
    const begun = performance.now()
    t.is(pack(pieces, 2 ** 27).length, 1)
    t.true(performance.now() - begun < 10_000)
  })

  test(`${name} packs a million pieces`, (t) => {
    const sizes = Uint32Array.from({ length: 1_000_000 }, (_, piece) => 1 + ((piece * 7919) % 2048))
    const bins = pack(sizes, 2048)
    const least = Math.ceil(sizes.reduce((sum, size) => sum + size, 0) / 2048)
    t.true(bins.length < 1.01 * least, `${bins.length} bins, ${least} at least`)
  })
}

const documentsOf = (lengths: readonly number[]): Uint32Array[] => {
  let next = 1
  return lengths.map((length) => Uint32Array.from({ length }, () => next++))
}

test('a packed window has its documents side by side, with their places and numbers', (t) => {
  const dataset = new PackedDataset(documentsOf([4, 3, 9]), { contextLength: 6, paddingId: 99 })
  // Of the 8 inputs of the last document, 2 are in another window.
  t.is(dataset.length, 3)
  t.is(dataset.cutDocuments, 1)
  const samples = [0, 1, 2].map((index) => dataset.get(index))
  t.deepEqual(
    samples.map(({ inputs }) => [...inputs]),
    [
      [8, 9, 10, 11, 12, 13],
      [1, 2, 3, 5, 6, 99],
      [14, 15, 99, 99, 99, 99],
    ],
  )
  t.deepEqual([...(samples[1]?.targets ?? [])], [2, 3, 4, 6, 7, -100])
  t.deepEqual([...(samples[2]?.targets ?? [])], [15, 16, -100, -100, -100, -100])
  t.deepEqual([...(samples[1]?.positionIds ?? [])], [0, 1, 2, 0, 1, 0])
  t.deepEqual([...(samples[1]?.segmentIds ?? [])], [1, 1, 1, 2, 2, 0])
  t.deepEqual([...(samples[1]?.attentionMask ?? [])], [1, 1, 1, 1, 1, 0])
  const [batch] = [...new DataLoader(dataset, { batchSize: 3 })] as [Batch]
  t.deepEqual([...(batch.cuSeqlens as Int32Array)], [0, 6, 9, 11, 12, 14, 18])
  t.deepEqual([...(batch.segmentIds as Uint32Array)], [1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 0, 1, 1, 0, 0, 0, 0])
})

const anyDocuments = fc.record({
  lengths: fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 30 }),
  contextLength: fc.integer({ min: 1, max: 12 }),
  strategy: fc.constantFrom('bestFit', 'firstFit'),
})

test('every prediction of every document is in one window once, and nothing else', (t) => {
  fc.assert(
    fc.property(anyDocuments, ({ lengths, contextLength, strategy }) => {
      const documents = documentsOf(lengths)
      const expected = documents.flatMap((ids) => Array.from(ids.slice(1), (target, place) => [ids[place], target]))
      if (expected.length === 0) {
        t.throws(() => new PackedDataset(documents, { contextLength, strategy }), { code: 'ERR_INVALID_ARGUMENT' })
        return
      }
      const dataset = new PackedDataset(documents, { contextLength, strategy, paddingId: 0 })
      const pairs: (readonly [number, number])[] = []
      let padded = 0
      for (let index = 0; index < dataset.length; index++) {
        const { inputs, targets, positionIds, segmentIds, attentionMask } = dataset.get(index)
        for (const [place, input] of inputs.entries()) {
          const segment = segmentIds?.[place]
          t.is(attentionMask?.[place], segment === 0 ? 0 : 1)
          if (segment === 0) {
            padded++
            t.deepEqual([input, targets[place], positionIds?.[place]], [0, -100, 0])
            continue
          }
          pairs.push([input, targets[place] as number])
          const isFirst = place === 0 || segmentIds?.[place - 1] !== segment
          t.is(positionIds?.[place], isFirst ? 0 : (positionIds?.[place - 1] as number) + 1)
        }
      }
      t.is(dataset.paddedPlaces, padded)
      t.is(dataset.droppedDocuments, lengths.filter((length) => length < 2).length)
      t.is(dataset.cutDocuments, lengths.filter((length) => length - 1 > contextLength).length)
      t.deepEqual(
        pairs.toSorted(([a], [b]) => a - b),
        expected as never,
      )
    }),
    { numRuns: 500 },
  )
})

test('masked documents are packed with all of their ids', (t) => {
  const objective = maskedTokens({ maskId: 99, vocabSize: 100, probability: 0 })
  const dataset = new PackedDataset(documentsOf([1, 2, 3]), { contextLength: 3, objective })
  t.deepEqual(
    [0, 1].map((index) => [...dataset.get(index).inputs]),
    [
      [4, 5, 6],
      [2, 3, 1],
    ],
  )
})

for (const [title, documents, options, message] of [
  ['no contextLength', [Uint32Array.of(1, 2)], {}, /options.contextLength, received undefined/],
  [
    'another strategy',
    [Uint32Array.of(1, 2)],
    { contextLength: 2, strategy: 'worst' },
    /options.strategy, received "worst"/,
  ],
  ['no documents', [], { contextLength: 2 }, /documents of at least 2 tokens/],
  ['text', 'text', { contextLength: 2 }, /for tokens, received "text"/],
  ['an objective of a name', [Uint32Array.of(1, 2)], { contextLength: 2, objective: 'nextToken' }, /options.objective/],
] as const) {
  test(`${title} is an error that says so`, (t) => {
    t.throws(() => new PackedDataset(documents as never, options as never), { code: 'ERR_INVALID_ARGUMENT', message })
  })
}

test('the longest window that there can be', (t) => {
  const { length, paddedPlaces } = new PackedDataset(documentsOf([3, 4]), { contextLength: 2 ** 25 })
  t.is(length, 1)
  t.is(paddedPlaces, 2 ** 25 - 5)
  t.throws(() => new PackedDataset(documentsOf([3, 4]), { contextLength: 2 ** 25 + 1 }), {
    code: 'ERR_INVALID_ARGUMENT',
  })
})

test('a batch is what collating its windows gives, also in arrays that are given', (t) => {
  const objective = maskedTokens({ maskId: 1, vocabSize: 50, probability: 0.5 })
  const dataset = new PackedDataset(documentsOf([3, 7, 2, 30, 5, 5, 9]), { contextLength: 8, objective, paddingId: 2 })
  const indices = Float64Array.of(2, 0, 2, 5)
  for (const epoch of [0, 3]) {
    const samples = Array.from(indices, (index) => dataset.get(index, { epoch }))
    const expected = collate(samples, { paddingId: dataset.paddingId })
    t.deepEqual(dataset.batch(indices, { epoch }), expected)
    const out = { inputs: new Uint32Array(40).fill(9), targets: new Int32Array(40).fill(9) }
    t.deepEqual(dataset.batch(indices, { epoch, out }), expected)
    t.deepEqual(out.inputs.slice(0, 32), expected.inputs)
    t.deepEqual(out.targets.slice(0, 32), expected.targets)
  }
  t.throws(() => dataset.batch(Float64Array.of(0, 99)), { code: 'ERR_OUT_OF_RANGE' })
})

test('a batch that no memory holds is an error before anything is made', (t) => {
  const dataset = new PackedDataset(documentsOf([3]), { contextLength: 2 ** 25 })
  t.throws(() => dataset.batch(new Float64Array(2 ** 20)), { code: 'ERR_LIMIT' })
})

test('a window that is not there is an error', (t) => {
  const dataset = new PackedDataset(documentsOf([3]), { contextLength: 2 })
  for (const index of [-1, 1]) t.throws(() => dataset.get(index), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => dataset.get(0.5), { code: 'ERR_INVALID_ARGUMENT' })
})
