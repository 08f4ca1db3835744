import test from 'ava'
import * as fc from 'fast-check'
import type { Batch } from '../../src/dataset/batch.ts'
import { DataLoader, type DataLoaderOptions } from '../../src/dataset/data-loader.ts'
import type { Dataset } from '../../src/dataset/dataset.ts'
import { Permutation } from '../../src/dataset/permutation.ts'

/** A dataset whose sample i is [i]. */
const numbers = (length: number): Dataset => ({
  length,
  get: (index) => ({ inputs: Uint32Array.of(index), targets: Int32Array.of(index) }),
})

/** The batches of one rank and epoch, as docs/datasets.md defines them. */
const naiveBatches = (
  samples: number,
  { batchSize, shuffle = false, seed = 0, dropLast = false, epoch = 0, rank = 0, worldSize = 1 }: DataLoaderOptions,
  start = 0,
): number[][] => {
  const order = shuffle && samples > 0 ? new Permutation(samples, seed, epoch) : undefined
  const places = Array.from({ length: samples }, (_, place) => (order === undefined ? place : order.at(place)))
  const left = places.slice(start)
  if (!dropLast) for (let more = 0; left.length % worldSize !== 0; more++) left.push(places[more % samples] as number)
  const batches: number[][] = []
  for (let from = 0; from < left.length; from += batchSize * worldSize) {
    const all = left.slice(from, from + batchSize * worldSize)
    if (dropLast && all.length < batchSize * worldSize) break
    batches.push(all.filter((_, place) => place % worldSize === rank))
  }
  return batches
}

const rowsOf = (batches: Iterable<Batch>) => Array.from(batches, ({ inputs }) => [...inputs])

const anyOptions = fc
  .record({
    batchSize: fc.integer({ min: 1, max: 5 }),
    shuffle: fc.boolean(),
    seed: fc.nat(),
    dropLast: fc.boolean(),
    epoch: fc.nat(5),
    worldSize: fc.integer({ min: 1, max: 5 }),
    rank: fc.nat(4),
  })
  .map((options) => ({ ...options, rank: options.rank % options.worldSize }))

test('the order is that of its definition, for every rank', (t) => {
  fc.assert(
    fc.property(fc.nat(40), anyOptions, (samples, options) => {
      const loader = new DataLoader(numbers(samples), options)
      const batches = rowsOf(new DataLoader(numbers(samples), options))
      t.deepEqual(batches, naiveBatches(samples, options))
      t.is(loader.length, batches.length)
    }),
    { numRuns: 1000 },
  )
})

test('ranks are given equally many samples, together all of them, each once but for the first that come again', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), anyOptions, (samples, options) => {
      const ranks = Array.from({ length: options.worldSize }, (_, rank) =>
        rowsOf(new DataLoader(numbers(samples), { ...options, rank })),
      )
      for (const rows of ranks)
        t.deepEqual(
          rows.map((row) => row.length),
          (ranks[0] as number[][]).map((row) => row.length),
        )
      const all = ranks.flat(2)
      const repeated = all.length - new Set(all).size
      if (options.dropLast) t.is(repeated, 0)
      else {
        t.is(new Set(all).size, samples)
        t.true(repeated < options.worldSize)
      }
    }),
    { numRuns: 300 },
  )
})

test('a state goes on with the sample after those that were given, with any batch size and number of ranks', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      anyOptions,
      anyOptions,
      fc.nat(10),
      (samples, before, after, batches) => {
        const same = { seed: before.seed, shuffle: before.shuffle }
        const first = new DataLoader(numbers(samples), before)
        let given = 0
        for (const _ of first) if (++given > batches) break
        const state = JSON.parse(JSON.stringify(first.state()))
        t.is(first.state().epoch, given > batches ? before.epoch : before.epoch + 1)

        const options = { ...after, ...same }
        const loader = new DataLoader(numbers(samples), options)
        loader.load(state)
        const start = given > batches ? Math.min(samples, given * before.batchSize * before.worldSize) : 0
        const epoch = state.epoch as number
        const expected = naiveBatches(samples, { ...options, epoch }, start)
        const isOver = expected.length === 0
        t.is(loader.epoch, isOver ? epoch + 1 : epoch)
        t.deepEqual(rowsOf(loader), isOver ? naiveBatches(samples, { ...options, epoch: epoch + 1 }) : expected)
        // What comes after it is the next epoch, whole.
        t.deepEqual(rowsOf(loader), naiveBatches(samples, { ...options, epoch: loader.epoch - 1 }))
      },
    ),
    { numRuns: 500 },
  )
})

test('a run that is interrupted again and again sees what an undisturbed one sees', (t) => {
  const options = { batchSize: 3, shuffle: true, seed: 5 }
  const whole = new DataLoader(numbers(20), options)
  const expected = [...rowsOf(whole), ...rowsOf(whole), ...rowsOf(whole)]
  const seen: number[][] = []
  let state = new DataLoader(numbers(20), options).state()
  for (let run = 0; seen.length < expected.length; run++) {
    const loader = new DataLoader(numbers(20), options)
    loader.load(state)
    let batches = 0
    for (const { inputs } of loader) {
      seen.push([...inputs])
      state = loader.state()
      if (++batches > run % 3) break
    }
  }
  t.deepEqual(seen, expected)
})

test('the state is where reading begins until a batch was given, also when none could be made', async (t) => {
  let isBroken = true
  const dataset: Dataset = {
    ...numbers(20),
    get: (index) => {
      if (isBroken) throw new Error('the disk is away')
      return numbers(20).get(index)
    },
  }
  const state = { ...new DataLoader(numbers(20), { batchSize: 3 }).state(), sample: 9 }
  const loader = new DataLoader(dataset, { batchSize: 3 })
  for (const read of [async () => rowsOf(loader), async () => loader[Symbol.asyncIterator]().next()]) {
    loader.load(state)
    await t.throwsAsync(read, { message: 'the disk is away' })
    t.deepEqual(loader.state(), state)
  }
  isBroken = false
  loader.load(loader.state())
  const reading = loader[Symbol.asyncIterator]()
  const first = reading.next()
  t.deepEqual(loader.state(), state)
  t.deepEqual([...((await first).value as Batch).inputs], [9, 10, 11])
  t.is(loader.state().sample, 12)
})

test('an order of 10^12 samples takes no memory', (t) => {
  const samples = 10 ** 12
  const loader = new DataLoader(numbers(samples), { batchSize: 4, shuffle: true, seed: 1, rank: 3, worldSize: 7 })
  const before = process.memoryUsage().arrayBuffers
  loader.load({ ...loader.state(), sample: samples - 100 })
  const order = new Permutation(samples, 1, 0)
  // The ids of numbers() are cut to 32 bits.
  const expected = [0, 1, 2, 3].map((row) => order.at(samples - 100 + row * 7 + 3) % 2 ** 32)
  t.deepEqual(rowsOf(loader)[0], expected)
  t.true(process.memoryUsage().arrayBuffers - before < 1e6)
})

for (const [title, change, message] of [
  ['another seed', { seed: 2 }, /with seed 1, received one with 2/],
  ['another shuffling', { shuffle: false }, /with shuffle true, received one with false/],
  ['another length', { samples: 9 }, /with samples 10, received one with 9/],
  ['a later version', { version: 2 }, /expected 1 for state.version, received 2/],
  ['more samples than there are', { sample: 11 }, /from 0 to 10 for state.sample, received 11/],
  ['a fraction of a sample', { sample: 1.5 }, /state.sample, received 1.5/],
  ['no epoch', { epoch: undefined }, /state.epoch, received undefined/],
] as const) {
  test(`a state of ${title} is an error that says so, and changes nothing`, (t) => {
    const loader = new DataLoader(numbers(10), { batchSize: 2, shuffle: true, seed: 1 })
    const state = loader.state()
    t.throws(() => loader.load({ ...state, ...change } as never), { code: 'ERR_INVALID_ARGUMENT', message })
    t.deepEqual(loader.state(), state)
  })
}

test('a state of nothing is an error', (t) => {
  const loader = new DataLoader(numbers(1), { batchSize: 1 })
  for (const state of [undefined, null, 3, 'state'])
    t.throws(() => loader.load(state as never), { code: 'ERR_INVALID_ARGUMENT', message: /for state/ })
})

/** Numbers whose batches take a turn of the event loop, and how many were under way at once. */
const slowNumbers = (length: number) => {
  let [underWay, most, asked] = [0, 0, 0]
  const dataset: Dataset = {
    ...numbers(length),
    batchAsync: async (indices) => {
      asked++
      most = Math.max(most, ++underWay)
      await new Promise((turn) => setImmediate(turn))
      underWay--
      return { inputs: Uint32Array.from(indices), targets: Int32Array.from(indices), shape: [indices.length, 1] }
    },
  }
  return { dataset, most: () => most, asked: () => asked }
}

test('for await has batches under way, in their order, and states do not count them', async (t) => {
  const { dataset, most, asked } = slowNumbers(20)
  const options = { batchSize: 2, shuffle: true, seed: 3, prefetch: 3 }
  const loader = new DataLoader(dataset, options)
  const seen: number[][] = []
  for await (const { inputs } of loader) {
    seen.push([...inputs])
    t.is(loader.state().sample, seen.length * 2)
    t.true(asked() <= seen.length + 3)
  }
  t.deepEqual(seen, naiveBatches(20, options))
  t.true(most() > 1 && most() <= 4, `${most()}`)
  t.is(loader.epoch, 1)
  t.is(slowNumbers(1).most(), 0)
})

test('prefetch 0 makes one batch at a time', async (t) => {
  const { dataset, most } = slowNumbers(6)
  for await (const _ of new DataLoader(dataset, { batchSize: 1, prefetch: 0 }));
  t.is(most(), 1)
})

test('a batch that fails off the event loop rejects in its turn, and leaving early leaves nothing unhandled', async (t) => {
  const dataset: Dataset = {
    ...numbers(5),
    batchAsync: async (indices) => {
      if ((indices[0] as number) > 1) throw new Error('no such file')
      return { inputs: Uint32Array.from(indices), targets: Int32Array.from(indices), shape: [indices.length, 1] }
    },
  }
  const seen: number[] = []
  await t.throwsAsync(
    async () => {
      for await (const { inputs } of new DataLoader(dataset, { batchSize: 1 })) seen.push(...inputs)
    },
    { message: 'no such file' },
  )
  t.deepEqual(seen, [0, 1])
  for await (const _ of new DataLoader(dataset, { batchSize: 1, prefetch: 4 })) break
  await new Promise((turn) => setImmediate(turn))
})

test('batches are written into given arrays', (t) => {
  const out = { inputs: new Uint32Array(4), targets: new Int32Array(4) }
  const seen: number[][] = []
  for (const { inputs, targets, shape } of new DataLoader(numbers(7), { batchSize: 3 }).batches({ out })) {
    t.is(inputs.buffer, out.inputs.buffer)
    t.is(targets.buffer, out.targets.buffer)
    t.is(inputs.length, shape[0])
    seen.push([...inputs])
  }
  t.deepEqual(seen, [[0, 1, 2], [3, 4, 5], [6]])
})

for (const [title, out, message] of [
  [
    'too short',
    { inputs: new Uint32Array(2), targets: new Int32Array(3) },
    /batch of 3 values in out.inputs.*array of 2/,
  ],
  ['of floats', { inputs: new Float32Array(3), targets: new Int32Array(3) }, /a Uint32Array for out.inputs/],
  ['missing', { inputs: new Uint32Array(3) }, /an Int32Array for out.targets/],
] as const) {
  test(`arrays that are ${title} are an error that says so`, (t) => {
    const batches = new DataLoader(numbers(7), { batchSize: 3 }).batches({ out: out as never })
    t.throws(() => batches.next(), { code: 'ERR_INVALID_ARGUMENT', message })
  })
}
