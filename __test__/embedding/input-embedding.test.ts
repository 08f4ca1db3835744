import test from 'ava'
import * as fc from 'fast-check'
import { DataLoader } from '../../src/dataset/data-loader.ts'
import { WindowDataset } from '../../src/dataset/window-dataset.ts'
import { TokenmillError } from '../../src/errors.ts'
import { InputEmbedding, type InputEmbeddingOptions, type Position } from '../../src/embedding/input-embedding.ts'

const size = { vocabSize: 20, contextLength: 6, dimensions: 8 }
const invalid = { instanceOf: TokenmillError, code: 'ERR_INVALID_ARGUMENT' }
const outOfRange = { instanceOf: TokenmillError, code: 'ERR_OUT_OF_RANGE' }

/** Row `row` of the table named `name`. */
const rowOf = (embedding: InputEmbedding, name: string, row: number): number[] => {
  const table = embedding
    .parameters()
    .find((parameter) => parameter.name === name)
    ?.dataSync()
  return Array.from((table ?? []).slice(row * embedding.dimensions, (row + 1) * embedding.dimensions))
}

/** Vaswani et al., section 3.5. */
const sinusoid = (position: number, index: number, dimensions: number): number => {
  const angle = position / 10_000 ** ((index - (index % 2)) / dimensions)
  return index % 2 === 0 ? Math.sin(angle) : Math.cos(angle)
}

test('it says what it is made of', (t) => {
  const embedding = InputEmbedding.create(size)
  const { vocabSize, contextLength, dimensions, position, scale, dtype, device } = embedding
  t.deepEqual(
    { vocabSize, contextLength, dimensions, position, scale, dtype, device },
    { ...size, position: 'learned', scale: 1, dtype: 'f32', device: 'cpu' },
  )
})

test('forward of a batch adds the row of the token and the row of the position', (t) => {
  const embedding = InputEmbedding.create({ ...size, seed: 3 })
  const inputs = new Uint32Array([5, 19, 5, 0, 7, 5])
  const output = embedding.forward({ inputs, shape: [2, 3] })
  t.deepEqual(output.shape, [2, 3, 8])
  const expected = [...inputs].flatMap((id, index) => {
    const position = rowOf(embedding, 'wpe.weight', index % 3)
    return rowOf(embedding, 'wte.weight', id).map((value, i) => Math.fround(value + (position[i] as number)))
  })
  t.deepEqual([...output.dataSync()], expected)
})

test('the same token differs at two positions, and only there', (t) => {
  for (const position of ['learned', 'sinusoidal', 'none'] as const) {
    const values = InputEmbedding.create({ ...size, position })
      .forward([4, 4, 4])
      .dataSync()
    const [first, second] = [values.slice(0, 8), values.slice(8, 16)]
    if (position === 'none') t.deepEqual(first, second)
    else t.notDeepEqual(first, second)
  }
})

test('sinusoidal positions follow the formula', (t) => {
  for (const dimensions of [1, 7, 64]) {
    const options = { vocabSize: 3, contextLength: 500, dimensions, seed: 1 }
    const plain = InputEmbedding.create({ ...options, position: 'none' })
      .forward([1])
      .dataSync()
    const embedding = InputEmbedding.create({ ...options, position: 'sinusoidal' })
    const output = embedding.forward(new Uint32Array(500).fill(1)).dataSync()
    for (let position = 0; position < 500; position++) {
      for (let index = 0; index < dimensions; index++) {
        const expected = (plain[index] as number) + sinusoid(position, index, dimensions)
        const actual = output[position * dimensions + index] as number
        if (Math.abs(actual - expected) > 2e-7) t.fail(`[${position}][${index}]: ${actual} is not ${expected}`)
      }
    }
    t.deepEqual(
      embedding.parameters().map(({ name }) => name),
      ['wte.weight'],
    )
  }
})

test('scale multiplies the row of the token, not that of the position', (t) => {
  const embedding = (scale: boolean | number) => InputEmbedding.create({ ...size, scale, seed: 6 })
  t.is(embedding(true).scale, Math.fround(Math.sqrt(8)))
  t.is(embedding(false).scale, 1)
  t.is(embedding(2.5).scale, 2.5)
  const token = rowOf(embedding(true), 'wte.weight', 9)
  const position = rowOf(embedding(true), 'wpe.weight', 0)
  for (const scale of [true, 2.5, -1]) {
    const factor = typeof scale === 'number' ? scale : Math.fround(Math.sqrt(8))
    const expected = token.map((value, i) => Math.fround(Math.fround(factor * value) + (position[i] as number)))
    t.deepEqual([...embedding(scale).forward([9]).dataSync()], expected)
  }
})

test('positionOffset continues where a piece before ended', (t) => {
  const embedding = InputEmbedding.create(size)
  const ids = [3, 1, 4, 1, 5, 9]
  const whole = embedding.forward(ids).dataSync()
  const pieces = [0, 2, 5, 6].flatMap((start, i, starts) => [
    ...embedding.forward(ids.slice(start, starts[i + 1]), { positionOffset: start }).dataSync(),
  ])
  t.deepEqual(pieces, [...whole])
})

test('a tensor, a given array and the event loop get the same values, and any batching too', async (t) => {
  const embedding = InputEmbedding.create({ ...size, dimensions: 33, seed: 9 })
  const rows = fc.array(fc.array(fc.nat(19), { minLength: 6, maxLength: 6 }), { maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(rows, async (rows) => {
      const inputs = Uint32Array.from(rows.flat())
      const batch = { inputs, targets: new Int32Array(inputs.length), shape: [rows.length, 6] as const }
      const values = embedding.forward(batch).dataSync()
      const out = new Float32Array(values.length).fill(NaN)
      t.is(embedding.forward(batch, { out }), out)
      t.deepEqual(out, values)
      t.deepEqual(await (await embedding.forwardAsync(batch)).data(), values)
      t.deepEqual(
        rows.flatMap((row) => [...embedding.forward(row).dataSync()]),
        [...values],
      )
    }),
    { numRuns: 30 },
  )
})

test('the batches of a DataLoader are read', (t) => {
  const embedding = InputEmbedding.create({ ...size, contextLength: 4 })
  const dataset = new WindowDataset(
    Uint32Array.from({ length: 18 }, (_, id) => id),
    { contextLength: 4, stride: 4 },
  )
  const shapes: (readonly number[])[] = []
  for (const batch of new DataLoader(dataset, { batchSize: 3 })) {
    const output = embedding.forward(batch)
    shapes.push(output.shape)
    t.deepEqual(output.dataSync(), embedding.forward(batch.inputs, { shape: batch.shape }).dataSync())
  }
  t.deepEqual(shapes, [
    [3, 4, 8],
    [1, 4, 8],
  ])
})

test('an empty batch gives an empty tensor', async (t) => {
  for (const position of ['learned', 'none'] as const) {
    const embedding = InputEmbedding.create({ ...size, position })
    const batch = { inputs: new Uint32Array(), shape: [0, 6] }
    for (const output of [embedding.forward(batch), await embedding.forwardAsync(batch)]) {
      t.deepEqual(output.shape, [0, 6, 8])
      t.is(output.dataSync().length, 0)
    }
    t.is(embedding.forward(batch, { out: new Float32Array() }).length, 0)
  }
})

test('ids that are not in the table are ERR_OUT_OF_RANGE and named', async (t) => {
  const embedding = InputEmbedding.create(size)
  for (const id of [20, 21, 4294967294, 4294967295]) {
    const expected = { ...outOfRange, message: `id ${id} at index 2 does not exist: the table has 20 rows` }
    t.throws(() => embedding.forward([0, 19, id]), expected)
    t.throws(() => embedding.forward(new Uint32Array([0, 19, id, 30])), expected)
    t.throws(() => embedding.forward([0, 19, id], { out: new Float32Array(24) }), expected)
    await t.throwsAsync(embedding.forwardAsync([0, 19, id]), expected)
  }
  t.throws(() => embedding.forward([4294967296]), { ...outOfRange, message: /id 4294967296 at index 0/ })
})

test('a failed forward leaves the given array as it was', (t) => {
  const out = new Float32Array(16).fill(7)
  t.throws(() => InputEmbedding.create(size).forward([1, 20], { out }), outOfRange)
  t.true(out.every((value) => value === 7))
})

test('a row longer than the context is ERR_OUT_OF_RANGE with both numbers', async (t) => {
  for (const position of ['learned', 'sinusoidal', 'none'] as const) {
    const embedding = InputEmbedding.create({ ...size, position })
    const expected = { ...outOfRange, message: /a row of 7 ids at position 0 .* context length 6/ }
    t.throws(() => embedding.forward(new Uint32Array(7)), expected)
    t.throws(() => embedding.forward({ inputs: new Uint32Array(14), shape: [2, 7] }), expected)
    await t.throwsAsync(embedding.forwardAsync(new Uint32Array(7)), expected)
    t.throws(() => embedding.forward([1, 2], { positionOffset: 5 }), { ...outOfRange, message: /2 ids at position 5/ })
    t.throws(() => embedding.forward([1], { positionOffset: Number.MAX_SAFE_INTEGER }), outOfRange)
    t.notThrows(() => embedding.forward([1, 2], { positionOffset: 4 }))
  }
})

test('input that cannot be is ERR_INVALID_ARGUMENT and says what', async (t) => {
  const embedding = InputEmbedding.create(size)
  const cases: [unknown, object | undefined, RegExp][] = [
    [[NaN], undefined, /ids\[0\], received NaN/],
    [[1, -1], undefined, /ids\[1\], received -1/],
    [[1, 1.5], undefined, /ids\[1\], received 1\.5/],
    [[1, '2'], undefined, /ids\[1\], received "2"/],
    [Array(2), undefined, /ids\[0\], received undefined/],
    ['hello', undefined, /received "hello"/],
    [undefined, undefined, /received undefined/],
    [new Int32Array(2), undefined, /a Uint32Array/],
    [{ inputs: [1, 2], shape: [1, 2] }, undefined, /batch\.inputs/],
    [{ inputs: new Uint32Array(2), shape: [2, 2] }, undefined, /batch\.shape, received \[2, 2\]/],
    [{ inputs: new Uint32Array(2), shape: [1, 2] }, { shape: [2] }, /a batch has its own shape/],
    [[1, 2], { shape: [] }, /options\.shape/],
    [[1, 2], { shape: 2 }, /options\.shape, received 2/],
    [[1, 2], { shape: [-1, -2] }, /options\.shape\[0\], received -1/],
    [[1, 2], { shape: [0.5, 4] }, /options\.shape\[0\]/],
    [[1, 2], { shape: [3] }, /number of ids, 2, for options\.shape/],
    [[1, 2], { positionOffset: -1 }, /options\.positionOffset/],
    [[1, 2], { positionOffset: NaN }, /options\.positionOffset/],
    [[1, 2], { offset: 1 }, /received offset/],
    [[1, 2], { training: 1 }, /options\.training, received 1/],
    [[1, 2], { train: true }, /received train/],
  ]
  for (const [input, options, message] of cases) {
    t.throws(() => embedding.forward(input as number[], options), { ...invalid, message })
    await t.throwsAsync(embedding.forwardAsync(input as number[], options), { ...invalid, message })
  }
})

test('an array that cannot take the result is ERR_INVALID_ARGUMENT', async (t) => {
  const embedding = InputEmbedding.create(size)
  const refuse = (out: unknown, message: RegExp) =>
    t.throws(() => embedding.forward([1, 2], { out: out as Float32Array<ArrayBuffer> }), { ...invalid, message })
  refuse(new Float32Array(15), /a Float32Array of 16 values for options\.out, received one of 15/)
  refuse(new Float32Array(17), /16 values/)
  refuse(new Float64Array(16), /options\.out/)
  refuse(Array(16).fill(0), /options\.out/)
  refuse(new Float32Array(new SharedArrayBuffer(64)), /not shared/)
  const detached = new Float32Array(16)
  structuredClone(detached.buffer, { transfer: [detached.buffer] })
  refuse(detached, /16 values/)
  await t.throwsAsync(embedding.forwardAsync([1], { out: new Float32Array(8) } as object), invalid)
})

test('detached ids are ERR_INVALID_ARGUMENT, not an empty result', (t) => {
  const ids = new Uint32Array([1, 2])
  structuredClone(ids.buffer, { transfer: [ids.buffer] })
  const embedding = InputEmbedding.create(size)
  t.throws(() => embedding.forward(ids), { ...invalid, message: /whose memory is there/ })
  t.throws(() => embedding.forward({ inputs: ids, shape: [0, 6] }), { ...invalid, message: /whose memory is there/ })
})

test('ids and result may be parts of one buffer', (t) => {
  const embedding = InputEmbedding.create(size)
  const buffer = new ArrayBuffer(16 * 4)
  const ids = new Uint32Array(buffer, 0, 2)
  ids.set([7, 3])
  const expected = embedding.forward([7, 3]).dataSync()
  t.deepEqual(embedding.forward(ids, { out: new Float32Array(buffer) }), expected)
})

test('ids, positions and types may lie in the memory of the result, whatever they say of it', (t) => {
  const embedding = InputEmbedding.create({ ...size, tokenTypes: 3 })
  const at = [7, 3]
  const expected = embedding
    .forward(at, { positionIds: Uint32Array.of(4, 1), typeIds: Uint32Array.of(2, 0) })
    .dataSync()
  const buffer = new ArrayBuffer(16 * 4)
  const inside = (place: number, values: readonly number[]) => {
    const array = new Uint32Array(buffer, place * 4, 2)
    array.set(values)
    return Object.defineProperty(array, 'buffer', { value: new ArrayBuffer(8) })
  }
  // The last are overwritten before they are read, unless they are copied.
  const [ids, positionIds, typeIds] = [inside(10, at), inside(12, [4, 1]), inside(14, [2, 0])]
  t.deepEqual(embedding.forward(ids, { positionIds, typeIds, out: new Float32Array(buffer) }), expected)
})

test('an array in shared memory is refused as a result, whatever it says of it', (t) => {
  const out = new Float32Array(new SharedArrayBuffer(64) as never)
  Object.defineProperty(out, 'buffer', { value: new ArrayBuffer(64) })
  const message = /not shared/
  t.throws(() => InputEmbedding.create(size).forward([1, 2], { out }), { ...invalid, message })
})

test('options that cannot be are ERR_INVALID_ARGUMENT and say which', (t) => {
  const cases: [object, RegExp][] = [
    [{ vocabSize: 0 }, /options\.vocabSize, received 0/],
    [{ vocabSize: NaN }, /options\.vocabSize/],
    [{ contextLength: -5 }, /options\.contextLength, received -5/],
    [{ contextLength: 0.5 }, /options\.contextLength/],
    [{ dimensions: Infinity }, /options\.dimensions/],
    [{ dimensions: undefined }, /options\.dimensions, received undefined/],
    [{ position: 'rotary' }, /'learned', 'sinusoidal', 'none' for options\.position, received "rotary"/],
    [{ scale: 0 }, /options\.scale, received 0/],
    [{ scale: 1e300 }, /options\.scale/],
    [{ scale: NaN }, /options\.scale/],
    [{ scale: 'sqrt' }, /options\.scale/],
    [{ seed: 0.1 }, /options\.seed/],
    [{ dtype: 'f64' }, /options\.dtype/],
    [{ dropout: 1 }, /options\.dropout, received 1/],
    [{ rate: 0.1 }, /received rate/],
  ]
  for (const [change, message] of cases) {
    t.throws(() => InputEmbedding.create({ ...size, ...change } as InputEmbeddingOptions), { ...invalid, message })
  }
})

test('tables that fit into no memory are ERR_LIMIT', async (t) => {
  const limit = { instanceOf: TokenmillError, code: 'ERR_LIMIT' }
  for (const change of [{ vocabSize: 1e12 }, { contextLength: 1e12 }, { dimensions: 1e12 }]) {
    t.throws(() => InputEmbedding.create({ ...size, ...change }), limit)
    await t.throwsAsync(InputEmbedding.createAsync({ ...size, ...change }), limit)
  }
  // Without positions there is no table of them.
  t.notThrows(() => InputEmbedding.create({ ...size, contextLength: 1e12, position: 'none' }))
})

test('a result that fits into no memory is ERR_LIMIT', (t) => {
  const embedding = InputEmbedding.create({ vocabSize: 1, contextLength: 1e7, dimensions: 2 ** 20, position: 'none' })
  t.throws(() => embedding.forward(new Uint32Array(1e7)), { instanceOf: TokenmillError, code: 'ERR_LIMIT' })
})

test('parameters are the learned tables', async (t) => {
  const names = (position: Position) =>
    InputEmbedding.create({ ...size, position })
      .parameters()
      .map(({ name, shape }) => [name, ...shape])
  t.deepEqual(names('learned'), [
    ['wte.weight', 20, 8],
    ['wpe.weight', 6, 8],
  ])
  t.deepEqual(names('sinusoidal'), [['wte.weight', 20, 8]])
  t.deepEqual(names('none'), [['wte.weight', 20, 8]])
  for (const parameter of InputEmbedding.create(size).parameters()) {
    t.deepEqual(await parameter.data(), parameter.dataSync())
    t.is(parameter.dataSync().length, (parameter.shape[0] as number) * (parameter.shape[1] as number))
  }
})

test('after dispose all but the sizes is ERR_DISPOSED', async (t) => {
  const embedding = InputEmbedding.create(size)
  const [parameter] = embedding.parameters()
  embedding.dispose()
  embedding.dispose()
  t.true(embedding.disposed)
  const disposed = { instanceOf: TokenmillError, code: 'ERR_DISPOSED' }
  t.throws(() => embedding.forward([1]), disposed)
  t.throws(() => embedding.forward([]), disposed)
  t.throws(() => embedding.forward([1], { out: new Float32Array(8) }), disposed)
  t.throws(() => embedding.parameters(), disposed)
  t.throws(() => parameter?.dataSync(), disposed)
  await t.throwsAsync(embedding.forwardAsync([1]), disposed)
  await t.throwsAsync(embedding.save('x'), disposed)
  t.is(embedding.vocabSize, 20)
})

test('using disposes it', (t) => {
  let outside: InputEmbedding
  {
    using embedding = InputEmbedding.create(size)
    outside = embedding
    t.false(outside.disposed)
  }
  t.true(outside.disposed)
})
