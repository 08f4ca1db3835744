import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import * as fc from 'fast-check'
import { TokenmillError } from '../../src/errors.ts'
import { Embedding, type EmbeddingOptions } from '../../src/embedding/embedding.ts'
import { temporaryFolder } from './safetensors.ts'

const invalid = { instanceOf: TokenmillError, code: 'ERR_INVALID_ARGUMENT' }

const counted = () => Embedding.fromArray([0, 1, 10, 11, 20, 21], { count: 3, dimensions: 2 })

test('forward gives the row of each id', (t) => {
  const embedding = counted()
  t.is(embedding.count, 3)
  t.is(embedding.dimensions, 2)
  t.is(embedding.dtype, 'f32')
  t.is(embedding.device, 'cpu')
  const output = embedding.forward(new Uint32Array([2, 0, 2, 1]))
  t.deepEqual(output.shape, [4, 2])
  t.deepEqual([...output.dataSync()], [20, 21, 0, 1, 20, 21, 10, 11])
})

test('the output has the shape of the ids and then the dimensions', (t) => {
  const embedding = counted()
  t.deepEqual(embedding.forward([0, 1, 2, 0], { shape: [2, 2] }).shape, [2, 2, 2])
  t.deepEqual(embedding.forward([0, 1, 2, 0], { shape: [1, 4, 1] }).shape, [1, 4, 1, 2])
  t.deepEqual(embedding.forward({ inputs: new Uint32Array(6), shape: [2, 3] }).shape, [2, 3, 2])
})

test('no ids give an empty tensor', async (t) => {
  const embedding = counted()
  for (const output of [embedding.forward([]), await embedding.forwardAsync(new Uint32Array())]) {
    t.deepEqual(output.shape, [0, 2])
    t.deepEqual(output.dataSync(), new Float32Array())
    t.deepEqual(await output.data(), new Float32Array())
  }
  t.deepEqual(embedding.forward([], { shape: [0, 5] }).shape, [0, 5, 2])
})

test('any table and any ids give the rows of the ids', async (t) => {
  const model = fc.record({ count: fc.integer({ min: 1, max: 40 }), dimensions: fc.integer({ min: 1, max: 40 }) })
  const run = model.chain(({ count, dimensions }) =>
    fc.record({
      count: fc.constant(count),
      dimensions: fc.constant(dimensions),
      data: fc.float32Array({ minLength: count * dimensions, maxLength: count * dimensions, noNaN: true }),
      ids: fc.array(fc.nat(count - 1), { maxLength: 60 }),
    }),
  )
  await fc.assert(
    fc.asyncProperty(run, async ({ count, dimensions, data, ids }) => {
      using embedding = Embedding.fromArray(data, { count, dimensions })
      const expected = Float32Array.from(
        ids.flatMap((id) => [...data.subarray(id * dimensions, (id + 1) * dimensions)]),
      )
      const out = new Float32Array(expected.length)
      t.is(embedding.forward(ids, { out }), out)
      t.deepEqual(out, expected)
      t.deepEqual(embedding.forward(Uint32Array.from(ids)).dataSync(), expected)
      t.deepEqual(await (await embedding.forwardAsync(ids)).data(), expected)
    }),
    { numRuns: 60 },
  )
})

test('values that were given are copied', (t) => {
  const data = new Float32Array([1, 2])
  const embedding = Embedding.fromArray(data, { count: 2, dimensions: 1 })
  data.fill(9)
  t.deepEqual([...embedding.forward([0, 1]).dataSync()], [1, 2])
})

test('values in shared memory are read', (t) => {
  const data = new Float32Array(new SharedArrayBuffer(8))
  data.set([3, 4])
  const ids = new Uint32Array(new SharedArrayBuffer(8))
  ids.set([1, 0])
  t.deepEqual([...Embedding.fromArray(data, { count: 2, dimensions: 1 }).forward(ids).dataSync()], [4, 3])
})

test('init says how rows start', (t) => {
  const values = (init?: EmbeddingOptions['init']) =>
    Embedding.create({ count: 4, dimensions: 3, ...(init === undefined ? {} : { init }) })
      .forward([0, 1, 2, 3])
      .dataSync()
  t.deepEqual(values('zeros'), new Float32Array(12))
  t.deepEqual(values(), values('normal'))
  t.deepEqual(values({ std: 1 }), values('normal'))
  t.deepEqual(
    values({ std: 0.5 }),
    values('normal').map((value) => value * 0.5),
  )
})

test('the padding row starts as zeros, the others as without it', (t) => {
  const values = (paddingId?: number) =>
    Embedding.create({ count: 3, dimensions: 2, ...(paddingId === undefined ? {} : { paddingId }) })
      .forward([0, 1, 2])
      .dataSync()
  const expected = values()
  expected.fill(0, 2, 4)
  t.deepEqual(values(1), expected)
})

test('options that cannot be are ERR_INVALID_ARGUMENT and say which', (t) => {
  const good = { count: 3, dimensions: 2 }
  const cases: [object, RegExp][] = [
    [{ ...good, count: NaN }, /options\.count, received NaN/],
    [{ ...good, count: -1 }, /options\.count, received -1/],
    [{ ...good, count: 1.5 }, /options\.count, received 1\.5/],
    [{ ...good, count: Infinity }, /options\.count, received Infinity/],
    [{ ...good, count: '3' }, /options\.count, received "3"/],
    [{ ...good, dimensions: 0 }, /options\.dimensions, received 0/],
    [{ dimensions: 2 }, /options\.count, received undefined/],
    [{ ...good, seed: 2 ** 53 }, /an integer from 0 to 9007199254740991 for options\.seed, received 9007199254740992/],
    [{ ...good, seed: -1 }, /an integer ≥ 0 for options\.seed, received -1/],
    [{ ...good, paddingId: 3 }, /an integer from 0 to 2 for options\.paddingId/],
    [{ ...good, init: 'ones' }, /options\.init, received "ones"/],
    [{ ...good, init: { std: 0 } }, /options\.init\.std/],
    [{ ...good, init: { std: NaN } }, /options\.init\.std/],
    [{ ...good, dtype: 'f64' }, /options\.dtype, received "f64"/],
    [{ ...good, device: 'gpu' }, /options\.device, received "gpu"/],
    [{ ...good, rows: 3 }, /received rows/],
  ]
  for (const [options, message] of cases) {
    t.throws(() => Embedding.create(options as EmbeddingOptions), { ...invalid, message })
  }
  t.throws(() => Embedding.create(undefined as unknown as EmbeddingOptions), invalid)
})

test('a table that fits into no memory is ERR_LIMIT', async (t) => {
  for (const [count, dimensions] of [
    [1e12, 64],
    [2 ** 53 - 1, 2 ** 53 - 1],
    [1, 1e14],
  ] as const) {
    t.throws(() => Embedding.create({ count, dimensions }), { instanceOf: TokenmillError, code: 'ERR_LIMIT' })
    await t.throwsAsync(Embedding.createAsync({ count, dimensions }), { code: 'ERR_LIMIT' })
  }
  // The memory for it may be there, but 32-bit ids cannot name its last row.
  t.throws(() => Embedding.create({ count: 2 ** 32 + 1, dimensions: 1, init: 'zeros' }), { code: 'ERR_LIMIT' })
})

test('values of another number or kind are ERR_INVALID_ARGUMENT', (t) => {
  const size = { count: 2, dimensions: 2 }
  t.throws(() => Embedding.fromArray([1, 2, 3], size), { ...invalid, message: /2 × 2 = 4 values/ })
  t.throws(() => Embedding.fromArray([1, 2, 3, NaN], size), { ...invalid, message: /data\[3\], received NaN/ })
  t.throws(() => Embedding.fromArray([1, 2, 3, '4'] as never, size), { ...invalid, message: /data\[3\]/ })
  t.throws(() => Embedding.fromArray(new Float64Array(4) as never, size), { ...invalid, message: /Float32Array/ })
  const detached = new Float32Array(4)
  structuredClone(detached.buffer, { transfer: [detached.buffer] })
  t.throws(() => Embedding.fromArray(detached, size), invalid)
})

test('parameters has the table', async (t) => {
  const [weight, ...others] = counted().parameters()
  t.deepEqual(others, [])
  t.is(weight?.name, 'weight')
  t.deepEqual(weight?.shape, [3, 2])
  t.deepEqual(await weight?.data(), new Float32Array([0, 1, 10, 11, 20, 21]))
})

test('what was saved is loaded bit by bit', async (t) => {
  const folder = await temporaryFolder(t)
  const path = join(folder, 'table.safetensors')
  const embedding = Embedding.create({ count: 13, dimensions: 7, seed: 4 })
  await embedding.save(path)
  const loaded = await Embedding.load(pathToFileURL(path))
  t.is(loaded.count, 13)
  t.is(loaded.dimensions, 7)
  const ids = Uint32Array.from({ length: 13 }, (_, id) => id)
  t.deepEqual(loaded.forward(ids).dataSync(), embedding.forward(ids).dataSync())
  await embedding.save(path, 'other')
  t.is((await Embedding.load(path, 'other')).count, 13)
  await t.throwsAsync(Embedding.load(path), { code: 'ERR_INVALID_FILE', message: /no tensor "weight", only other/ })
  t.deepEqual(await readdir(folder), ['table.safetensors'])
})

test('paths and keys that cannot be are errors', async (t) => {
  const embedding = counted()
  for (const path of ['', 'a\0b', 5, undefined, new URL('https://example.com/x')]) {
    await t.throwsAsync(Embedding.load(path as string), { ...invalid, message: /a path or a file: URL/ })
    await t.throwsAsync(embedding.save(path as string), { ...invalid, message: /a path or a file: URL/ })
  }
  await t.throwsAsync(Embedding.load('x', 5 as never), invalid)
  const folder = await temporaryFolder(t)
  const file = { instanceOf: TokenmillError, code: 'ERR_INVALID_FILE' }
  await t.throwsAsync(embedding.save(join(folder, 'x'), '__metadata__'), file)
  await t.throwsAsync(embedding.save(join(folder, 'absent', 'x')), file)
  await t.throwsAsync(Embedding.load(join(folder, 'absent')), file)
  await t.throwsAsync(Embedding.load(folder), { ...file, message: /neither model\.safetensors nor/ })
})

test('after dispose all but the sizes is ERR_DISPOSED', async (t) => {
  const embedding = counted()
  const output = embedding.forward([1])
  const [weight] = embedding.parameters()
  t.false(embedding.disposed)
  embedding.dispose()
  embedding.dispose()
  t.true(embedding.disposed)
  const disposed = { instanceOf: TokenmillError, code: 'ERR_DISPOSED', message: 'the embedding was disposed' }
  t.throws(() => embedding.forward([1]), disposed)
  t.throws(() => embedding.forward([1], { out: new Float32Array(2) }), disposed)
  t.throws(() => embedding.parameters(), disposed)
  t.throws(() => weight?.dataSync(), disposed)
  await t.throwsAsync(embedding.forwardAsync([1]), disposed)
  await t.throwsAsync(embedding.save('x'), disposed)
  await t.throwsAsync(Promise.resolve(weight?.data()), disposed)
  t.is(embedding.count, 3)
  t.deepEqual([...output.dataSync()], [10, 11])
})

test('work that has begun is not disturbed by dispose', async (t) => {
  const embedding = Embedding.create({ count: 1000, dimensions: 300, seed: 2 })
  const ids = Uint32Array.from({ length: 5000 }, (_, i) => (i * 37) % 1000)
  const expected = embedding.forward(ids).dataSync()
  const pending = embedding.forwardAsync(ids)
  ids.fill(0)
  embedding.dispose()
  t.deepEqual(await (await pending).data(), expected)
})
