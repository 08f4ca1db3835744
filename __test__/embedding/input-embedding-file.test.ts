import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { TokenmillError } from '../../src/errors.ts'
import { Embedding } from '../../src/embedding/embedding.ts'
import { InputEmbedding } from '../../src/embedding/input-embedding.ts'
import { bytesOf, fileOf, temporaryFolder, written } from './safetensors.ts'

const invalidFile = { instanceOf: TokenmillError, code: 'ERR_INVALID_FILE' }
const tensor = (shape: readonly number[], start: number, end: number, dtype = 'F32') => ({
  dtype,
  shape,
  data_offsets: [start, end],
})

for (const position of ['learned', 'sinusoidal', 'none'] as const) {
  test(`with ${position} positions, what was saved is loaded bit by bit`, async (t) => {
    const folder = await temporaryFolder(t)
    const path = join(folder, 'model.safetensors')
    const saved = InputEmbedding.create({
      vocabSize: 11,
      contextLength: 5,
      dimensions: 3,
      position,
      scale: true,
      seed: 2,
    })
    await saved.save(path)
    const loaded = await InputEmbedding.load(path)
    for (const key of ['vocabSize', 'contextLength', 'dimensions', 'position', 'scale'] as const) {
      t.is(loaded[key], saved[key])
    }
    const ids = [10, 0, 10, 3, 4]
    t.deepEqual(loaded.forward(ids).dataSync(), saved.forward(ids).dataSync())
    t.deepEqual(await readdir(folder), ['model.safetensors'])
    await loaded.save(path)
    t.deepEqual((await InputEmbedding.load(path)).forward(ids).dataSync(), saved.forward(ids).dataSync())
  })
}

test('a saved file is laid out as the format says', async (t) => {
  const path = join(await temporaryFolder(t), 'model.safetensors')
  const embedding = InputEmbedding.create({ vocabSize: 3, contextLength: 2, dimensions: 2 })
  await embedding.save(path)
  const file = await readFile(path)
  const length = Number(file.readBigUInt64LE())
  const header = JSON.parse(file.toString('utf8', 8, 8 + length)) as Record<string, Record<string, unknown>>
  t.is(length % 8, 0)
  t.deepEqual(header['wte.weight'], tensor([3, 2], 0, 24))
  t.deepEqual(header['wpe.weight'], tensor([2, 2], 24, 40))
  t.is(header['__metadata__']?.['format'], 'pt')
  t.is(file.length, 8 + length + 40)
  const values = embedding.parameters().flatMap((parameter) => [...parameter.dataSync()])
  t.deepEqual(new Uint8Array(file.subarray(8 + length)), new Uint8Array(bytesOf(values)))
  if (process.platform !== 'win32') t.is((await stat(path)).mode & 0o777, 0o666 & ~process.umask())
})

test('a file written by hand is read: GPT-2 names, any order, other tensors beside them', async (t) => {
  const path = await written(
    t,
    fileOf(
      {
        'wpe.weight': tensor([2, 2], 0, 16),
        'h.0.ln_1.bias': tensor([2], 16, 20, 'BF16'),
        'wte.weight': tensor([3, 2], 20, 44),
      },
      Buffer.concat([bytesOf([0.5, 0.25, 1, 2]), Buffer.alloc(4), bytesOf([10, 20, 30, 40, 50, 60])]),
    ),
  )
  const embedding = await InputEmbedding.load(path)
  const { vocabSize, contextLength, dimensions, position, scale } = embedding
  t.deepEqual([vocabSize, contextLength, dimensions, position, scale], [3, 2, 2, 'learned', 1])
  t.deepEqual([...embedding.forward([2, 0]).dataSync()], [50.5, 60.25, 11, 22])
})

test('half-precision tables are widened', async (t) => {
  const halves = Buffer.from(new Uint16Array([0x3c00, 0xc000, 0x3555, 0x7bff]).buffer)
  const brains = Buffer.from(new Uint16Array([0x3f80, 0xc000]).buffer)
  const header = { 'wte.weight': tensor([2, 2], 0, 8, 'F16'), 'wpe.weight': tensor([1, 2], 8, 12, 'BF16') }
  const embedding = await InputEmbedding.load(await written(t, fileOf(header, Buffer.concat([halves, brains]))))
  const [token, position] = embedding.parameters().map((parameter) => [...parameter.dataSync()])
  t.deepEqual(token, [1, -2, 0.333251953125, 65504])
  t.deepEqual(position, [1, -2])
})

const data = bytesOf([1, 2, 3, 4])
const wpe = tensor([1, 2], 8, 16)
const metadata = (text: unknown) => ({
  __metadata__: { tokenmill: typeof text === 'string' ? text : JSON.stringify(text) },
  'wte.weight': tensor([1, 2], 0, 8),
  'wpe.weight': wpe,
})
const model = { version: 1, position: 'learned', contextLength: 1, scale: 1 }
const crafted: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ['an empty file', new Uint8Array(), /0 bytes are too few/],
  ['seven bytes', new Uint8Array(7), /7 bytes are too few/],
  ['a header length of 2^64 - 1', new Uint8Array(64).fill(255), /longer than the 100000000/],
  ['a header longer than the file', new Uint8Array([9, 0, 0, 0, 0, 0, 0, 0, 123, 125]), /does not fit/],
  ['a header that is no JSON', fileOf('hello'), /header is not one of a safetensors file/],
  ['a header that is an array', fileOf([]), /an object of tensors/],
  ['a header that is not UTF-8', fileOf('').fill(255, 8), /header is not one/],
  ['a header nested 100000 deep', fileOf(`{"a":${'['.repeat(100_000)}`), /header is not one/],
  ['a pickle', Buffer.from('\x80\x02}q\x00X\x06\x00\x00\x00weight', 'latin1'), /longer than|does not fit/],
  ['no tensor', fileOf({}), /no tensor "wte\.weight", only an empty list/],
  ['no positions', fileOf({ 'wte.weight': tensor([2, 2], 0, 16) }, data), /no tensor "wpe\.weight", only wte\.weight/],
  [
    'a name twice',
    fileOf(
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
      data.subarray(0, 4),
    ),
    /"a" is there twice/,
  ],
  [
    'a hole',
    fileOf({ 'wte.weight': tensor([1, 2], 0, 8), 'wpe.weight': tensor([1, 1], 12, 16) }, data),
    /is not where/,
  ],
  ['an overlap', fileOf({ 'wte.weight': tensor([1, 3], 0, 12), 'wpe.weight': wpe }, data), /is not where/],
  [
    'values that end too early',
    fileOf(metadata(model), data.subarray(0, 12)),
    /16 bytes of values, but the file holds 12/,
  ],
  ['values that go on', fileOf(metadata(model), Buffer.concat([data, data])), /but the file holds 32/],
  [
    'a size that wraps around',
    fileOf({ 'wte.weight': tensor([2 ** 52, 2 ** 12], 0, 8), 'wpe.weight': wpe }, data),
    /does not take 8 bytes/,
  ],
  [
    'a negative size',
    fileOf('{"wte.weight":{"dtype":"F32","shape":[-1,-2],"data_offsets":[0,8]}}', data),
    /header is not one/,
  ],
  ['integers', fileOf({ 'wte.weight': tensor([1, 2], 0, 8, 'I32'), 'wpe.weight': wpe }, data), /holds I32 values/],
  ['a vector', fileOf({ 'wte.weight': tensor([2], 0, 8), 'wpe.weight': wpe }, data), /has the shape \[2\]/],
  [
    'no rows',
    fileOf({ 'wte.weight': tensor([0, 2], 0, 0), 'wpe.weight': tensor([2, 2], 0, 16) }, data),
    /has the shape \[0, 2\]/,
  ],
  [
    'tables of two widths',
    fileOf({ 'wte.weight': tensor([1, 2], 0, 8), 'wpe.weight': tensor([2, 1], 8, 16) }, data),
    /shape \[2, 1\], expected \[2, 2\]/,
  ],
  ['metadata that is no JSON', fileOf(metadata('{'), data), /metadata of the model is not valid/],
  ['another version', fileOf(metadata({ ...model, version: 2 }), data), /version 2 is not 1/],
  ['an unknown position', fileOf(metadata({ ...model, position: 'rotary' }), data), /no position "rotary"/],
  [
    'another context length',
    fileOf(metadata({ ...model, contextLength: 9 }), data),
    /shape \[1, 2\], expected \[9, 2\]/,
  ],
  ['no context', fileOf(metadata({ ...model, position: 'none', contextLength: 0 }), data), /context length is 0/],
  ['a scale of 0', fileOf(metadata({ ...model, scale: 0 }), data), /the scale 0/],
  [
    'a scale that is no number',
    fileOf(metadata({ ...model, scale: null }), data),
    /metadata of the model is not valid/,
  ],
  ['an unknown field', fileOf(metadata({ ...model, extra: 1 }), data), /unknown field `extra`/],
]

for (const [what, bytes, message] of crafted) {
  test(`a file with ${what} is ERR_INVALID_FILE`, async (t) => {
    const path = await written(t, bytes)
    const error = await t.throwsAsync(InputEmbedding.load(path), { ...invalidFile, message })
    t.true(error?.message.includes('crafted.safetensors'))
  })
}

test('a file keeps whose ids it is for, and is refused for others', async (t) => {
  const folder = await temporaryFolder(t)
  const path = join(folder, 'embedding.safetensors')
  const own = { name: 'mine', fingerprint: 'a'.repeat(64) }
  const other = { name: 'mine', fingerprint: 'b'.repeat(64) }
  const sizes = { vocabSize: 3, contextLength: 2, dimensions: 2 }

  const embedding = InputEmbedding.create({ ...sizes, tokenizer: own })
  t.deepEqual(embedding.tokenizer, own)
  await embedding.save(path)
  t.deepEqual((await InputEmbedding.load(path)).tokenizer, own)
  const again = await InputEmbedding.load(path, { tokenizer: { ...own, name: 'of another name' } })
  await t.throwsAsync(InputEmbedding.load(path, { tokenizer: other }), {
    instanceOf: TokenmillError,
    code: 'ERR_INVALID_ARGUMENT',
    message: /made for, mine with the fingerprint a{64}, for options.tokenizer, received mine with b{64}$/,
  })

  // What was loaded keeps it; a table of other tokens does not.
  await again.save(path)
  t.deepEqual((await InputEmbedding.load(path)).tokenizer, own)
  again.resize(4)
  t.is(again.tokenizer, undefined)
  await again.save(path)

  // A file that does not say it is read for any.
  t.is((await InputEmbedding.load(path, { tokenizer: other })).tokenizer, undefined)
  for (const tokenizer of [null, 'gpt2', {}, { name: 'a' }, { name: 1, fingerprint: 'a' }]) {
    const wrong = { code: 'ERR_INVALID_ARGUMENT', message: /options.tokenizer/ }
    t.throws(() => InputEmbedding.create({ ...sizes, tokenizer: tokenizer as never }), wrong)
    await t.throwsAsync(InputEmbedding.load(path, { tokenizer: tokenizer as never }), wrong)
  }
})

test('a file of one table keeps whose ids it is for, and is refused for others', async (t) => {
  const folder = await temporaryFolder(t)
  const [path, input, npy] = [
    join(folder, 'table.safetensors'),
    join(folder, 'input.safetensors'),
    join(folder, 'table.npy'),
  ]
  const own = { name: 'mine', fingerprint: 'a'.repeat(64) }
  const other = { name: 'mine', fingerprint: 'b'.repeat(64) }
  const size = { count: 3, dimensions: 2, tokenizer: own }
  const refused = { instanceOf: TokenmillError, code: 'ERR_INVALID_ARGUMENT', message: /received mine with b{64}$/ }

  for (const made of [
    Embedding.create(size),
    await Embedding.createAsync(size),
    Embedding.fromArray([1, 2, 3, 4, 5, 6], size),
  ]) {
    t.deepEqual(made.tokenizer, own)
    await made.save(path)
    t.deepEqual((await Embedding.load(path)).tokenizer, own)
    t.deepEqual((await Embedding.load(path, 'weight', { tokenizer: own })).tokenizer, own)
    await t.throwsAsync(Embedding.load(path, 'weight', { tokenizer: other }), refused)
  }

  // A table out of the file of an input embedding.
  await InputEmbedding.create({ vocabSize: 3, contextLength: 2, dimensions: 2, tokenizer: own }).save(input)
  const table = await Embedding.load(input, 'wte.weight', { tokenizer: own })
  await t.throwsAsync(Embedding.load(input, 'wte.weight', { tokenizer: other }), refused)

  // numpy's form has no place for it.
  await table.save(npy)
  t.is((await Embedding.load(npy, undefined, { tokenizer: other })).tokenizer, undefined)
  t.throws(() => Embedding.create({ ...size, tokenizer: 'gpt2' as never }), {
    code: 'ERR_INVALID_ARGUMENT',
    message: /options.tokenizer/,
  })
})

test('a context length that no memory can hold is ERR_LIMIT', async (t) => {
  for (const contextLength of [2 ** 40, 2 ** 53, Number.MAX_SAFE_INTEGER]) {
    const file = fileOf(metadata({ ...model, position: 'sinusoidal', contextLength }), data)
    await t.throwsAsync(InputEmbedding.load(await written(t, file)), { instanceOf: TokenmillError, code: 'ERR_LIMIT' })
  }
})

test('many sinusoidal positions are saved and loaded, and take memory when they are read', async (t) => {
  const path = join(await temporaryFolder(t), 'long.safetensors')
  for (const dimensions of [64, 256]) {
    const made = InputEmbedding.create({ vocabSize: 3, contextLength: 2 ** 20, dimensions, position: 'sinusoidal' })
    await made.save(path)
    const before = process.memoryUsage().rss
    const loaded = await InputEmbedding.load(path)
    t.is(loaded.contextLength, 2 ** 20)
    t.deepEqual(
      loaded.forward([1, 2], { positionOffset: 999 }).toFloat32(),
      made.forward([1, 2], { positionOffset: 999 }).toFloat32(),
    )
    t.true(process.memoryUsage().rss - before < 100e6)
    t.throws(() => loaded.forward([1], { positionOffset: 2 ** 20 }), { code: 'ERR_OUT_OF_RANGE' })
  }
})

test('a table that no memory can hold is ERR_LIMIT, though the file claims to have it', async (t) => {
  const bytes = 2 ** 42
  const path = await written(t, fileOf({ 'wte.weight': tensor([2 ** 30, 2 ** 10], 0, bytes) }))
  // A file with a hole: large, but almost nothing on the disk.
  try {
    await truncate(path, (await stat(path)).size + bytes)
  } catch (error) {
    return (t.log(`this file system has no file of that size: ${String(error)}`), t.pass())
  }
  await t.throwsAsync(InputEmbedding.load(path), { instanceOf: TokenmillError, code: 'ERR_LIMIT' })
})

test('a device or type that cannot be is refused before the file is read', async (t) => {
  await t.throwsAsync(InputEmbedding.load('absent', { device: 'cuda' }), { code: 'ERR_DEVICE' })
  await t.throwsAsync(InputEmbedding.load('absent', { dtype: 'f64' as never }), { code: 'ERR_INVALID_ARGUMENT' })
})

test('saving replaces the older file at once: a reader sees one or the other', async (t) => {
  const path = join(await temporaryFolder(t), 'model.safetensors')
  const models = [1, 2].map((seed) =>
    InputEmbedding.create({ vocabSize: 400, contextLength: 4, dimensions: 100, seed }),
  )
  const row = (model: InputEmbedding) => model.forward([7]).dataSync().join()
  const expected = new Set(models.map(row))
  await models[0]?.save(path)
  const saves = (async () => {
    for (let round = 0; round < 20; round++) await models[round % 2]?.save(path)
  })()
  for (let read = 0; read < 40; read++) t.true(expected.has(row(await InputEmbedding.load(path))))
  await saves
})

test('a file that cannot be replaced is an error, and nothing is left', async (t) => {
  const folder = await temporaryFolder(t)
  const embedding = InputEmbedding.create({ vocabSize: 2, contextLength: 2, dimensions: 2 })
  await t.throwsAsync(embedding.save(folder), invalidFile)
  await writeFile(join(folder, 'file'), 'x')
  await t.throwsAsync(embedding.save(join(folder, 'file', 'below')), invalidFile)
  t.deepEqual(await readdir(folder), ['file'])
})
