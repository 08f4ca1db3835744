import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { TokenmillError } from '../../src/errors.ts'
import { Embedding } from '../../src/embedding/embedding.ts'
import { InputEmbedding } from '../../src/embedding/input-embedding.ts'
import { Optimizer } from '../../src/embedding/optimizer.ts'
import type { Parameter } from '../../src/embedding/parameter.ts'
import { temporaryFolder } from './safetensors.ts'

/* Outputs, gradients and steps are torch's: `scripts/make-golden-learning.py`. */

interface Golden {
  readonly vocabSize: number
  readonly contextLength: number
  readonly dimensions: number
  readonly tokenTypes: number
  readonly paddingId: number
  readonly epsilon: number
  readonly cases: readonly {
    readonly name: keyof typeof optimizers
    readonly everything: boolean
    readonly scale: number
    /** Gradients are clipped to it. */
    readonly maxNorm?: number
    readonly start: readonly number[][]
    readonly steps: readonly {
      readonly ids: number[]
      readonly types: number[]
      readonly outputGrad: number[]
      readonly output: number[]
      readonly grads: readonly number[][]
      /** Of all gradients, before they were clipped. */
      readonly norm?: number
      readonly tables: readonly number[][]
    }[]
  }[]
}

const other = { learningRate: 0.05, betas: [0.8, 0.95], epsilon: 1e-4, weightDecay: 0.1 } as const
const optimizers = {
  'sparse adamW': (p: readonly Parameter[]) => Optimizer.adamW(p, { learningRate: 0.05, weightDecay: 0 }),
  'sparse adamW with decay': (p: readonly Parameter[]) => Optimizer.adamW(p, other),
  'dense adamW': (p: readonly Parameter[]) => Optimizer.adamW(p, { learningRate: 0.05, dense: true }),
  'dense adamW, clipped': (p: readonly Parameter[]) => Optimizer.adamW(p, { learningRate: 0.05, dense: true }),
  'dense adamW with decay': (p: readonly Parameter[]) => Optimizer.adamW(p, { ...other, dense: true }),
  'sparse sgd': (p: readonly Parameter[]) => Optimizer.sgd(p, { learningRate: 0.1 }),
  'sparse sgd, clipped': (p: readonly Parameter[]) => Optimizer.sgd(p, { learningRate: 0.1 }),
  'dense sgd': (p: readonly Parameter[]) =>
    Optimizer.sgd(p, { learningRate: 0.1, momentum: 0.9, weightDecay: 0.01, dense: true }),
  'dense sgd with nesterov': (p: readonly Parameter[]) =>
    Optimizer.sgd(p, { learningRate: 0.1, momentum: 0.9, nesterov: true, dense: true }),
}

const file = new URL('../../testdata/embedding/learning.json', import.meta.url)
const golden = JSON.parse(readFileSync(file, 'utf8')) as Golden

const close = (t: ExecutionContext, actual: ArrayLike<number>, expected: readonly number[], what: string) => {
  t.is(actual.length, expected.length, what)
  const apart = expected.findIndex(
    (value, i) => Math.abs((actual[i] ?? NaN) - value) > 4e-6 * Math.max(1, Math.abs(value)),
  )
  t.is(apart, -1, `${what}, value ${apart}: ${actual[apart]} is not ${expected[apart]}`)
}

/** A gradient with zeros for the rows that have none. */
const dense = (parameter: Parameter): Float32Array => {
  const all = new Float32Array(parameter.shape.reduce((product, size) => product * size, 1))
  const gradient = parameter.grad()
  const width = parameter.shape.at(-1) ?? 0
  gradient?.ids.forEach((id, i) => all.set(gradient.values.subarray(i * width, (i + 1) * width), id * width))
  return all
}

for (const { name, everything, scale, maxNorm, start, steps } of golden.cases) {
  test(`outputs, gradients and steps of ${name} are torch's`, (t) => {
    const { vocabSize, contextLength, dimensions, tokenTypes, paddingId, epsilon } = golden
    const size = { vocabSize, contextLength, dimensions, paddingId, scale }
    using embedding = InputEmbedding.create(everything ? { ...size, tokenTypes, layerNorm: { epsilon } } : size)
    const parameters = embedding.parameters()
    t.is(parameters.length, start.length)
    parameters.forEach((parameter, i) => parameter.set(Float32Array.from(start[i] ?? [])))
    using optimizer = optimizers[name](parameters)
    for (const step of steps) {
      const shape = [step.ids.length / contextLength, contextLength]
      using output = embedding.forward(
        step.ids,
        everything ? { shape, typeIds: Uint32Array.from(step.types) } : { shape },
      )
      close(t, output.toFloat32(), step.output, 'output')
      embedding.backward(output, Float32Array.from(step.outputGrad))
      parameters.forEach((parameter, i) =>
        close(t, dense(parameter), step.grads[i] ?? [], `gradient of ${parameter.name}`),
      )
      if (maxNorm !== undefined) close(t, [optimizer.clipGradNorm(maxNorm)], [step.norm ?? NaN], 'norm')
      optimizer.step()
      optimizer.zeroGrad()
      parameters.forEach((parameter, i) => close(t, parameter.toFloat32(), step.tables[i] ?? [], parameter.name))
    }
  })
}

const size = { vocabSize: 20, contextLength: 8, dimensions: 4, seed: 2 }
const argument = { instanceOf: TokenmillError, code: 'ERR_INVALID_ARGUMENT' }
const disposed = { instanceOf: TokenmillError, code: 'ERR_DISPOSED' }

test('gradients are row-sparse, add up, and are let go', (t) => {
  using table = Embedding.create({ count: 4, dimensions: 2, init: 'zeros' })
  const [weight] = table.parameters()
  t.is(weight?.grad(), undefined)
  table.backward(table.forward([3, 1]), Float32Array.of(1, 2, 3, 4))
  table.backward(table.forward([1]), table.forward([0]))
  t.deepEqual(weight?.grad(), { ids: Uint32Array.of(1, 3), values: Float32Array.of(3, 4, 1, 2) })
  using optimizer = Optimizer.sgd(table.parameters(), { learningRate: 0.5 })
  optimizer.step()
  t.deepEqual([...table.forward([0, 1, 2, 3]).toFloat32()], [0, 0, -1.5, -2, 0, 0, -0.5, -1])
  optimizer.zeroGrad()
  t.is(weight?.grad(), undefined)
})

test('a gradient can be a tensor of any type', (t) => {
  for (const dtype of ['f32', 'bf16', 'f16'] as const) {
    using table = Embedding.fromArray([1, 2, 3, 4], { count: 2, dimensions: 2, dtype })
    table.backward(table.forward([0]), table.forward([1]))
    t.deepEqual(table.parameters()[0]?.grad(), { ids: Uint32Array.of(0), values: Float32Array.of(3, 4) })
  }
})

test('backward is once for each output, of its own embedding, with a gradient of its size', (t) => {
  using embedding = InputEmbedding.create(size)
  using other = InputEmbedding.create(size)
  const output = embedding.forward([1, 2])
  const grad = new Float32Array(8)
  t.throws(() => other.backward(output, grad), { ...argument, message: /not one of this embedding/ })
  for (const bad of [new Float32Array(7), [1], undefined, other.forward([1]), new Float64Array(8)] as never[]) {
    t.throws(() => embedding.backward(output, bad), argument)
  }
  t.throws(() => embedding.backward({} as never, grad), argument)
  t.is(embedding.parameters()[0]?.grad(), undefined)
  embedding.backward(output, grad)
  t.throws(() => embedding.backward(output, grad), { ...argument, message: /once/ })
  const gone = embedding.forward([1])
  gone.dispose()
  t.throws(() => embedding.backward(gone, new Float32Array(4)), disposed)
})

test('forward with out records nothing and gives the same', (t) => {
  using embedding = InputEmbedding.create({ ...size, layerNorm: true, tokenTypes: 2 })
  const out = new Float32Array(8)
  const typeIds = Uint32Array.of(1, 0)
  t.is(embedding.forward([1, 2], { typeIds, out }), out)
  t.deepEqual(out, embedding.forward([1, 2], { typeIds }).toFloat32())
})

test('frozen parameters stay', (t) => {
  using embedding = InputEmbedding.create(size)
  const [token, position] = embedding.parameters() as [Parameter, Parameter]
  position.trainable = false
  t.false(embedding.parameters()[1]?.trainable)
  using optimizer = Optimizer.adamW([token, position], { learningRate: 0.1 })
  const before = [token.toFloat32(), position.toFloat32()]
  embedding.backward(embedding.forward([1]), new Float32Array(4).fill(1))
  optimizer.step()
  t.is(position.grad(), undefined)
  t.deepEqual(position.toFloat32(), before[1])
  t.notDeepEqual(token.toFloat32(), before[0])
  t.throws(() => {
    token.trainable = 1 as never
  }, argument)
  using frozen = Embedding.create({ count: 2, dimensions: 2, trainable: false })
  t.false(frozen.parameters()[0]?.trainable)
})

test('dropout is for training alone, another one in each pass, and the same for the same seed', (t) => {
  const make = () => InputEmbedding.create({ ...size, dropout: 0.5 })
  const [embedding, again] = [make(), make()]
  const plain = embedding.forward([1, 2, 3, 4]).toFloat32()
  const pass = (of: InputEmbedding) => of.forward([1, 2, 3, 4], { training: true }).toFloat32()
  const passes = [pass(embedding), pass(embedding)]
  t.notDeepEqual(passes[0], passes[1])
  t.deepEqual([pass(again), pass(again)], passes)
  for (const values of passes) t.true(values.every((value, i) => value === 0 || value === (plain[i] ?? 0) * 2))
  t.deepEqual(embedding.forward([1, 2, 3, 4]).toFloat32(), plain)
})

test('a pass that fails leaves the next mask', async (t) => {
  const make = () => InputEmbedding.create({ ...size, dropout: 0.5 })
  const [embedding, again] = [make(), make()]
  const wrong = [1, 1e6]
  const out = new Float32Array(2 * embedding.dimensions)
  t.throws(() => embedding.forward(wrong, { training: true }), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => embedding.forward(wrong, { training: true, out }), { code: 'ERR_OUT_OF_RANGE' })
  await t.throwsAsync(embedding.forwardAsync(wrong, { training: true }), { code: 'ERR_OUT_OF_RANGE' })
  const pass = (of: InputEmbedding) => of.forward([1, 2, 3, 4], { training: true }).toFloat32()
  t.deepEqual(pass(embedding), pass(again))
  const both = await Promise.all([1, 2].map(() => embedding.forwardAsync([1, 2, 3, 4], { training: true })))
  t.deepEqual(
    both.map((output) => output.toFloat32()),
    [pass(again), pass(again)],
  )
})

test('dropout goes on after a file as if nothing had been in between', async (t) => {
  const folder = await temporaryFolder(t)
  const files = [join(folder, 'embedding.safetensors'), join(folder, 'optimizer.safetensors')] as const
  const train = (embedding: InputEmbedding, optimizer: Optimizer, steps: number) => {
    for (let step = 0; step < steps; step++) {
      const output = embedding.forward([1, 2, 3, 4], { training: true })
      embedding.backward(output, output.toFloat32())
      optimizer.step()
      optimizer.zeroGrad()
    }
    return embedding.parameters().map((parameter) => parameter.dataSync())
  }
  const begin = (embedding: InputEmbedding) => Optimizer.adamW(embedding.parameters(), { learningRate: 0.1 })
  const make = () => InputEmbedding.create({ ...size, dropout: 0.5, seed: 9 })
  const whole = make()
  const expected = train(whole, begin(whole), 6)

  const first = make()
  const optimizer = begin(first)
  train(first, optimizer, 2)
  await first.save(files[0])
  await optimizer.save(files[1])
  const second = await InputEmbedding.load(files[0])
  await second.save(files[0])
  const third = await InputEmbedding.load(files[0])
  const later = begin(third)
  await later.loadFile(files[1])
  t.deepEqual(train(third, later, 4), expected)
})

test('resize keeps rows, and lets parameters and optimisers of before go', async (t) => {
  using embedding = InputEmbedding.create(size)
  const old = embedding.parameters()
  using optimizer = Optimizer.sgd(old, { learningRate: 1 })
  const before = old.map((parameter) => parameter.toFloat32())
  const output = embedding.forward([1])
  embedding.resize(23)
  t.is(embedding.vocabSize, 23)
  using larger = InputEmbedding.create({ ...size, vocabSize: 23 })
  t.deepEqual(embedding.parameters()[0]?.toFloat32(), larger.parameters()[0]?.toFloat32())
  t.deepEqual(embedding.parameters()[1]?.toFloat32(), before[1])
  t.is(embedding.forward([22]).shape[0], 1)
  for (const parameter of old) {
    t.throws(() => parameter.dataSync(), disposed)
    t.throws(() => parameter.grad(), disposed)
    t.throws(() => parameter.set(new Float32Array(parameter.name === 'wte.weight' ? 80 : 32)), disposed)
    await t.throwsAsync(parameter.data(), disposed)
  }
  t.throws(() => optimizer.step(), disposed)
  t.throws(() => embedding.backward(output, new Float32Array(4)), disposed)
  embedding.resize(2, { seed: 9 })
  t.deepEqual(embedding.parameters()[0]?.toFloat32(), before[0]?.subarray(0, 8))
  for (const bad of [0, -1, 1.5, NaN, Infinity, '3'] as never[]) t.throws(() => embedding.resize(bad), argument)
  t.throws(() => embedding.resize(2 ** 40), { code: 'ERR_LIMIT' })
  t.is(embedding.vocabSize, 2)
})

test('the tables of disposed embeddings are gone, also for optimisers', (t) => {
  const embedding = InputEmbedding.create(size)
  using optimizer = Optimizer.adamW(embedding.parameters(), { learningRate: 1 })
  embedding.backward(embedding.forward([1]), new Float32Array(4))
  embedding.dispose()
  t.throws(() => optimizer.step(), disposed)
  t.throws(() => Optimizer.sgd(embedding.parameters(), { learningRate: 1 }), disposed)
  t.throws(() => embedding.resize(3), disposed)
})

test('each id can have a position of its own, and a packed batch has', (t) => {
  using embedding = InputEmbedding.create(size)
  const positionIds = Uint32Array.of(0, 1, 0, 1)
  const packed = embedding.forward([5, 6, 5, 6], { positionIds }).toFloat32()
  t.deepEqual(packed.subarray(0, 8), packed.subarray(8))
  const batch = { inputs: Uint32Array.of(5, 6, 5, 6), shape: [1, 4], positionIds }
  t.deepEqual(embedding.forward(batch).toFloat32(), packed)
  t.throws(() => embedding.forward(batch, { positionOffset: 1 }), argument)
  t.throws(() => embedding.forward([1], { positionIds }), argument)
  t.throws(() => embedding.forward([1], { positionIds: [0] as never }), argument)
  t.throws(() => embedding.forward([1], { positionIds: Uint32Array.of(8) }), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => embedding.forward([1], { typeIds: Uint32Array.of(0) }), { code: 'ERR_OUT_OF_RANGE' })
})

test('options that make no sense are refused', (t) => {
  for (const dropout of [-0.1, 1, NaN, '0'] as never[])
    t.throws(() => InputEmbedding.create({ ...size, dropout }), argument)
  for (const layerNorm of [1, {}, { epsilon: 0 }, { epsilon: NaN }, { epsilon: 1e-60 }] as never[]) {
    t.throws(() => InputEmbedding.create({ ...size, layerNorm }), argument)
  }
  for (const paddingId of [-1, 20, 0.5, NaN] as never[]) {
    t.throws(() => InputEmbedding.create({ ...size, paddingId }), argument)
    t.throws(() => Embedding.create({ count: 20, dimensions: 1, paddingId }), argument)
  }
  for (const tokenTypes of [-1, 0.5, NaN] as never[])
    t.throws(() => InputEmbedding.create({ ...size, tokenTypes }), argument)
  t.throws(() => InputEmbedding.create({ ...size, tokenTypes: 2 ** 45 }), { code: 'ERR_LIMIT' })
  t.throws(() => InputEmbedding.create({ ...size, dtype: 'f64' as never }), argument)
  using embedding = InputEmbedding.create(size)
  t.throws(() => embedding.forward([1], { training: 1 as never }), argument)
  t.throws(() => embedding.parameters()[0]?.set(new Float32Array(3)), argument)
})
