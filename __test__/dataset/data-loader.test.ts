import test from 'ava'
import * as fc from 'fast-check'
import type { Batch } from '../../src/dataset/batch.ts'
import { DataLoader, type DataLoaderOptions } from '../../src/dataset/data-loader.ts'
import type { Dataset } from '../../src/dataset/dataset.ts'
import { MixedDataset } from '../../src/dataset/mixed-dataset.ts'
import { WindowDataset } from '../../src/dataset/window-dataset.ts'

/** A dataset of `count` windows, window i being [3i, 3i + 1, 3i + 2]. */
const windows = (count: number) =>
  new WindowDataset(
    Uint32Array.from({ length: 3 * count + 1 }, (_, index) => index),
    { contextLength: 3 },
  )

const plain = ({ inputs, targets, shape }: Batch) => ({ inputs: [...inputs], targets: [...targets], shape: [...shape] })
/** Which windows a loader reads in one iteration. */
const orderOf = (loader: Iterable<Batch>) =>
  [...loader].flatMap(({ inputs }) => [...inputs].filter((id) => id % 3 === 0).map((id) => id / 3))
const asyncBatches = async (loader: AsyncIterable<Batch>) => {
  const batches: Batch[] = []
  for await (const batch of loader) batches.push(batch)
  return batches
}

test('batches hold the samples row after row, the last one the rest', (t) => {
  const loader = new DataLoader(windows(3), { batchSize: 2 })
  t.is(loader.length, 2)
  t.deepEqual([...loader].map(plain), [
    { inputs: [0, 1, 2, 3, 4, 5], targets: [1, 2, 3, 4, 5, 6], shape: [2, 3] },
    { inputs: [6, 7, 8], targets: [7, 8, 9], shape: [1, 3] },
  ])
})

test('dropLast leaves a smaller last batch out', (t) => {
  const loader = new DataLoader(windows(5), { batchSize: 2, dropLast: true })
  t.is(loader.length, 2)
  t.deepEqual(orderOf(loader), [0, 1, 2, 3])
  t.deepEqual(orderOf(new DataLoader(windows(4), { batchSize: 2, dropLast: true })), [0, 1, 2, 3])
  t.deepEqual([...new DataLoader(windows(1), { batchSize: 2, dropLast: true })], [])
})

test('any loader reads each sample once, in as many batches as it says', (t) => {
  const options = fc.record({
    batchSize: fc.integer({ min: 1, max: 9 }),
    shuffle: fc.boolean(),
    seed: fc.maxSafeNat(),
    dropLast: fc.boolean(),
    epoch: fc.nat(),
  })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), options, (count, each) => {
      const loader = new DataLoader(windows(count), each)
      const batches = [...new DataLoader(windows(count), each)]
      t.is(batches.length, loader.length)
      const order = orderOf(loader)
      t.is(order.length, each.dropLast ? count - (count % each.batchSize) : count)
      t.is(new Set(order).size, order.length)
      if (!each.shuffle)
        t.deepEqual(
          order,
          order.map((_, index) => index),
        )
      for (const { inputs, targets, shape } of batches) {
        t.is(inputs.length, shape[0] * shape[1])
        t.deepEqual(
          [...targets],
          [...inputs].map((id) => id + 1),
        )
      }
    }),
    { numRuns: 200 },
  )
})

test('for and for await give the same batches', async (t) => {
  const options = { batchSize: 4, shuffle: true, seed: 9 }
  t.deepEqual(await asyncBatches(new DataLoader(windows(30), options)), [...new DataLoader(windows(30), options)])
})

test('the order depends on seed and epoch only: golden values', (t) => {
  const order = (options: Partial<DataLoaderOptions>) =>
    orderOf(new DataLoader(windows(10), { batchSize: 3, shuffle: true, ...options }))
  t.deepEqual(order({}), [5, 8, 0, 4, 9, 6, 2, 3, 7, 1])
  t.deepEqual(order({ seed: 1 }), [2, 7, 3, 1, 4, 8, 0, 6, 5, 9])
  t.deepEqual(order({ epoch: 1 }), [2, 6, 8, 9, 3, 5, 0, 4, 1, 7])
  t.deepEqual(order({ batchSize: 1 }), order({ batchSize: 10 }))
})

test('each full iteration advances the epoch', async (t) => {
  const loader = new DataLoader(windows(10), { batchSize: 3, shuffle: true, epoch: 4 })
  const orders = [orderOf(loader), orderOf(loader)]
  await asyncBatches(loader)
  t.is(loader.epoch, 7)
  for (const [index, epoch] of [4, 5].entries()) {
    t.deepEqual(orders[index], orderOf(new DataLoader(windows(10), { batchSize: 10, shuffle: true, epoch })))
  }
  t.notDeepEqual(orders[0], orders[1])
})

test('leaving a loop does not advance the epoch, not even at the last batch', async (t) => {
  const loader = new DataLoader(windows(4), { batchSize: 2, shuffle: true })
  let seen = 0
  for (const _ of loader) if (++seen === 2) break
  for await (const _ of loader) break
  t.throws(() => {
    for (const _ of loader) throw new Error('stop')
  })
  t.is(loader.epoch, 0)
  t.deepEqual(orderOf(loader), orderOf(new DataLoader(windows(4), { batchSize: 2, shuffle: true })))
  t.is(loader.epoch, 1)
})

test('iterations at once do not disturb each other', async (t) => {
  const loader = new DataLoader(windows(20), { batchSize: 3, shuffle: true })
  const alone = orderOf(new DataLoader(windows(20), { batchSize: 3, shuffle: true }))
  const inner: Batch[] = []
  const outer: Batch[] = []
  for (const batch of loader) {
    outer.push(batch)
    if (outer.length === 2) inner.push(...loader)
  }
  t.deepEqual(orderOf(outer), alone)
  t.deepEqual(orderOf(inner), alone)
  // Both read epoch 0, so epoch 1 is next.
  t.is(loader.epoch, 1)
  const [one, other] = await Promise.all([asyncBatches(loader), asyncBatches(loader)])
  t.deepEqual(orderOf(one), orderOf(other))
  t.is(loader.epoch, 2)
})

test("a batch is nobody else's: writing into it changes neither the dataset nor another batch", (t) => {
  const dataset = windows(2)
  for (const { inputs, targets } of new DataLoader(dataset, { batchSize: 1 })) {
    inputs.fill(99)
    targets.fill(99)
  }
  t.deepEqual(plain([...new DataLoader(dataset, { batchSize: 2 })][0] as Batch).inputs, [0, 1, 2, 3, 4, 5])
})

test('a batch is as large as there are samples, however large the batch size', (t) => {
  const [batch] = [...new DataLoader(windows(2), { batchSize: Number.MAX_SAFE_INTEGER })]
  t.deepEqual(batch?.shape, [2, 3])
})

test('for await lets timers in', async (t) => {
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  const started = performance.now()
  for await (const _ of new DataLoader(windows(10_000), { batchSize: 1 })) {
    const until = performance.now() + 0.02
    while (performance.now() < until);
  }
  clearInterval(timer)
  t.true(turns > 1, `${turns} turns in ${performance.now() - started} ms`)
})

test("a dataset gets the epoch, and may be anybody's", (t) => {
  const own: Dataset = {
    length: 2,
    get: (index, { epoch = 0 } = {}) => ({ inputs: Uint32Array.of(index), targets: Int32Array.of(epoch) }),
  }
  const loader = new DataLoader(own, { batchSize: 2, epoch: 5 })
  t.deepEqual([...loader].map(plain), [{ inputs: [0, 1], targets: [5, 5], shape: [2, 1] }])
  t.deepEqual([...loader].map(plain), [{ inputs: [0, 1], targets: [6, 6], shape: [2, 1] }])
  t.is(new DataLoader({ ...own, length: 0 }, { batchSize: 1 }).length, 0)
  t.deepEqual([...new DataLoader({ ...own, length: 0 }, { batchSize: 1, shuffle: true })], [])
})

const [inputs, targets] = [Uint32Array.of(1, 2), Int32Array.of(2, 3)]
for (const [title, sample, message] of [
  ['no sample', undefined, /an object with inputs and targets for sample 1 of the dataset, received undefined/],
  ['a promise', Promise.resolve({ inputs, targets }), /for sample 1 of the dataset, received an object of Promise/],
  ['no targets', { inputs }, /an Int32Array for targets of sample 1 of the dataset, received undefined/],
  [
    'a list',
    { inputs: [1, 2], targets },
    /a Uint32Array for inputs of sample 1 of the dataset, received an array of 2/,
  ],
  [
    'fractions',
    { inputs: new Float32Array([1.5, NaN]), targets },
    /for inputs of .*, received an object of Float32Array/,
  ],
  [
    'a mask of another length',
    { inputs, targets, attentionMask: Uint8Array.of(1) },
    /expected 2, as many as inputs for the length of attentionMask of sample 1 of the dataset, received 1/,
  ],
  ['positions in a list', { inputs, targets, positionIds: [0, 1] }, /a Uint32Array for positionIds of sample 1/],
  [
    'segments of bytes',
    { inputs, targets, segmentIds: Uint8Array.of(1, 1) },
    /a Uint32Array for segmentIds of sample 1/,
  ],
] as const) {
  test(`a dataset of one's own that gives ${title} is an error that says so`, (t) => {
    const own = {
      length: 2,
      get: (index: number) => (index === 0 ? { inputs, targets } : sample),
    } as unknown as Dataset
    const expected = { code: 'ERR_INVALID_ARGUMENT', message }
    t.throws(() => [...new DataLoader(own, { batchSize: 2 })], expected)
    const mixed = new MixedDataset([{ dataset: own, weight: 1 }])
    t.throws(() => [...new DataLoader(mixed, { batchSize: 2 })], expected)
  })
}

test("batches of a dataset of one's own are checked, and reading ahead may give nothing to wait for", async (t) => {
  const own: Dataset = { length: 1, get: () => ({ inputs, targets }) }
  const all = async (members: object) => {
    const batches = []
    for await (const batch of new DataLoader({ ...own, ...members }, { batchSize: 1 })) batches.push(batch.shape)
    return batches
  }
  const code = 'ERR_INVALID_ARGUMENT'
  const message = /inputs, targets and their shape for a batch of the dataset/
  for (const batch of [undefined, {}, { inputs, targets, shape: [2, 2] }, { inputs, targets: [2, 3], shape: [1, 2] }]) {
    await t.throwsAsync(all({ batch: () => batch }), { code, message })
    await t.throwsAsync(all({ batchAsync: () => batch }), { code, message })
    await t.throwsAsync(all({ batchAsync: async () => batch }), { code, message })
  }
  t.deepEqual(await all({ batchAsync: () => ({ inputs, targets, shape: [1, 2] }) }), [[1, 2]])
  t.deepEqual(await all({ readAhead: () => undefined }), [[1, 2]])
})

test('samples of different lengths are an error', (t) => {
  const uneven: Dataset = {
    length: 2,
    get: (index) => ({ inputs: new Uint32Array(index + 1), targets: new Int32Array(index + 1) }),
  }
  t.throws(() => [...new DataLoader(uneven, { batchSize: 2 })], {
    code: 'ERR_INVALID_ARGUMENT',
    message: /samples of 1 inputs and targets.*received 2 inputs and 2 targets/,
  })
})

for (const [title, dataset, options, message] of [
  ['a batchSize of 0', windows(1), { batchSize: 0 }, /options.batchSize, received 0/],
  ['a batchSize of NaN', windows(1), { batchSize: NaN }, /options.batchSize, received NaN/],
  ['an infinite batchSize', windows(1), { batchSize: Infinity }, /options.batchSize, received Infinity/],
  ['a fractional batchSize', windows(1), { batchSize: 1.5 }, /options.batchSize, received 1.5/],
  ['a batchSize of text', windows(1), { batchSize: '2' }, /options.batchSize, received "2"/],
  ['no batchSize', windows(1), {}, /options.batchSize, received undefined/],
  ['no options', windows(1), undefined, /options.batchSize/],
  ['options of null', windows(1), null, /an object for options/],
  ['a seed of -1', windows(1), { batchSize: 1, seed: -1 }, /options.seed, received -1/],
  ['a fractional seed', windows(1), { batchSize: 1, seed: 0.5 }, /options.seed, received 0.5/],
  ['a seed above 2^53', windows(1), { batchSize: 1, seed: 2 ** 54 }, /options.seed, received 18014398509481984/],
  ['a seed of null', windows(1), { batchSize: 1, seed: null }, /options.seed, received null/],
  ['an epoch of NaN', windows(1), { batchSize: 1, epoch: NaN }, /options.epoch, received NaN/],
  ['a shuffle of 1', windows(1), { batchSize: 1, shuffle: 1 }, /options.shuffle, received 1/],
  ['a dropLast of text', windows(1), { batchSize: 1, dropLast: 'no' }, /options.dropLast, received "no"/],
  ['an unknown option', windows(1), { batchSize: 1, workers: 2 }, /received workers/],
  ['a worldSize of 0', windows(1), { batchSize: 1, worldSize: 0 }, /options.worldSize, received 0/],
  [
    'a rank beyond the world',
    windows(1),
    { batchSize: 1, rank: 2, worldSize: 2 },
    /from 0 to 1 for options.rank, received 2/,
  ],
  ['a rank without a world', windows(1), { batchSize: 1, rank: 1 }, /options.rank, received 1/],
  ['a prefetch of -1', windows(1), { batchSize: 1, prefetch: -1 }, /options.prefetch, received -1/],
  ['a dataset of null', null, { batchSize: 1 }, /a dataset.* for dataset, received null/],
  ['a dataset of a list', [1, 2], { batchSize: 1 }, /for dataset, received an array of 2/],
  ['a dataset of NaN samples', { length: NaN, get: () => 0 }, { batchSize: 1 }, /for dataset/],
] as const) {
  test(`${title} is an error that says so`, (t) => {
    t.throws(() => new DataLoader(dataset as never, options as DataLoaderOptions), {
      code: 'ERR_INVALID_ARGUMENT',
      message,
    })
  })
}
