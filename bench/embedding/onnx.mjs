/*
 * Times of onnxruntime-node: onnx.mjs VOCABULARY DIMENSIONS BATCH CONTEXT ROUNDS THREADS, the lines of crates/embedding/examples/passes.rs.
 *
 * The model is Gather and Add with both tables in it, written here in the encoding of ONNX, which is that of Protocol Buffers.
 */
import { createRequire } from 'node:module'
import { checkOf, tableOf, timed } from './inputs.mjs'

const { InferenceSession, Tensor } = createRequire(import.meta.url)('onnxruntime-node')
const [vocabulary, dimensions, batch, context, rounds, threads] = process.argv.slice(2).map(Number)

const varint = (number) =>
  number < 128 ? Buffer.of(number) : Buffer.concat([Buffer.of((number % 128) | 128), varint(Math.floor(number / 128))])
/** A field that is a number, and one that is bytes, text or a message, which is a list of fields. */
const number = (field, value) => Buffer.concat([varint(field * 8), varint(value)])
const bytes = (field, value) => {
  const content = Array.isArray(value) ? Buffer.concat(value) : Buffer.from(value)
  return Buffer.concat([varint(field * 8 + 2), varint(content.length), content])
}

const [float32, int64] = [1, 7]
const initializer = (name, rows, seed) => {
  const values = new Uint8Array(tableOf(rows * dimensions, seed).buffer)
  return bytes(5, [number(1, rows), number(1, dimensions), number(2, float32), bytes(8, name), bytes(9, values)])
}
const node = (type, inputs, output) =>
  bytes(1, [...inputs.map((input) => bytes(1, input)), bytes(2, output), bytes(4, type)])
const described = (field, name, type, sizes) => {
  const shape = sizes.map((size) => bytes(1, [number(1, size)]))
  return bytes(field, [bytes(1, name), bytes(2, [bytes(1, [number(1, type), bytes(2, shape)])])])
}
const graph = [
  node('Gather', ['token', 'ids'], 'rows'),
  node('Add', ['rows', 'position'], 'sums'),
  bytes(2, 'embedding'),
  initializer('token', vocabulary, 0),
  initializer('position', context, 1),
  described(11, 'ids', int64, [batch, context]),
  described(12, 'sums', float32, [batch, context, dimensions]),
]
const model = Buffer.concat([number(1, 8), bytes(7, graph), bytes(8, [bytes(1, ''), number(2, 17)])])

const options = { intraOpNumThreads: threads, interOpNumThreads: 1, executionMode: 'sequential' }
const session = await InferenceSession.create(model, options)
const [outShape, length] = [[batch, context, dimensions], batch * context]
const feeds = (ids) => ({ ids: new Tensor('int64', BigInt64Array.from(ids, BigInt), [batch, context]) })
const out = new Tensor('float32', new Float32Array(length * dimensions), outShape)
let fresh
// Made before the clock starts, as every other program's ids are.
let fed
const passes = {
  'onnxruntime, fresh': {
    run: async () => {
      fresh = await session.run(fed)
    },
    came: () => ({ check: checkOf(fresh.sums.data) }),
  },
  'onnxruntime, out': {
    run: () => session.run(fed, { sums: out }),
    came: () => ({ check: checkOf(out.data) }),
  },
}
await timed(passes, { rounds, length, vocabulary, prepare: (ids) => (fed = feeds(ids)) })
