import test from 'ava'
import * as fc from 'fast-check'
import { DataLoader } from '../../src/dataset/data-loader.ts'
import type { Dataset } from '../../src/dataset/dataset.ts'
import { MixedDataset } from '../../src/dataset/mixed-dataset.ts'

/** Samples that say which dataset they are of, their index, and the epoch that they were asked for. */
const told = (name: number, length: number): Dataset => ({
  length,
  get: (index, { epoch = 0 } = {}) => ({ inputs: Uint32Array.of(name, index, epoch), targets: new Int32Array(3) }),
})

const read = (mixed: MixedDataset, count: number) =>
  Array.from({ length: count }, (_, index) => {
    const [name, at, pass] = mixed.get(index % mixed.length, { epoch: Math.floor(index / mixed.length) }).inputs
    return { name: name as number, at: at as number, pass: pass as number }
  })

const anyParts = fc.array(
  fc.record({ length: fc.integer({ min: 1, max: 20 }), weight: fc.integer({ min: 1, max: 100 }) }),
  {
    minLength: 1,
    maxLength: 5,
  },
)

test('each part has its share of any beginning', (t) => {
  fc.assert(
    fc.property(anyParts, (parts) => {
      const mixed = new MixedDataset(parts.map(({ length, weight }, name) => ({ dataset: told(name, length), weight })))
      const all = parts.reduce((sum, { weight }) => sum + weight, 0)
      const counts = parts.map(() => 0)
      for (const [index, { name }] of read(mixed, 500).entries()) {
        counts[name] = (counts[name] as number) + 1
        for (const [part, count] of counts.entries()) {
          const expected = ((index + 1) * (parts[part] as { weight: number }).weight) / all
          if (Math.abs(count - expected) > part + 1.01)
            t.fail(`${count} of ${index + 1} are of part ${part}, not ${expected}`)
        }
      }
      t.pass()
    }),
    { numRuns: 200 },
  )
})

test('a part is read through in an order of its own before a sample comes again, from epoch to epoch', (t) => {
  fc.assert(
    fc.property(anyParts, fc.integer({ min: 1, max: 50 }), (parts, length) => {
      const mixed = new MixedDataset(
        parts.map(({ length, weight }, name) => ({ dataset: told(name, length), weight })),
        { length, seed: 3 },
      )
      const samples = read(mixed, 600)
      for (const [part, { length: own }] of parts.entries()) {
        const of = samples.filter(({ name }) => name === part)
        for (const [number, { pass }] of of.entries()) t.is(pass, Math.floor(number / own))
        for (let start = 0; start + own <= of.length; start += own)
          t.is(new Set(of.slice(start, start + own).map(({ at }) => at)).size, own)
      }
    }),
    { numRuns: 200 },
  )
})

test('the order is the same everywhere: golden values', (t) => {
  const mixed = new MixedDataset(
    [
      { dataset: told(0, 4), weight: 1 },
      { dataset: told(1, 3), weight: 3 },
    ],
    { seed: 1 },
  )
  t.is(mixed.length, 7)
  t.deepEqual(
    read(mixed, 8).map(({ name, at }) => [name, at]),
    [
      [1, 2],
      [1, 0],
      [1, 1],
      [0, 2],
      [1, 0],
      [1, 1],
      [1, 2],
      [0, 0],
    ],
  )
})

test('a loader shuffles a mixture, and fills up ragged parts that have the same padding', (t) => {
  const ragged: Dataset = {
    length: 3,
    paddingId: 9,
    get: (index) => ({ inputs: new Uint32Array(index + 1).fill(1), targets: new Int32Array(index + 1) }),
  }
  const mixed = new MixedDataset([
    { dataset: ragged, weight: 1 },
    { dataset: ragged, weight: 1 },
  ])
  t.is(mixed.paddingId, 9)
  const batches = [...new DataLoader(mixed, { batchSize: 6, shuffle: true })]
  t.deepEqual(batches[0]?.shape, [6, 3])
  t.is(
    batches[0]?.attentionMask?.reduce((sum, bit) => sum + bit, 0),
    2 * (1 + 2 + 3),
  )
})

test('numbers stay exact in late epochs', (t) => {
  const mixed = new MixedDataset(
    [
      { dataset: told(0, 1000), weight: 0.3 },
      { dataset: told(1, 1000), weight: 0.7 },
    ],
    { length: 1000 },
  )
  const epoch = 8 * 10 ** 12
  const numbers = Array.from({ length: 1000 }, (_, index) => mixed.placeOf(index, epoch))
  for (const part of [0, 1]) {
    const own = numbers.filter((place) => place.part === part).map(({ number }) => number)
    for (let at = 1; at < own.length; at++) t.is(own[at], (own[at - 1] as number) + 1)
  }
  t.throws(() => mixed.get(0, { epoch: 10 ** 13 }), { code: 'ERR_OUT_OF_RANGE' })
})

for (const [title, parts, options, message] of [
  ['no parts', [], {}, /at least one for parts, received an array of 0/],
  ['parts of text', 'parts', {}, /for parts, received "parts"/],
  ['a part of nothing', [null], {}, /parts\[0\].dataset/],
  ['an empty dataset', [{ dataset: told(0, 0), weight: 1 }], {}, /at least one sample for parts\[0\].dataset/],
  ['a weight of 0', [{ dataset: told(0, 1), weight: 0 }], {}, /above 0 for parts\[0\].weight, received 0/],
  ['a weight of NaN', [{ dataset: told(0, 1), weight: NaN }], {}, /parts\[0\].weight, received NaN/],
  ['a length of 0', [{ dataset: told(0, 1), weight: 1 }], { length: 0 }, /options.length, received 0/],
  ['a seed of -1', [{ dataset: told(0, 1), weight: 1 }], { seed: -1 }, /options.seed, received -1/],
  [
    'different paddings',
    [
      { dataset: told(0, 1), weight: 1 },
      { dataset: { ...told(1, 1), paddingId: 3 }, weight: 1 },
    ],
    {},
    /the same paddingId/,
  ],
] as const) {
  test(`${title} is an error that says so`, (t) => {
    t.throws(() => new MixedDataset(parts as never, options), { code: 'ERR_INVALID_ARGUMENT', message })
  })
}
