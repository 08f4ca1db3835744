import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import test from 'ava'
import { ensureTypeScript } from '../../scripts/lib/ensure.mjs'
import { TokenmillError } from '../../src/errors.ts'
import { Embedding } from '../../src/embedding/embedding.ts'
import type { Tensor } from '../../src/embedding/tensor.ts'

const table = Embedding.fromArray([1, 2, 3, 4], { count: 2, dimensions: 2 })

test('a tensor says what it is', (t) => {
  const tensor = table.forward([1, 0, 1], { shape: [1, 3] })
  t.deepEqual(tensor.shape, [1, 3, 2])
  t.is(tensor.dtype, 'f32')
  t.is(tensor.device, 'cpu')
  t.throws(() => (tensor.shape as number[]).push(1), { instanceOf: TypeError })
})

test('values are copies', async (t) => {
  const tensor = table.forward([1])
  for (const values of [tensor.dataSync(), tensor.toFloat32(), await tensor.data()]) {
    t.true(values instanceof Float32Array)
    t.deepEqual([...values], [3, 4])
    values.fill(0)
  }
  t.deepEqual([...tensor.dataSync()], [3, 4])
})

test('after dispose values are ERR_DISPOSED, what it is stays', async (t) => {
  const tensor = table.forward([0])
  t.false(tensor.disposed)
  tensor.dispose()
  tensor.dispose()
  t.true(tensor.disposed)
  const disposed = { instanceOf: TokenmillError, code: 'ERR_DISPOSED', message: 'the tensor was disposed' }
  t.throws(() => tensor.dataSync(), disposed)
  t.throws(() => tensor.toFloat32(), disposed)
  await t.throwsAsync(tensor.data(), disposed)
  t.deepEqual(tensor.shape, [1, 2])
})

test('values that are being copied survive dispose', async (t) => {
  const tensor = table.forward([0])
  const pending = tensor.data()
  tensor.dispose()
  t.deepEqual([...(await pending)], [1, 2])
})

test('using disposes a tensor, and Symbol.dispose exists here', (t) => {
  t.is(typeof Symbol.dispose, 'symbol')
  let outside: Tensor
  {
    using tensor = table.forward([0])
    outside = tensor
    t.false(outside.disposed)
  }
  t.true(outside.disposed)
})

test.before(async () => {
  await ensureTypeScript()
})

/**
 * By how many bytes a process grows that forgets 3.3 GB of tensors, of `rows` times 4 KiB each. Its heap is so small that memory of which the collector knows makes it come
 * at once, in the middle of a call: when it comes otherwise depends on the load of the machine.
 */
const growth = async (rows: number, turn: string): Promise<number> => {
  const source = `
import { Embedding } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}
const embedding = Embedding.create({ count: 10, dimensions: 1024, init: 'zeros', device: 'cpu' })
const ids = new Uint32Array(${rows})
const kept = embedding.forward(ids)
const before = process.memoryUsage().rss
let largest = before
for (let i = 0; i < 819_200 / ${rows}; i++) {
  embedding.forward(ids)
  ${turn}
  if (i % 50 === 0) largest = Math.max(largest, process.memoryUsage.rss())
}
if (kept.dataSync().length !== ${rows} * 1024) throw new Error('one that is not forgotten has gone')
console.log(largest - before)
`
  const options = ['--max-old-space-size=64', '--input-type=module', '--eval', source]
  return Number((await promisify(execFile)(process.execPath, options)).stdout)
}

test('tensors that are forgotten in one turn of the event loop let their memory go', async (t) => {
  for (const rows of [4096, 16]) {
    const bytes = await growth(rows, '')
    t.true(bytes < 1e9, `the process grew by ${bytes} bytes`)
  }
})

test('the garbage collector knows the size of tensors that nobody disposes', async (t) => {
  const bytes = await growth(4096, 'await new Promise((resolve) => setImmediate(resolve))')
  t.true(bytes < 5e8, `the process grew by ${bytes} bytes`)
})

test.serial('the system is asked for the size of its memory once, not in each pass', (t) => {
  const embedding = Embedding.create({ count: 2, dimensions: 2, device: 'cpu' })
  const { constrainedMemory } = process
  process.constrainedMemory = () => t.fail() as never
  try {
    t.deepEqual(embedding.forward([1]).shape, [1, 2])
  } finally {
    process.constrainedMemory = constrainedMemory
  }
})
