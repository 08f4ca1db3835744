import { availableParallelism } from 'node:os'
import test from 'ava'
import { TokenmillError } from '../../src/errors.ts'
import { devices } from '../../src/embedding/devices.ts'
import { Embedding } from '../../src/embedding/embedding.ts'
import { InputEmbedding } from '../../src/embedding/input-embedding.ts'

// Looked at when CUDA is asked for first. What there is with an addon is in every-device.test.ts and cuda-libraries.test.ts.
process.env['TOKENMILL_CUDA_PATH'] = '/nowhere/tokenmill.node'

test('devices lists the processor and says why CUDA cannot be used', (t) => {
  const [cpu, cuda, ...others] = devices()
  t.deepEqual(others, [])
  if (cpu?.kind !== 'cpu' || cuda?.kind !== 'cuda') return t.fail('the processor, then CUDA')
  t.true(cpu.available)
  t.is(cpu.cores, availableParallelism())
  t.true(cpu.features.every((feature) => /^[a-z0-9.]+$/.test(feature)))
  if (process.arch === 'arm64') t.true(cpu.features.includes('neon'))
  if (cuda.available) return t.fail('there is no addon in that place')
  t.regex(cuda.reason, /^TOKENMILL_CUDA_PATH names .*, which is not there\nWhat to do:\n {2}- unset/)
})

test("'auto' and 'cpu' compute on the processor", (t) => {
  for (const device of ['auto', 'cpu'] as const) {
    t.is(Embedding.create({ count: 1, dimensions: 1, device }).device, 'cpu')
    t.is(InputEmbedding.create({ vocabSize: 1, contextLength: 1, dimensions: 1, device }).forward([0]).device, 'cpu')
  }
})

test('a CUDA device is ERR_DEVICE with the reason', async (t) => {
  const expected = { instanceOf: TokenmillError, code: 'ERR_DEVICE', message: /cannot be used: TOKENMILL_CUDA_PATH / }
  for (const device of ['cuda', { cuda: 0 }, { cuda: 3 }] as const) {
    t.throws(() => Embedding.create({ count: 1, dimensions: 1, device }), expected)
    t.throws(() => Embedding.fromArray([1], { count: 1, dimensions: 1, device }), expected)
    t.throws(() => InputEmbedding.create({ vocabSize: 1, contextLength: 1, dimensions: 1, device }), expected)
    await t.throwsAsync(Embedding.load('absent', 'weight', { device }), expected)
  }
})

test('a device that does not exist is ERR_INVALID_ARGUMENT', (t) => {
  for (const device of ['gpu', 'CPU', { cuda: -1 }, { cuda: 0.5 }, {}, null, 0, ['cuda']]) {
    const make = () => Embedding.create({ count: 1, dimensions: 1, device: device as 'cpu' })
    t.throws(make, { instanceOf: TokenmillError, code: 'ERR_INVALID_ARGUMENT', message: /options\.device/ })
  }
})
