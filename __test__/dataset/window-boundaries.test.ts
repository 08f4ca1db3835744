import test from 'ava'
import * as fc from 'fast-check'
import type { Batch } from '../../src/dataset/batch.ts'
import { DataLoader } from '../../src/dataset/data-loader.ts'
import { maskedTokens } from '../../src/dataset/masked-tokens.ts'
import { WindowDataset } from '../../src/dataset/window-dataset.ts'

/** Documents of numbers that go on from one to the next. */
const documentsOf = (lengths: readonly number[]): Uint32Array[] => {
  let next = 0
  return lengths.map((length) => Uint32Array.from({ length }, () => next++))
}

/** Windows that stay within documents, tails filled up with 7. */
const naiveWithin = (documents: readonly Uint32Array[], contextLength: number, stride: number, keep: boolean) => {
  const windows: { inputs: number[]; targets: number[] }[] = []
  let dropped = 0
  for (const ids of documents) {
    // Places that a window reads, or that the stride skips after it.
    const past = new Set<number>()
    let start = 0
    for (; start + contextLength < ids.length; start += stride) {
      windows.push({
        inputs: [...ids.slice(start, start + contextLength)],
        targets: [...ids.slice(start + 1, start + contextLength + 1)],
      })
      for (let place = start; place < start + Math.max(contextLength + 1, stride); place++) past.add(place)
    }
    const left = ids.filter((_, place) => !past.has(place)).length
    const inputs = [...ids.slice(start, -1)]
    if (left > 0 && keep && inputs.length > 0) {
      const padding = contextLength - inputs.length
      windows.push({
        inputs: [...inputs, ...Array<number>(padding).fill(7)],
        targets: [...ids.slice(start + 1), ...Array<number>(padding).fill(-100)],
      })
    } else dropped += left
  }
  return { windows, dropped: dropped }
}

const cases = fc.record({
  lengths: fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 12 }),
  contextLength: fc.integer({ min: 1, max: 8 }),
  stride: fc.integer({ min: 1, max: 24 }),
  keep: fc.boolean(),
})

test('windows within documents are those of each document alone, tails dropped and counted or kept', (t) => {
  fc.assert(
    fc.property(cases, ({ lengths, contextLength, stride, keep }) => {
      const documents = documentsOf(lengths)
      const { windows, dropped } = naiveWithin(documents, contextLength, stride, keep)
      const options = {
        contextLength,
        stride,
        boundaries: 'within',
        tails: keep ? 'keep' : 'drop',
        paddingId: 7,
      } as const
      if (windows.length === 0) {
        t.throws(() => new WindowDataset(documents, options), { code: 'ERR_INVALID_ARGUMENT' })
        return
      }
      const dataset = new WindowDataset(documents, options)
      t.is(dataset.length, windows.length)
      t.is(dataset.droppedTokens, dropped)
      const indices = Array.from({ length: dataset.length }, (_, index) => index)
      t.deepEqual(
        indices.map((index) => {
          const { inputs, targets, attentionMask } = dataset.get(index)
          t.is(attentionMask !== undefined, keep)
          if (attentionMask)
            t.deepEqual(
              [...attentionMask],
              [...targets].map((target) => (target === -100 ? 0 : 1)),
            )
          return { inputs: [...inputs], targets: [...targets] }
        }),
        windows,
      )
      const [batch] = [...new DataLoader(dataset, { batchSize: 1000 })] as [Batch]
      t.deepEqual(
        [...batch.inputs],
        windows.flatMap(({ inputs }) => inputs),
      )
      t.deepEqual(
        [...batch.targets],
        windows.flatMap(({ targets }) => targets),
      )
    }),
    { numRuns: 500 },
  )
})

test('windows that cross are those of all documents in one row', (t) => {
  const documents = documentsOf([5, 1, 0, 7])
  const joined = new WindowDataset(
    documents.flatMap((ids) => [...ids]),
    { contextLength: 3, stride: 2 },
  )
  const crossing = new WindowDataset(documents, { contextLength: 3, stride: 2 })
  t.is(crossing.length, joined.length)
  for (let index = 0; index < joined.length; index++) t.deepEqual(crossing.get(index), joined.get(index))
  t.is(crossing.droppedTokens, 1)
  t.is(crossing.droppedDocuments, 0)
})

test('documents without a window are counted', (t) => {
  const dataset = new WindowDataset(documentsOf([5, 1, 0, 7, 3]), { contextLength: 4, boundaries: 'within' })
  t.deepEqual([dataset.length, dataset.droppedDocuments, dataset.droppedTokens], [2, 3, 1 + 0 + 2 + 3])
})

test('masked windows read contextLength ids', (t) => {
  const objective = maskedTokens({ maskId: 99, vocabSize: 100 })
  const dataset = new WindowDataset(documentsOf([9, 4, 3]), { contextLength: 4, boundaries: 'within', objective })
  t.is(dataset.length, 3)
  t.is(new WindowDataset(documentsOf([8]), { contextLength: 4, objective }).length, 2)
  const kept = new WindowDataset(documentsOf([6]), { contextLength: 4, objective, tails: 'keep', paddingId: 5 })
  t.deepEqual([...(kept.get(1).attentionMask as Uint8Array)], [1, 1, 0, 0])
  t.deepEqual([...kept.get(1).inputs.subarray(2)], [5, 5])
})

test('too little text for a window is an error that says how much there is', (t) => {
  t.throws(() => new WindowDataset(documentsOf([2, 4]), { contextLength: 4, boundaries: 'within' }), {
    code: 'ERR_INVALID_ARGUMENT',
    message: 'expected at least 5 tokens for one window of contextLength 4, received documents of at most 4',
  })
  t.throws(() => new WindowDataset([Uint32Array.of(1, 2 ** 31)], { contextLength: 1 }), {
    code: 'ERR_INVALID_ARGUMENT',
    message: /tokens\[0\]\[1\], received 2147483648/,
  })
})
