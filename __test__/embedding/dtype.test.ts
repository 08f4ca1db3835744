import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { TokenmillError } from '../../src/errors.ts'
import { Embedding } from '../../src/embedding/embedding.ts'
import { InputEmbedding } from '../../src/embedding/input-embedding.ts'

/* Bits of numbers that halves hold exactly, and of one between two of them: the even one of both. */
const bits = {
  bf16: { of: [1, -2.5, 0, Infinity, 1 + 2 ** -8], are: [0x3f80, 0xc020, 0, 0x7f80, 0x3f80] },
  f16: { of: [1, -2.5, 0, Infinity, 1 + 2 ** -11], are: [0x3c00, 0xc100, 0, 0x7c00, 0x3c00] },
} as const

for (const dtype of ['bf16', 'f16'] as const) {
  test(`values of ${dtype} are bits in a Uint16Array, rounded to the nearest`, async (t) => {
    const { of, are } = bits[dtype]
    const expected = Uint16Array.from(are)
    using table = Embedding.fromArray([...of.slice(0, 3), 0, 0], { count: 1, dimensions: 5, dtype })
    using exact = Embedding.fromArray(Float32Array.from(of), { count: 1, dimensions: 5, dtype })
    t.is(table.dtype, dtype)
    using output = exact.forward([0])
    t.is(output.dtype, dtype)
    t.deepEqual(output.dataSync(), expected)
    t.deepEqual(await output.data(), expected)
    t.deepEqual([...output.toFloat32()], [1, -2.5, 0, Infinity, 1])
    const out = new Uint16Array(5)
    t.is(exact.forward([0], { out }), out)
    t.deepEqual(out, expected)
    const [weight] = exact.parameters()
    t.is(weight?.dtype, dtype)
    t.deepEqual(weight?.dataSync(), expected)
    t.deepEqual(await weight?.data(), expected)
    t.throws(() => exact.forward([0], { out: new Float32Array(5) }), {
      instanceOf: TokenmillError,
      code: 'ERR_INVALID_ARGUMENT',
    })
    t.throws(() => exact.forward([0], { out: new Uint16Array(4) }), {
      instanceOf: TokenmillError,
      code: 'ERR_INVALID_ARGUMENT',
    })
  })

  test(`an input embedding of ${dtype} adds in 32 bits, is saved and loaded`, async (t) => {
    const size = { vocabSize: 30, contextLength: 5, dimensions: 6, seed: 4 }
    using embedding = InputEmbedding.create({ ...size, dtype })
    using wide = InputEmbedding.create(size)
    const [token, position] = embedding.parameters().map((parameter) => parameter.toFloat32())
    const output = embedding.forward([7, 8])
    const sums = Float32Array.from({ length: 12 }, (_, i) => (token?.[42 + i] ?? 0) + (position?.[i] ?? 0))
    using rounded = Embedding.fromArray(sums, { count: 2, dimensions: 6, dtype })
    t.deepEqual(output.dataSync(), rounded.parameters()[0]?.dataSync())
    t.notDeepEqual(output.toFloat32(), wide.forward([7, 8]).toFloat32())
    const file = join(await mkdtemp(join(tmpdir(), 'tokenmill-')), 'embedding.safetensors')
    await embedding.save(file)
    using again = await InputEmbedding.load(file, { dtype })
    t.deepEqual(again.forward([7, 8]).dataSync(), output.dataSync())
    using widened = await InputEmbedding.load(file)
    t.is(widened.dtype, 'f32')
    t.deepEqual(widened.parameters()[0]?.dataSync(), token)
    const out = new Uint16Array(12)
    t.deepEqual(embedding.forward([7, 8], { out }), output.dataSync())
    t.deepEqual((await embedding.forwardAsync([7, 8])).dataSync(), output.dataSync())
  })
}

test('no other type exists', (t) => {
  for (const dtype of ['f64', 'F32', 1, null] as never[]) {
    t.throws(() => Embedding.create({ count: 1, dimensions: 1, dtype }), { code: 'ERR_INVALID_ARGUMENT' })
  }
})
