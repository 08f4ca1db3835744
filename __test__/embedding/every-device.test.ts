import test from 'ava'
import { Embedding } from '../../src/embedding/embedding.ts'
import { InputEmbedding } from '../../src/embedding/input-embedding.ts'
import { devices } from '../../src/embedding/devices.ts'
import { Optimizer } from '../../src/embedding/optimizer.ts'
import { TokenmillError } from '../../src/errors.ts'
import { describeCuda } from '../../src/native-cuda.ts'
import { setThreads } from '../../src/threads.ts'

/*
 * What JavaScript sees of every device: each test runs on the processor, and on CUDA where there is a device. With TOKENMILL_TEST_CUDA=1 it is an error that there
 * is none (`npm run test:cuda`).
 */

const { gpus, error: noCuda } = describeCuda()
const names = noCuda ? (['cpu'] as const) : (['cpu', 'cuda'] as const)

test('CUDA runs these tests too, or says why not', (t) => {
  if (noCuda) t.log(noCuda.message)
  t.is(process.env['TOKENMILL_TEST_CUDA'] === '1' && noCuda !== undefined, false)
  t.is(gpus.length > 0, noCuda === undefined)
})

/* Numbers in [-1, 1). */
const numbers = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => ((Math.imul(i + 1, 0x9e3779b1) ^ Math.imul(seed, 0x85ebca6b)) >> 8) / 2 ** 23)

const code = (code: string) => ({ instanceOf: TokenmillError, code })

for (const device of names) {
  const expected = device === 'cpu' ? 'cpu' : 'cuda:0'

  test(`on ${device}: rows are looked up and positions added`, async (t) => {
    for (const dtype of ['f32', 'bf16', 'f16'] as const) {
      using embedding = InputEmbedding.create({
        vocabSize: 50,
        contextLength: 6,
        dimensions: 20,
        seed: 3,
        device,
        dtype,
      })
      const [token, position] = embedding.parameters()
      if (!token || !position) return t.fail()
      t.is(embedding.device, expected)
      t.is(token.device, expected)
      const ids = Uint32Array.of(3, 49, 0, 7, 7, 20)
      using output = embedding.forward(ids, { shape: [2, 3], positionOffset: 2 })
      t.is(output.device, expected)
      t.deepEqual(output.shape, [2, 3, 20])
      const [rows, places] = [token.toFloat32(), position.toFloat32()]
      const wanted = ids.reduce<number[]>((all, id, index) => {
        for (let d = 0; d < 20; d++) {
          all.push(Math.fround((rows[id * 20 + d] ?? NaN) + (places[(2 + (index % 3)) * 20 + d] ?? NaN)))
        }
        return all
      }, [])
      const values = output.toFloat32()
      const error = dtype === 'f32' ? 0 : 2 ** -8
      t.true(wanted.every((value, index) => Math.abs((values[index] ?? NaN) - value) <= error * Math.abs(value)))
      const copy = await output.data()
      t.deepEqual(copy, output.dataSync())
      using again = await embedding.forwardAsync(ids, { shape: [2, 3], positionOffset: 2 })
      t.deepEqual(again.dataSync(), copy)
      const out = dtype === 'f32' ? new Float32Array(120).fill(NaN) : new Uint16Array(120).fill(0xffff)
      t.is(embedding.forward(ids, { shape: [2, 3], positionOffset: 2, out }), out)
      t.deepEqual(out, copy)
    }
  })

  test(`on ${device}: an empty batch gives an empty tensor, and wrong ids are refused`, (t) => {
    using embedding = Embedding.create({ count: 5, dimensions: 4, device })
    using empty = embedding.forward(new Uint32Array(), { shape: [0, 3] })
    t.deepEqual([empty.shape, empty.dataSync().length], [[0, 3, 4], 0])
    for (const id of [5, 0xffffffff]) t.throws(() => embedding.forward(Uint32Array.of(id)), code('ERR_OUT_OF_RANGE'))
    t.is(embedding.forward(Uint32Array.of(4)).dataSync().length, 4)
  })

  test(`on ${device}: gradients are sums, of arrays and of tensors`, (t) => {
    using embedding = Embedding.create({ count: 9, dimensions: 5, device })
    const ids = Uint32Array.of(4, 2, 4, 8)
    const grad = numbers(20, 1)
    embedding.backward(embedding.forward(ids), grad)
    const [parameter] = embedding.parameters()
    const first = parameter?.grad()
    t.deepEqual(first?.ids, Uint32Array.of(2, 4, 8))
    const sums = [5, 6, 7, 8, 9].map((at) => grad[at])
    t.deepEqual([...(first?.values.slice(0, 5) ?? [])], sums)
    t.deepEqual(
      [...(first?.values.slice(5, 10) ?? [])],
      [0, 1, 2, 3, 4].map((d) => Math.fround((grad[d] ?? NaN) + (grad[10 + d] ?? NaN))),
    )
    // Of tensors of this device, and of the other.
    for (const other of names) {
      using grads = Embedding.fromArray(grad, { count: 4, dimensions: 5, device: other })
      using learner = Embedding.create({ count: 9, dimensions: 5, device })
      learner.backward(learner.forward(ids), grads.forward(Uint32Array.of(0, 1, 2, 3)))
      t.deepEqual(learner.parameters()[0]?.grad(), first, `a gradient on ${other}`)
    }
  })

  test(`on ${device}: training gives what it gives on the processor`, async (t) => {
    const train = async (device: 'cpu' | 'cuda') => {
      using embedding = InputEmbedding.create({
        vocabSize: 30,
        contextLength: 8,
        dimensions: 12,
        dropout: 0.2,
        tokenTypes: 2,
        paddingId: 1,
        layerNorm: true,
        device,
      })
      using optimizer = Optimizer.adamW(embedding.parameters(), { learningRate: 0.01 })
      for (let step = 0; step < 4; step++) {
        const ids = Uint32Array.from({ length: 16 }, (_, i) => (i * 7 + step * 11) % 30)
        using output = embedding.forward(ids, { shape: [2, 8], training: true })
        embedding.backward(output, numbers(16 * 12, step))
        if (step % 2 === 0) optimizer.step()
        else await optimizer.stepAsync()
        optimizer.zeroGrad()
      }
      const state = optimizer.state()
      return { state, values: embedding.parameters().map((parameter) => parameter.dataSync()) }
    }
    t.deepEqual(await train(device), await train('cpu'))
  })

  test(`on ${device}: what was disposed throws ERR_DISPOSED`, (t) => {
    const embedding = Embedding.create({ count: 5, dimensions: 4, device })
    const [parameter] = embedding.parameters()
    const output = embedding.forward(Uint32Array.of(1))
    embedding.dispose()
    t.throws(() => embedding.forward(Uint32Array.of(1)), code('ERR_DISPOSED'))
    t.throws(() => parameter?.dataSync(), code('ERR_DISPOSED'))
    t.is(output.dataSync().length, 4)
    output.dispose()
    t.throws(() => output.dataSync(), code('ERR_DISPOSED'))
  })

  test(`on ${device}: the number of threads can be set`, (t) => {
    setThreads(2)
    using embedding = Embedding.create({ count: 5000, dimensions: 64, device })
    t.is(embedding.forward(Uint32Array.from({ length: 5000 }, (_, i) => i)).dataSync().length, 5000 * 64)
  })
}

if (noCuda === undefined) {
  test('devices lists the CUDA devices', (t) => {
    const found = devices().filter((device) => device.kind === 'cuda')
    t.deepEqual(
      found,
      gpus.map((gpu, index) => ({ kind: 'cuda' as const, available: true as const, index, ...gpu })),
    )
    t.true(
      found.every((device) => device.available && device.memory > 0 && /^\d+\.\d+$/.test(device.computeCapability)),
    )
  })

  test("'auto' is the first CUDA device, and the processor for what does not fit there", async (t) => {
    const size = { vocabSize: 5, contextLength: 4, dimensions: 4 }
    t.is(InputEmbedding.create(size).device, 'cuda:0')
    t.is(InputEmbedding.create({ ...size, layerNorm: true }).device, 'cuda:0')
    // Only of a device that is emulated is it known that it is small.
    if (gpus[0]?.name !== 'emulated on the host') return t.log('whether a table fits is not tried on a real device')
    const vocabSize = Math.ceil(gpus[0].memory / 4 / 1024) + 1
    const large = { ...size, vocabSize, dimensions: 1024 }
    t.is(InputEmbedding.create(large).device, 'cpu')
    t.is((await InputEmbedding.createAsync(large)).device, 'cpu')
    t.throws(() => InputEmbedding.create({ ...large, device: 'cuda' }), {
      ...code('ERR_DEVICE'),
      message: /OUT_OF_MEMORY/,
    })
  })

  test('a CUDA device that is not there is ERR_DEVICE', (t) => {
    t.throws(() => Embedding.create({ count: 1, dimensions: 1, device: { cuda: gpus.length } }), {
      ...code('ERR_DEVICE'),
      message: new RegExp(`this machine has ${gpus.length} CUDA device`),
    })
  })

  test('what is on the processor and what is on CUDA do not mix', (t) => {
    const [here, there] = [
      Embedding.create({ count: 5, dimensions: 4, device: 'cpu' }),
      Embedding.create({ count: 5, dimensions: 4, device: 'cuda' }),
    ]
    const [output, ids] = [here.forward(Uint32Array.of(1)), new Float32Array(4)]
    t.throws(() => there.backward(output, ids), {
      ...code('ERR_INVALID_ARGUMENT'),
      message: /on cuda:0 for output.*on cpu/,
    })
    const parameters = [...here.parameters(), ...there.parameters()]
    t.throws(() => Optimizer.sgd(parameters, { learningRate: 1 }), {
      ...code('ERR_INVALID_ARGUMENT'),
      message: /on cpu, as the first for parameters\[1\].*on cuda:0/,
    })
  })
}
