import test from 'ava'
import * as fc from 'fast-check'
import type { Batch } from '../../src/dataset/batch.ts'
import { collate } from '../../src/dataset/collate.ts'
import { DataLoader } from '../../src/dataset/data-loader.ts'
import type { Dataset } from '../../src/dataset/dataset.ts'
import { maskedTokens } from '../../src/dataset/masked-tokens.ts'
import { MixedDataset } from '../../src/dataset/mixed-dataset.ts'
import { PackedDataset } from '../../src/dataset/packed-dataset.ts'
import { WindowDataset } from '../../src/dataset/window-dataset.ts'

/** Samples that say which dataset they are of, their index, and the epoch that they were asked for. */
const told = (name: number, length: number): Dataset => ({
  length,
  get: (index, { epoch = 0 } = {}) => ({ inputs: Uint32Array.of(name, index, epoch), targets: new Int32Array(3) }),
})

/** Samples of `shortest` ids and more. */
const ragged = (length: number, shortest: number): Dataset => ({
  length,
  paddingId: 9,
  get: (index) => ({
    inputs: new Uint32Array(index + shortest).fill(index + 1),
    targets: new Int32Array(index + shortest).fill(index),
  }),
})

const words = (count: number) => Uint32Array.from({ length: count }, (_, at) => 10 * count + at)

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

/** How many of the samples before `end` are of each part, by the numbers of the samples from there on. */
const countsBefore = (mixed: MixedDataset, parts: number, end: number): number[] => {
  const counts: number[] = []
  const isKnown = () => Object.keys(counts).length === parts
  for (let index = end; !isKnown(); index++) {
    const { part, number } = mixed.placeOf(index % mixed.length, Math.floor(index / mixed.length))
    counts[part] ??= number
  }
  return counts
}

test('shares are those of the weights, however many samples there are and however far weights are apart', (t) => {
  for (const [weights, length] of [
    [[1, 1e5], 1e12],
    [[1e5, 1], 1e12],
    [[1, 1, 1], 1e9],
    [[1, 1, 1], 2 ** 50 - 1],
    [[3, 2, 1e-3, 5, 1e-4], 1e13],
    [[1, 1e-5, 1], 2 ** 52],
  ] as const) {
    const dataset = told(0, 1)
    const mixed = new MixedDataset(
      weights.map((weight) => ({ dataset, weight })),
      { length: 2 ** 40 },
    )
    const counts = countsBefore(mixed, weights.length, length)
    t.is(
      counts.reduce((sum, count) => sum + count, 0),
      length,
    )
    const all = weights.reduce((sum, weight) => sum + weight, 0)
    for (const [part, weight] of weights.entries()) {
      const expected = (length / all) * weight
      const off = Math.abs((counts[part] as number) - expected)
      // What is told in numbers of 53 bits is not more exact.
      t.true(off <= part + 1 + length * 2 ** -50, `${counts[part]} of ${length} are of part ${part}, not ${expected}`)
    }
  }
})

test('the numbers of the samples of a part follow one another, wherever they are read', (t) => {
  const weights = [1, 2 / 3, 0.1, 5]
  const dataset = told(0, 1)
  const mixed = new MixedDataset(
    weights.map((weight) => ({ dataset, weight })),
    { length: 2 ** 53 - 1 },
  )
  for (const start of [0, 2 ** 20 - 500, 2 ** 26 - 500, 2 ** 32 - 500, 2 ** 52 - 500, 2 ** 53 - 1001]) {
    const next: number[] = []
    for (let index = start; index < start + 1000; index++) {
      const { part, number } = mixed.placeOf(index, 0)
      if (next[part] !== undefined) t.is(number, next[part])
      next[part] = number + 1
    }
    t.is(Object.keys(next).length, weights.length)
  }
})

test('a part of hardly any weight takes nothing from the others', (t) => {
  for (const weights of [
    [1, 1e-300],
    [1e-300, 1],
    [1e20, 1, 1],
  ]) {
    const mixed = new MixedDataset(
      weights.map((weight, name) => ({ dataset: told(name, 1), weight })),
      { length: 1000 },
    )
    const parts = new Set(Array.from({ length: 1000 }, (_, index) => mixed.placeOf(index, 0).part))
    t.deepEqual([...parts], [weights.indexOf(Math.max(...weights))])
  }
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
      [1, 0],
      [1, 1],
      [1, 2],
      [0, 1],
      [1, 1],
      [1, 0],
      [1, 2],
      [0, 0],
    ],
  )
})

test('a loader shuffles a mixture, and fills up ragged parts that have the same padding', (t) => {
  const mixed = new MixedDataset([
    { dataset: ragged(3, 1), weight: 1 },
    { dataset: ragged(3, 1), weight: 1 },
  ])
  t.is(mixed.paddingId, 9)
  const batches = [...new DataLoader(mixed, { batchSize: 6, shuffle: true })]
  t.deepEqual(batches[0]?.shape, [6, 3])
  t.is(
    batches[0]?.attentionMask?.reduce((sum, bit) => sum + bit, 0),
    2 * (1 + 2 + 3),
  )
})

/** A batch with its arrays as strings, which are compared sooner. */
const written = (batch: Batch) =>
  Object.entries(batch).map(([name, values]) => [name, ArrayBuffer.isView(values) ? String(values) : values])

test('a large batch is made a few rows at a time, and is that of all samples', (t) => {
  const [rows, columns] = [150, 2000]
  const asked: number[] = []
  const windows = new WindowDataset(words(columns + 200), {
    contextLength: columns,
    stride: 1,
    objective: maskedTokens({ maskId: 7, vocabSize: 9 }),
  })
  const parts: Readonly<Record<string, readonly Dataset[]>> = {
    windows: [
      {
        length: windows.length,
        get: windows.get.bind(windows),
        batch: (indices, options) => {
          asked.push(indices.length)
          return windows.batch(indices, options)
        },
      },
    ],
    'windows and packed ones': [
      new PackedDataset([words(columns)], { contextLength: columns }),
      { ...ragged(3, columns - 1), paddingId: 0 },
    ],
    'windows with positions, and others': [
      told(0, 3),
      {
        length: 3,
        get: () => ({ inputs: new Uint32Array(3), targets: new Int32Array(3), positionIds: Uint32Array.of(4, 5, 6) }),
      },
    ],
    classes: [
      { length: 3, get: (index) => ({ inputs: new Uint32Array(columns).fill(index), targets: Int32Array.of(index) }) },
    ],
  }
  for (const [name, datasets] of Object.entries(parts)) {
    const mixed = new MixedDataset(
      datasets.map((dataset) => ({ dataset, weight: 1 })),
      { length: 100_000 },
    )
    const count = name.includes('positions') ? 88_000 : rows
    const indices = Float64Array.from({ length: count }, (_, at) => count - 1 - at)
    const samples = Array.from(indices, (index) => mixed.get(index))
    const expected = collate(samples, { paddingId: mixed.paddingId })
    t.deepEqual(written(mixed.batch(indices)), written(expected), name)
    const out = {
      inputs: new Uint32Array(expected.inputs.length),
      targets: new Int32Array(expected.targets.length + 1),
    }
    const given = mixed.batch(indices, { out })
    t.deepEqual(written(given), written(expected), name)
    t.true(given.inputs.buffer === out.inputs.buffer && given.targets.buffer === out.targets.buffer)
    t.throws(() => mixed.batch(indices, { out: { inputs: new Uint32Array(9), targets: out.targets } }), {
      message: /expected room/,
    })
  }
  t.true(Math.max(...asked) <= 2 ** 18 / columns)
})

test('parts of the same length are read in orders of their own, which the seed decides', (t) => {
  const [length, count] = [50, 100]
  const ordersOf = (seed: number) => {
    const parts = [told(0, length), told(1, length)].map((dataset) => ({ dataset, weight: 1 }))
    const samples = read(new MixedDataset(parts, { seed }), count)
    return [0, 1].map((part) => samples.filter(({ name }) => name === part).map(({ at }) => at))
  }
  const orders = [...ordersOf(1), ...ordersOf(2)]
  t.deepEqual(
    orders.map((order) => order.toSorted((a, b) => a - b)),
    orders.map(() => Array.from({ length }, (_, at) => at)),
  )
  t.is(new Set(orders.map(String)).size, 4)
})

test('a batch is what the samples give, made by the batches of its parts', (t) => {
  const asked: string[] = []
  const watched = (name: string, dataset: Dataset): Dataset => ({
    length: dataset.length,
    ...(dataset.paddingId !== undefined && { paddingId: dataset.paddingId }),
    get: (index, options) => dataset.get(index, options),
    batch: (indices, options) => {
      asked.push(`${name}${options?.epoch}`)
      return collate(
        Array.from(indices, (index) => dataset.get(index, { epoch: options?.epoch ?? 0 })),
        { paddingId: dataset.paddingId },
      )
    },
  })
  const mixtures: readonly (readonly (readonly [Dataset, number])[])[] = [
    [
      [told(0, 7), 1],
      [told(1, 3), 2],
    ],
    [
      [new PackedDataset([words(3), words(5), words(9)], { contextLength: 6 }), 1],
      [new PackedDataset([words(4), words(4), words(2)], { contextLength: 6 }), 1],
    ],
    [
      [ragged(5, 1), 1],
      [ragged(4, 3), 3],
    ],
  ]
  for (const parts of mixtures) {
    const mixtureOf = (make: (name: string, dataset: Dataset) => Dataset) =>
      new MixedDataset(parts.map(([dataset, weight], part) => ({ dataset: make(`${part}`, dataset), weight })))
    const [plain, bulk] = [mixtureOf((_, dataset) => dataset), mixtureOf(watched)]
    const indices = Float64Array.from({ length: 2 * plain.length }, (_, at) => (at * 3) % plain.length)
    for (const epoch of [0, 5]) {
      asked.length = 0
      const samples = Array.from(indices, (index) => plain.get(index, { epoch }))
      const expected = collate(samples, { paddingId: plain.paddingId })
      t.deepEqual(bulk.batch(indices, { epoch }), expected)
      t.true(asked.length > 1)
      t.is(new Set(asked).size, asked.length, 'once for each pass of a part')
      const size = expected.inputs.length
      const out = { inputs: new Uint32Array(size + 1), targets: new Int32Array(size + 1) }
      t.deepEqual(bulk.batch(indices, { epoch, out }), expected)
    }
  }
})

test('parts with one target for a row, and rows of one id, stay what they are', (t) => {
  const labelled = (columns: number): Dataset => ({
    length: 4,
    get: (index) => ({ inputs: new Uint32Array(columns).fill(index), targets: Int32Array.of(index) }),
    batch: (indices) => collate(Array.from(indices, (index) => labelled(columns).get(index))),
  })
  for (const columns of [1, 3]) {
    const mixed = new MixedDataset([
      { dataset: labelled(columns), weight: 1 },
      { dataset: labelled(columns), weight: 1 },
    ])
    const indices = Float64Array.of(0, 1, 2, 3, 4, 5, 6, 7)
    t.deepEqual(mixed.batch(indices), collate(Array.from(indices, (index) => mixed.get(index))))
  }
})

test('rows without segments and positions are one segment in order beside rows that have them, first or last', (t) => {
  const packed = new PackedDataset([words(3), words(4)], { contextLength: 8 })
  const plain: Dataset = {
    length: 1,
    paddingId: 0,
    get: () => ({ inputs: Uint32Array.of(1, 2, 3), targets: Int32Array.of(2, 3, 4) }),
  }
  const rows = {
    packed: { segmentIds: [1, 1, 1, 2, 2, 0, 0, 0], positionIds: [0, 1, 2, 0, 1, 0, 0, 0], places: 5 },
    plain: { segmentIds: [1, 1, 1, 0, 0, 0, 0, 0], positionIds: [0, 1, 2, 0, 0, 0, 0, 0], places: 3 },
  }
  const parts = [packed, plain].map((dataset) => ({ dataset, weight: 1 }))
  const mixed = new MixedDataset(parts, { length: 2 })
  const isPacked = (index: number) => mixed.placeOf(index, 0).part === 0
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    const expected = order.map((index) => (isPacked(index) ? rows.packed : rows.plain))
    const batch = mixed.batch(Float64Array.from(order))
    t.deepEqual(
      [...(batch.segmentIds ?? [])],
      expected.flatMap(({ segmentIds }) => segmentIds),
    )
    t.deepEqual(
      [...(batch.positionIds ?? [])],
      expected.flatMap(({ positionIds }) => positionIds),
    )
    t.deepEqual(
      [...(batch.attentionMask ?? [])],
      expected.flatMap(({ places }) => Array.from({ length: 8 }, (_, place) => Number(place < places))),
    )
    t.deepEqual(
      [...(batch.cuSeqlens ?? [])],
      isPacked(order[0] as number) ? [0, 3, 5, 8, 11, 16] : [0, 3, 8, 11, 13, 16],
    )
  }
})

test('what is read ahead is what the next batches take, of the parts that read ahead', async (t) => {
  const read = new Set<string>()
  const onDisk = (name: number): Dataset => ({
    ...told(name, 10),
    readAhead: async (indices, { epoch = 0 } = {}) => {
      for (const index of indices) read.add(`${name} ${index} ${epoch}`)
    },
  })
  const inMemory = { dataset: told(0, 10), weight: 1 }
  t.is(new MixedDataset([inMemory, inMemory]).readAhead, undefined)
  const mixed = new MixedDataset([inMemory, { dataset: onDisk(1), weight: 2 }, { dataset: onDisk(2), weight: 1 }])
  const loader = new DataLoader(mixed, { batchSize: 4, shuffle: true, epoch: 3 })
  const taken: string[] = []
  for await (const { inputs, shape } of loader)
    for (let row = 0; row < shape[0]; row++) {
      const [name, index, epoch] = inputs.subarray(3 * row)
      if (name !== 0) taken.push(`${name} ${index} ${epoch}`)
    }
  t.true(taken.length > 15)
  t.deepEqual([...read].toSorted(), [...new Set(taken)].toSorted())
})

for (const [index, code] of [
  [-1, 'ERR_OUT_OF_RANGE'],
  [7, 'ERR_OUT_OF_RANGE'],
  [0.5, 'ERR_INVALID_ARGUMENT'],
  [NaN, 'ERR_INVALID_ARGUMENT'],
] as const)
  test(`sample ${index} of 7 does not exist: ${code}, as of windows`, (t) => {
    const mixed = new MixedDataset([{ dataset: told(0, 7), weight: 1 }])
    t.throws(() => mixed.get(index), { code })
    t.throws(() => mixed.placeOf(index, 0), { code })
    t.throws(() => mixed.batch(Float64Array.of(index)), { code })
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
  [
    'weights that are too large',
    [1e308, 1e308].map((weight) => ({ dataset: told(0, 1), weight })),
    {},
    /whose sum is a number for parts/,
  ],
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
