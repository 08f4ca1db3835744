import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Embedding, type ErrorCode, InputEmbedding, Optimizer, TokenmillError, WordVectors } from '../../src/index.ts'
import { bytesOf, fileOf, temporaryFolder, written } from './safetensors.ts'

/*
 * One test for each kind of bad input: whatever comes in, what comes out is an error with a code, nothing is changed, and the process goes on.
 */

const embedding = InputEmbedding.create({ vocabSize: 10, contextLength: 4, dimensions: 3, seed: 1 })
const before = embedding.forward([1, 2, 3]).dataSync()

const refused = async (t: ExecutionContext, code: ErrorCode, what: string, call: () => unknown) => {
  const error = await t.throwsAsync(async () => call(), { instanceOf: TokenmillError }, what)
  t.is(error?.code, code, `${what}: ${error?.message}`)
}

test.afterEach.always((t) => {
  t.deepEqual(embedding.forward([1, 2, 3]).dataSync(), before)
})

test('ids out of range', async (t) => {
  for (const id of [10, 11, 2 ** 31, 2 ** 31 + 1]) {
    await refused(t, 'ERR_OUT_OF_RANGE', `${id}`, () => embedding.forward([1, id]))
    await refused(t, 'ERR_OUT_OF_RANGE', `${id}, async`, () => embedding.forwardAsync(Uint32Array.of(1, id)))
  }
})

test('negative ids', async (t) => {
  for (const id of [-1, -(2 ** 31), -Infinity])
    await refused(t, 'ERR_INVALID_ARGUMENT', `${id}`, () => embedding.forward([1, id]))
})

test('fractional ids', async (t) => {
  for (const id of [0.5, 1e-300, NaN, 2.0000001])
    await refused(t, 'ERR_INVALID_ARGUMENT', `${id}`, () => embedding.forward([1, id]))
})

const holes = (length: number): readonly number[] => {
  const array: number[] = []
  array.length = length
  return array
}

test('arrays of more holes than there is memory for', async (t) => {
  const [ids, numbers] = [holes(2e8), holes(4e9)]
  const optimizer = Optimizer.adamW(embedding.parameters(), { learningRate: 1 })
  const state = { ...optimizer.state(), parameters: [{ name: 'wte.weight', steps: 1, moments: numbers as never }] }
  const calls: [what: string, call: () => unknown, message: RegExp][] = [
    ['ids', () => embedding.forward(ids), /an integer ≥ 0 for ids\[0\], received undefined/],
    ['more ids', () => embedding.forwardAsync(numbers), /an integer ≥ 0 for ids\[0\], received undefined/],
    ['a shape', () => embedding.forward([1], { shape: numbers }), /options\.shape\[0\]/],
    [
      'a table',
      () => Embedding.fromArray(numbers, { count: 2, dimensions: 2 }),
      /2 × 2 = 4 values for data, received 4000000000 values/,
    ],
    [
      'a large table',
      () => Embedding.fromArray(ids, { count: 2e8, dimensions: 1 }),
      /a finite number for data\[0\], received undefined/,
    ],
    [
      'vectors',
      () => WordVectors.fromArray(['a'], numbers, { dimensions: 1 }),
      /1 numbers for data, received 4000000000/,
    ],
    ['words', () => WordVectors.fromArray(numbers as never, [1], { dimensions: 1 }), /words\[0\]/],
    ['moments', () => optimizer.load(state), /an array of Float32Arrays/],
  ]
  for (const [what, call, message] of calls)
    await t.throwsAsync(async () => call(), { code: 'ERR_INVALID_ARGUMENT', message }, what)
})

test('the id u32::MAX, for which candle reads a row of zeros', async (t) => {
  await refused(t, 'ERR_OUT_OF_RANGE', 'array', () => embedding.forward([0xffffffff]))
  await refused(t, 'ERR_OUT_OF_RANGE', 'typed', () => embedding.forward(Uint32Array.of(-1)))
  await refused(t, 'ERR_OUT_OF_RANGE', 'table', () =>
    Embedding.create({ count: 3, dimensions: 2 }).forward(Uint32Array.of(0xffffffff)),
  )
})

test('a wrong shape', async (t) => {
  for (const shape of [[], [3], [2, 2], [4, -1], [1.5, 2], [NaN], [2 ** 53, 2], 4, 'four'])
    await refused(t, 'ERR_INVALID_ARGUMENT', `${shape}`, () =>
      embedding.forward([1, 2, 3, 4, 5, 6, 7, 8].slice(0, 5), { shape: shape as number[] }),
    )
})

test('zero sizes', async (t) => {
  const sizes = { vocabSize: 2, contextLength: 2, dimensions: 2 }
  for (const key of ['vocabSize', 'contextLength', 'dimensions'] as const)
    await refused(t, 'ERR_INVALID_ARGUMENT', key, () => InputEmbedding.create({ ...sizes, [key]: 0 }))
  await refused(t, 'ERR_INVALID_ARGUMENT', 'count', () => Embedding.create({ count: 0, dimensions: 2 }))
  await refused(t, 'ERR_INVALID_ARGUMENT', 'no rows', () => Embedding.fromArray([], { count: 0, dimensions: 2 }))
})

test('dimensions times count beyond memory are refused before anything is allocated', async (t) => {
  const resident = process.memoryUsage().rss
  for (const [count, dimensions] of [
    [2 ** 31, 2 ** 20],
    [2 ** 32, 2 ** 21],
    [2 ** 20, 2 ** 40],
    [3, Number.MAX_SAFE_INTEGER],
  ] as const) {
    await refused(t, 'ERR_LIMIT', `${count} × ${dimensions}`, () => Embedding.create({ count, dimensions }))
    await refused(t, 'ERR_LIMIT', `${count} × ${dimensions}, async`, () => Embedding.createAsync({ count, dimensions }))
    await refused(t, 'ERR_LIMIT', `${count} × ${dimensions}, input`, () =>
      InputEmbedding.create({ vocabSize: count, contextLength: 2, dimensions }),
    )
  }
  t.true(process.memoryUsage().rss - resident < 2 ** 27)
})

test('learning rates that are not numbers', async (t) => {
  const optimizer = Optimizer.adamW(embedding.parameters(), { learningRate: 0.1 })
  for (const rate of [NaN, Infinity, -Infinity, -1, '0.1', undefined, null]) {
    const learningRate = rate as number
    await refused(t, 'ERR_INVALID_ARGUMENT', `adamW ${rate}`, () =>
      Optimizer.adamW(embedding.parameters(), { learningRate }),
    )
    await refused(t, 'ERR_INVALID_ARGUMENT', `sgd ${rate}`, () =>
      Optimizer.sgd(embedding.parameters(), { learningRate }),
    )
    await refused(t, 'ERR_INVALID_ARGUMENT', `set ${rate}`, () => {
      optimizer.learningRate = learningRate
    })
  }
  t.is(optimizer.learningRate, 0.1)
})

test('corrupt safetensors: every cut and every changed byte of the header', async (t) => {
  const folder = await temporaryFolder(t)
  const path = join(folder, 'x.safetensors')
  await embedding.save(path)
  const whole = await readFile(path)
  const header = 8 + Number(whole.readBigUInt64LE())
  let [read, errors] = [0, 0]
  const load = async () => {
    try {
      ;(await InputEmbedding.load(path)).dispose()
      read += 1
    } catch (error) {
      t.true(error instanceof TokenmillError && ['ERR_INVALID_FILE', 'ERR_LIMIT'].includes(error.code), `${error}`)
      errors += 1
    }
  }
  for (let length = 0; length < whole.length; length += 7) {
    await writeFile(path, whole.subarray(0, length))
    await load()
  }
  t.is(read, 0)
  for (let index = 0; index < header; index++) {
    const changed = Buffer.from(whole)
    changed[index] = (changed[index] as number) ^ (1 << (index % 8))
    await writeFile(path, changed)
    await load()
  }
  t.true(errors > header / 2)
})

test('hostile safetensors: lengths and places that lie', async (t) => {
  const data = bytesOf([1, 2, 3, 4])
  const tensor = (shape: readonly unknown[], start: unknown, end: unknown) => ({
    'wte.weight': { dtype: 'F32', shape, data_offsets: [start, end] },
  })
  for (const header of [
    tensor([2 ** 62, 4], 0, 16),
    tensor([2, 2], 0, 2 ** 53),
    tensor([2, 2], 8, 4),
    tensor([2, 2], -16, 0),
    tensor([1e308, 1e308], 0, 16),
    tensor([2.5, 1], 0, 16),
    tensor(['2', '2'], 0, 16),
    tensor([2, 2], null, 16),
    { ...tensor([2, 2], 0, 16), __metadata__: { tokenmill: '{"version":1' } },
    { ...tensor([2, 2], 0, 16), __metadata__: 'a text' },
    `{"wte.weight":${'['.repeat(100_000)}`,
    '\u0000',
  ]) {
    const path = await written(t, fileOf(header, data))
    await refused(t, 'ERR_INVALID_FILE', JSON.stringify(header).slice(0, 80), () => InputEmbedding.load(path))
  }
})

test('a hostile index: files elsewhere, and files that are not there', async (t) => {
  const folder = await temporaryFolder(t)
  const path = join(folder, 'model.safetensors.index.json')
  await embedding.save(join(folder, 'inside.safetensors'))
  for (const file of [
    '../x.safetensors',
    '/etc/passwd',
    'a/b',
    'a\\b',
    'C:x',
    '..',
    '.',
    '',
    'absent.safetensors',
    5,
    null,
  ]) {
    await writeFile(path, JSON.stringify({ weight_map: { 'wte.weight': file } }))
    await refused(t, 'ERR_INVALID_FILE', `${file}`, () => InputEmbedding.load(folder))
  }
})

test('npy files of objects, of other types, with sizes that lie, and of no rows', async (t) => {
  const npy = (header: string, values: Uint8Array = bytesOf([1, 2, 3, 4])) => {
    const start = Buffer.from('\x93NUMPY\x01\x00\x00\x00', 'latin1')
    start.writeUInt16LE(header.length, 8)
    return Buffer.concat([start, Buffer.from(header), values])
  }
  const path = join(await temporaryFolder(t), 'x.npy')
  for (const bytes of [
    npy("{'descr': '|O', 'fortran_order': False, 'shape': (2, 2), }\n"),
    npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 1), }\n"),
    npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }\n"),
    npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }\n"),
    npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n"),
    npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }\n", new Uint8Array()),
    npy("__import__('os').system('echo no')\n"),
    npy(''),
    Buffer.from('\x80\x04\x95', 'latin1'),
    new Uint8Array(),
  ]) {
    await writeFile(path, bytes)
    await refused(t, 'ERR_INVALID_FILE', Buffer.from(bytes).toString('latin1').slice(0, 80), () => Embedding.load(path))
  }
})
test('word2vec files with wrong counts', async (t) => {
  const folder = await temporaryFolder(t)
  const row = Buffer.concat([Buffer.from('a '), bytesOf([1, 2])])
  for (const [name, content] of [
    ['fewer.txt', '3 2\na 1 2\nb 3 4\n'],
    ['more.txt', '1 2\na 1 2\nb 3 4\n'],
    ['wide.txt', '2 3\na 1 2\nb 3 4\n'],
    ['huge.txt', '18446744073709551615 300\na 1 2\n'],
    ['none.txt', '0 2\n'],
    ['flat.txt', '1 0\na\n'],
    ['fewer.bin', Buffer.concat([Buffer.from('2 2\n'), row])],
    ['wide.bin', Buffer.concat([Buffer.from('1 3\n'), row])],
    ['huge.bin', Buffer.concat([Buffer.from('9999999999 300\n'), row])],
    ['negative.bin', Buffer.concat([Buffer.from('-1 2\n'), row])],
    ['fraction.bin', Buffer.concat([Buffer.from('1.5 2\n'), row])],
  ] as const) {
    const path = join(folder, name)
    await writeFile(path, content)
    await refused(t, 'ERR_INVALID_FILE', name, () => WordVectors.load(path))
  }
})
