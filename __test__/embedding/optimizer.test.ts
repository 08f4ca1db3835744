import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { TokenmillError } from '../../src/errors.ts'
import { Embedding } from '../../src/embedding/embedding.ts'
import { InputEmbedding } from '../../src/embedding/input-embedding.ts'
import { Optimizer, type OptimizerState } from '../../src/embedding/optimizer.ts'
import { temporaryFolder } from './safetensors.ts'

const argument = { instanceOf: TokenmillError, code: 'ERR_INVALID_ARGUMENT' }
const make = () => Embedding.create({ count: 6, dimensions: 3, seed: 1 })

/** Steps number `from` to `to - 1` of a made-up training. */
const train = (table: Embedding, optimizer: Optimizer, from: number, to: number) => {
  for (let step = from; step < to; step++) {
    using output = table.forward([step % 6, 2])
    table.backward(
      output,
      Float32Array.from({ length: 6 }, (_, i) => Math.sin(step * 7 + i)),
    )
    optimizer.step()
    optimizer.zeroGrad()
  }
}

const rules = {
  adamW: (table: Embedding) => Optimizer.adamW(table.parameters(), { learningRate: 0.1 }),
  'dense adamW': (table: Embedding) => Optimizer.adamW(table.parameters(), { learningRate: 0.1, dense: true }),
  sgd: (table: Embedding) => Optimizer.sgd(table.parameters(), { learningRate: 0.1 }),
  'sgd with momentum': (table: Embedding) => Optimizer.sgd(table.parameters(), { learningRate: 0.1, momentum: 0.9 }),
}

for (const [name, rule] of Object.entries(rules)) {
  test(`training by ${name} goes on from a state as if it had not been interrupted`, (t) => {
    const [whole, first] = [make(), make()]
    const [wholeOptimizer, firstOptimizer] = [rule(whole), rule(first)]
    train(whole, wholeOptimizer, 0, 8)
    train(first, firstOptimizer, 0, 4)
    const state = structuredClone(firstOptimizer.state())
    const second = Embedding.fromArray(first.parameters()[0]?.toFloat32() ?? [], { count: 6, dimensions: 3 })
    const secondOptimizer = rule(second)
    secondOptimizer.load(state)
    t.deepEqual(secondOptimizer.state(), state)
    train(second, secondOptimizer, 4, 8)
    t.deepEqual(second.parameters()[0]?.toFloat32(), whole.parameters()[0]?.toFloat32())
  })
}

for (const [name, rule] of Object.entries(rules)) {
  test(`training by ${name} goes on from a file as if it had not been interrupted`, async (t) => {
    const path = join(await temporaryFolder(t), 'optimizer.safetensors')
    const [whole, first] = [make(), make()]
    const [wholeOptimizer, firstOptimizer] = [rule(whole), rule(first)]
    train(whole, wholeOptimizer, 0, 4)
    wholeOptimizer.learningRate = 0.1 + 0.2
    train(whole, wholeOptimizer, 4, 8)
    train(first, firstOptimizer, 0, 4)
    firstOptimizer.learningRate = 0.1 + 0.2
    await firstOptimizer.save(path)
    const second = Embedding.fromArray(first.parameters()[0]?.toFloat32() ?? [], { count: 6, dimensions: 3 })
    const secondOptimizer = rule(second)
    await secondOptimizer.loadFile(path)
    t.deepEqual(secondOptimizer.state(), firstOptimizer.state())
    train(second, secondOptimizer, 4, 8)
    t.deepEqual(second.parameters()[0]?.toFloat32(), whole.parameters()[0]?.toFloat32())
  })
}

test('a file that does not fit is refused, and changes nothing', async (t) => {
  const folder = await temporaryFolder(t)
  const [path, other] = [join(folder, 'optimizer.safetensors'), join(folder, 'other.safetensors')]
  const table = make()
  const optimizer = Optimizer.adamW(table.parameters(), { learningRate: 0.1 })
  train(table, optimizer, 0, 3)
  const state = optimizer.state()
  await Optimizer.sgd(table.parameters(), { learningRate: 1 }).save(path)
  await t.throwsAsync(optimizer.loadFile(path), { ...argument, message: /expected rule adamW, received sgd/ })
  await table.save(other)
  await writeFile(path, 'nothing')
  const file = { instanceOf: TokenmillError, code: 'ERR_INVALID_FILE' }
  for (const bad of [path, other, folder, join(folder, 'none')]) await t.throwsAsync(optimizer.loadFile(bad), file)
  await t.throwsAsync(optimizer.save(join(folder, 'none', 'x')), file)
  for (const bad of [undefined, 1, '', 'a\0b'] as never[]) {
    await t.throwsAsync(optimizer.loadFile(bad), argument)
    await t.throwsAsync(optimizer.save(bad), argument)
  }
  t.deepEqual(optimizer.state(), state)
})

test('the learning rate can be set, and is in the state', async (t) => {
  const table = make()
  const optimizer = Optimizer.sgd(table.parameters(), { learningRate: 1 })
  optimizer.learningRate = 0
  const before = table.parameters()[0]?.toFloat32()
  table.backward(table.forward([1]), Float32Array.of(1, 1, 1))
  optimizer.step()
  t.deepEqual(table.parameters()[0]?.toFloat32(), before)
  optimizer.learningRate = 0.25
  t.is(optimizer.learningRate, 0.25)
  t.is(optimizer.state().learningRate, 0.25)
  await optimizer.stepAsync()
  t.is(table.forward([1]).toFloat32()[0], Math.fround((before?.[3] ?? 0) - 0.25))
  for (const bad of [-1, NaN, Infinity, '1', undefined] as never[]) {
    t.throws(() => {
      optimizer.learningRate = bad
    }, argument)
  }
  t.is(optimizer.learningRate, 0.25)
})

test('steps off the event loop are made one after the other, each at the learning rate that was set before it', async (t) => {
  const path = join(await temporaryFolder(t), 'optimizer.safetensors')
  const [table, expected] = [make(), make()]
  const [optimizer, inTurn] = [table, expected].map((each) => rules['sgd with momentum'](each)) as [
    Optimizer,
    Optimizer,
  ]
  for (const each of [table, expected]) each.backward(each.forward([1]), Float32Array.of(1, 2, 3))
  const rates = [0.5, 0.25, 0.125]
  const calls = rates.map((rate) => {
    optimizer.learningRate = rate
    return optimizer.stepAsync()
  })
  calls.push(optimizer.save(path))
  optimizer.learningRate = 9
  t.is(optimizer.learningRate, 9)
  await Promise.all(calls)
  for (const rate of rates) {
    inTurn.learningRate = rate
    inTurn.step()
  }
  t.deepEqual(table.parameters()[0]?.toFloat32(), expected.parameters()[0]?.toFloat32())
  await optimizer.loadFile(path)
  t.deepEqual(optimizer.state(), inTurn.state())
  t.is(optimizer.learningRate, 0.125)
})

test('what would wait for work off the event loop is ERR_BUSY, until that is done or has failed', async (t) => {
  const folder = await temporaryFolder(t)
  const path = join(folder, 'optimizer.safetensors')
  const table = make()
  const optimizer = rules.adamW(table)
  train(table, optimizer, 0, 3)
  const state = optimizer.state()
  await optimizer.save(path)
  const busy = { instanceOf: TokenmillError, code: 'ERR_BUSY', message: /^the optimizer is at work off the event loop/ }
  const works = [() => optimizer.save(path), () => optimizer.loadFile(path), () => optimizer.loadFile(folder)]
  for (const work of works) {
    const call = work()
    for (const wait of [
      () => optimizer.step(),
      () => optimizer.zeroGrad(),
      () => optimizer.clipGradNorm(1),
      () => optimizer.state(),
      () => optimizer.load(state),
    ])
      t.throws(wait, busy)
    const failure = await call.then(
      () => undefined,
      (error) => error,
    )
    t.is(failure?.code, work === works[2] ? 'ERR_INVALID_FILE' : undefined)
    t.deepEqual(optimizer.state(), state)
  }
})

test('an embedding is saved as it is between two steps', async (t) => {
  const folder = await temporaryFolder(t)
  const path = join(folder, 'embedding.safetensors')
  const embedding = InputEmbedding.create({ vocabSize: 20_000, contextLength: 4, dimensions: 64, layerNorm: true })
  const optimizer = Optimizer.adamW(embedding.parameters(), { learningRate: 0.1, dense: true })
  const other = Optimizer.sgd(embedding.parameters(), { learningRate: 1 })
  const output = embedding.forward([1, 2, 3, 4])
  embedding.backward(output, new Float32Array(4 * 64).fill(1))
  const values = () => embedding.parameters().map((parameter) => parameter.toFloat32())
  const saved = async () => {
    const read = await InputEmbedding.load(path)
    const all = read.parameters().map((parameter) => parameter.toFloat32())
    read.dispose()
    return all
  }

  // What a step on the event loop would have to wait for.
  const before = values()
  const save = embedding.save(path)
  const busy = { instanceOf: TokenmillError, code: 'ERR_BUSY', message: /^the embedding is at work off the event loop/ }
  t.throws(() => optimizer.step(), busy)
  t.throws(() => embedding.resize(5), busy)
  t.throws(() => embedding.parameters()[1]?.set(new Float32Array(4 * 64)), busy)
  t.deepEqual(embedding.forward([7], { out: new Float32Array(64) }).length, 64)
  await save
  t.deepEqual(await saved(), before)

  // Steps off the event loop, of whichever optimiser, and saves are made in turn.
  const steps = [optimizer.stepAsync(), other.stepAsync()]
  const afterSteps = embedding.save(path)
  const last = optimizer.stepAsync()
  await Promise.all(steps)
  const after = values()
  await afterSteps
  await last
  t.deepEqual(await saved(), after)
  t.notDeepEqual(values(), after)

  // A save that fails holds nothing up.
  await t.throwsAsync(embedding.save(folder), { code: 'ERR_INVALID_FILE' })
  optimizer.step()
})

test('a table is saved as it is between two steps', async (t) => {
  const folder = await temporaryFolder(t)
  for (const name of ['table.safetensors', 'table.npy']) {
    const table = make()
    const optimizer = rules.sgd(table)
    const save = table.save(join(folder, name))
    t.throws(() => optimizer.step(), { code: 'ERR_BUSY', message: /^the embedding is at work/ })
    await save
    optimizer.step()
  }
})

test('the gradients of all parameters are clipped to one norm', (t) => {
  const embedding = InputEmbedding.create({ vocabSize: 5, contextLength: 4, dimensions: 3, seed: 1 })
  const parameters = embedding.parameters()
  const optimizer = Optimizer.sgd(parameters, { learningRate: 1 })
  const gradients = () => parameters.map((parameter) => Array.from(parameter.grad()?.values ?? []))
  const normOf = (values: readonly (readonly number[])[]) => Math.hypot(...values.flat())
  t.is(optimizer.clipGradNorm(1), 0)
  // Row 1 has the sum of two gradients, which is what counts.
  embedding.backward(embedding.forward([1, 1, 2]), Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9))
  t.deepEqual(gradients()[0], [5, 7, 9, 7, 8, 9])
  const whole = gradients()
  const near = (actual: number, expected: number) =>
    t.true(Math.abs(actual - expected) < 1e-6, `${actual}, ${expected}`)
  near(optimizer.clipGradNorm(Infinity), normOf(whole))
  t.deepEqual(gradients(), whole)
  near(optimizer.clipGradNorm(2), normOf(whole))
  near(normOf(gradients()), 2)
  near((gradients()[1]?.[4] ?? NaN) / (gradients()[0]?.[4] ?? NaN), 5 / 8)
  const before = parameters[0]?.toFloat32() ?? []
  optimizer.step()
  near((parameters[0]?.toFloat32()[3] ?? NaN) - (before[3] ?? NaN), (-5 * 2) / normOf(whole))
  for (const bad of [-1, NaN, '1', undefined, null] as never[]) t.throws(() => optimizer.clipGradNorm(bad), argument)
  embedding.dispose()
  t.throws(() => optimizer.clipGradNorm(1), { instanceOf: TokenmillError, code: 'ERR_DISPOSED' })
})

test('gradients are clipped off the event loop as on it, before a step that is asked for after it', async (t) => {
  const [table, expected] = [make(), make()]
  const [optimizer, onLoop] = [rules.sgd(table), rules.sgd(expected)]
  for (const each of [table, expected])
    each.backward(each.forward([1, 1, 2]), Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9))
  const norm = optimizer.clipGradNormAsync(0.5)
  const busy = { instanceOf: TokenmillError, code: 'ERR_BUSY', message: /^the optimizer is at work off the event loop/ }
  for (const call of ['step', 'zeroGrad', 'state'] as const) t.throws(() => optimizer[call](), busy)
  t.throws(() => optimizer.clipGradNorm(1), busy)
  const step = optimizer.stepAsync()
  t.is(await norm, onLoop.clipGradNorm(0.5))
  await step
  onLoop.step()
  t.deepEqual(table.parameters()[0]?.grad(), expected.parameters()[0]?.grad())
  t.deepEqual(table.parameters()[0]?.toFloat32(), expected.parameters()[0]?.toFloat32())
  for (const bad of [-1, NaN, '1', undefined, null] as never[]) {
    await t.throwsAsync(optimizer.clipGradNormAsync(bad), argument)
  }
  table.dispose()
  await t.throwsAsync(optimizer.clipGradNormAsync(1), { instanceOf: TokenmillError, code: 'ERR_DISPOSED' })
})

test('numbers that make no sense are refused', (t) => {
  const parameters = make().parameters()
  for (const bad of [-1, NaN, Infinity, '1'] as never[]) {
    t.throws(() => Optimizer.adamW(parameters, { learningRate: bad }), argument)
    t.throws(() => Optimizer.adamW(parameters, { learningRate: 1, epsilon: bad }), argument)
    t.throws(() => Optimizer.adamW(parameters, { learningRate: 1, weightDecay: bad }), argument)
    t.throws(() => Optimizer.adamW(parameters, { learningRate: 1, betas: [bad, 0.9] }), argument)
    t.throws(() => Optimizer.sgd(parameters, { learningRate: bad }), argument)
    t.throws(() => Optimizer.sgd(parameters, { learningRate: 1, momentum: bad }), argument)
    t.throws(() => Optimizer.sgd(parameters, { learningRate: 1, weightDecay: bad }), argument)
  }
  t.throws(() => Optimizer.adamW(parameters, { learningRate: 1, betas: [0.9, 1] }), argument)
  t.throws(() => Optimizer.adamW(parameters, { learningRate: 1, betas: [0.9] as never }), argument)
  t.throws(() => Optimizer.adamW(parameters, {} as never), argument)
  t.throws(() => Optimizer.adamW(parameters, { learningRate: 1, momentum: 1 } as never), argument)
  t.throws(() => Optimizer.sgd(parameters, { learningRate: 1, nesterov: true }), argument)
  t.throws(() => Optimizer.sgd(parameters, { learningRate: 1, dense: 1 as never }), argument)
  t.throws(() => Optimizer.sgd([...parameters, ...parameters], { learningRate: 1 }), { ...argument, message: /twice/ })
  t.throws(() => Optimizer.sgd({} as never, { learningRate: 1 }), argument)
  t.throws(() => Optimizer.sgd([{}] as never, { learningRate: 1 }), argument)
})

test('a state that does not fit is refused, and changes nothing', (t) => {
  const table = make()
  const optimizer = Optimizer.adamW(table.parameters(), { learningRate: 0.1 })
  train(table, optimizer, 0, 3)
  const state = optimizer.state()
  const [only] = state.parameters
  const [first, second] = only?.moments ?? []
  const changed = (change: object): OptimizerState => ({ ...state, parameters: [{ ...only, ...change } as never] })
  for (const bad of [
    undefined,
    {},
    { ...state, rule: 'sgd' },
    { ...state, learningRate: NaN },
    { ...state, parameters: [] },
    { ...state, more: 1 },
    changed({ name: 'other' }),
    changed({ steps: -1 }),
    changed({ steps: 0.5 }),
    changed({ moments: [] }),
    changed({ moments: [first] }),
    changed({ moments: [first, second?.subarray(1)] }),
    changed({ moments: [first, [...(second ?? [])]] }),
  ] as never[]) {
    t.throws(() => optimizer.load(bad), argument)
  }
  t.deepEqual(optimizer.state(), state)
})

test('after dispose all is ERR_DISPOSED, and the parameters stay', async (t) => {
  const table = make()
  const optimizer = Optimizer.adamW(table.parameters(), { learningRate: 0.1 })
  optimizer.dispose()
  optimizer.dispose()
  t.true(optimizer.disposed)
  const disposed = { instanceOf: TokenmillError, code: 'ERR_DISPOSED' }
  t.throws(() => optimizer.step(), disposed)
  t.throws(() => optimizer.zeroGrad(), disposed)
  t.throws(() => optimizer.state(), disposed)
  await t.throwsAsync(optimizer.stepAsync(), disposed)
  await t.throwsAsync(optimizer.save('never-written'), disposed)
  await t.throwsAsync(optimizer.loadFile('never-read'), disposed)
  t.is(table.parameters()[0]?.toFloat32().length, 18)
})

test('an optimiser keeps what it needs from the garbage collector', (t) => {
  const optimizer = Optimizer.sgd(make().parameters(), { learningRate: 0.1 })
  globalThis.gc?.()
  t.notThrows(() => optimizer.step())
})

test('an optimizer of no parameters is refused: it would do nothing', (t) => {
  const error = {
    code: 'ERR_INVALID_ARGUMENT',
    message: /at least one parameter for parameters, received an array of 0/,
  }
  t.throws(() => Optimizer.adamW([], { learningRate: 0.1 }), error)
  t.throws(() => Optimizer.sgd([], { learningRate: 0.1 }), error)
})
