import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import * as tokenmill from '../src/index.ts'

/*
 * What some other code puts on `Object.prototype` is no option: every function gives the same as before, with no options and with the ones that it needs.
 */

const folder = mkdtempSync(join(tmpdir(), 'tokenmill-polluted-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

/**
 * The names of options that need not be there, without those that are read elsewhere too: `signal` and `name` by Node itself (for the one see
 * `special-tokens.test.ts`), `positionIds` of batches, which are data, and may be of a class.
 */
const names = [
  ...new Set(
    Array.from(
      readFileSync(new URL('../index.d.cts', import.meta.url), 'utf8').matchAll(
        /interface \w*(?:Options|Size|Checkpoint)\b[^{]*\{(.*?)^\}/gms,
      ),
    ).flatMap(([, body]) =>
      Array.from((body as string).matchAll(/^ *readonly (\w+)\?:/gm), ([, name]) => name as string),
    ),
  ),
].filter((name) => !['signal', 'name', 'positionIds'].includes(name))

/** Does `work` while all options are on `Object.prototype`, with a value that none of them can have. */
const polluted = async <T>(work: () => T | Promise<T>): Promise<T> => {
  const wrong = { value: Symbol('polluted'), configurable: true, writable: true }
  const everyObject: object = Object.prototype
  for (const name of names) Object.defineProperty(everyObject, name, wrong)
  try {
    return await work()
  } finally {
    for (const name of names) Reflect.deleteProperty(everyObject, name)
  }
}

const holds = async (t: ExecutionContext, calls: Readonly<Record<string, () => unknown>>): Promise<void> => {
  for (const [name, call] of Object.entries(calls)) {
    const before = await call()
    const outcome: unknown = await polluted(call).catch((error: unknown) => error)
    t.deepEqual(outcome, before, name)
  }
}

const file = (name: string, content: string): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const all = async <T>(values: AsyncIterable<T>): Promise<T[]> => {
  const list: T[] = []
  for await (const value of values) list.push(value)
  return list
}

const tokenizer = tokenmill.getEncoding('r50k_base')
const words = new tokenmill.WordTokenizer(tokenmill.Vocabulary.fromText('the mill stood where the river bent'))

test.serial('the names of options are found', (t) => {
  for (const name of ['allowedSpecial', 'padTo', 'format', 'maxTokenLength', 'threads', 'dtype', 'separator', 'dense'])
    t.true(names.includes(name), name)
})

test.serial('tokenizers', async (t) => {
  for (const of of [tokenizer, words] as readonly tokenmill.Tokenizer[]) {
    await holds(t, {
      encode: () => of.encode('the mill', {}),
      encodeAsync: () => of.encodeAsync('the mill'),
      'encodeAsync with options': () => of.encodeAsync('the mill', {}),
      encodeBatchAsync: () => of.encodeBatchAsync(['the mill']),
      encodePadded: () => of.encodePadded(['the', 'the mill'], {}),
      encodeSegments: () => of.encodeSegments([{ text: 'the mill', trusted: true }]),
      countAsync: () => of.countAsync('the mill'),
      truncate: () => of.truncate('the mill', 1, {}),
      chunk: () => [...of.chunk('the mill', { maxTokens: 2 })],
      chunkAsync: async () => [...(await of.chunkAsync('the mill', { maxTokens: 2 }))],
      decode: () => of.decode(of.encode('the mill'), {}),
      encodeWithOffsets: () => of.encodeWithOffsets('the mill', {}),
      encodeChunks: () => all(of.encodeChunks(['the mill'], {})),
      decodeChunks: () => all(of.decodeChunks([of.encode('the mill')], {})),
    })
  }
  await holds(t, {
    'Vocabulary.fromText': () => [...tokenmill.Vocabulary.fromText('a b', {})],
    WordTokenizer: () => new tokenmill.WordTokenizer(words.vocabulary, {}).encode('the mill'),
    withSpecialTokens: () => tokenizer.withSpecialTokens({ '<|a|>': 50300 }, {}).name,
    trainBpe: async () =>
      (await tokenmill.trainBpe({ texts: ['the mill stood where the river bent'] }, { vocabSize: 260 })).encode(
        'the mill',
      ),
    'trainBpe of files': async () =>
      (await tokenmill.trainBpe([file('train.txt', 'the mill stood')], { vocabSize: 260 })).encode('the mill'),
    encodeChat: () => tokenmill.encodeChat([{ role: 'user', content: 'Hi' }], { model: 'gpt-4o' }),
  })
})

test.serial('datasets', async (t) => {
  const ten = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
  const inputs = [file('text.txt', 'The mill stood where the river bent.')]
  let run = 0
  const windows = new tokenmill.WindowDataset(ten, { contextLength: 4, tails: 'keep' })
  await holds(t, {
    WindowDataset: () => new tokenmill.WindowDataset(ten, { contextLength: 4 }).get(1),
    'WindowDataset.batch': () => windows.batch(Float64Array.of(0, 1)),
    PackedDataset: () => new tokenmill.PackedDataset([Uint32Array.of(1, 2, 3)], { contextLength: 4 }).get(0, {}),
    DataLoader: () => [...new tokenmill.DataLoader(windows, { batchSize: 2 })],
    maskedTokens: () =>
      new tokenmill.WindowDataset(ten, {
        contextLength: 4,
        objective: tokenmill.maskedTokens({ maskId: 1, vocabSize: 20 }),
      }).get(0),
    prepare: () => tokenmill.prepare({ inputs, tokenizer, outDir: join(folder, `prepared ${run++}`) }),
    'prepare without separator': () =>
      tokenmill.prepare({ inputs, tokenizer, separator: null, outDir: join(folder, `prepared ${run++}`) }),
  })
})

test.serial('embeddings', async (t) => {
  const { Embedding, InputEmbedding, Optimizer, ropeTable } = tokenmill
  const values = async (of: { readonly parameters: () => readonly tokenmill.Parameter[] }) =>
    Promise.all(of.parameters().map((parameter) => parameter.data()))
  const data = new Float32Array(8)
  const table = Embedding.create({ count: 4, dimensions: 2 })
  const saved = join(folder, 'table.safetensors')
  await table.save(saved)
  const input = InputEmbedding.create({ vocabSize: 4, contextLength: 4, dimensions: 2 })
  const texts = ['the mill stood where the river bent '.repeat(3)]
  await holds(t, {
    'Embedding.create': () => values(Embedding.create({ count: 4, dimensions: 2 })),
    'Embedding.createAsync': async () => values(await Embedding.createAsync({ count: 4, dimensions: 2 })),
    'Embedding.fromArray': () => values(Embedding.fromArray(data, { count: 4, dimensions: 2 })),
    'Embedding.load': async () => values(await Embedding.load(saved)),
    'Embedding.forward': () => table.forward([1, 2], {}).toFloat32(),
    'InputEmbedding.create': () => values(InputEmbedding.create({ vocabSize: 4, contextLength: 4, dimensions: 2 })),
    'InputEmbedding.forward': () => input.forward([1, 2], {}).toFloat32(),
    'InputEmbedding.forwardAsync': async () => (await input.forwardAsync([1, 2])).toFloat32(),
    'Optimizer.adamW': () => Optimizer.adamW(table.parameters(), { learningRate: 0.1 }).state(),
    'Optimizer.sgd': () => Optimizer.sgd(table.parameters(), { learningRate: 0.1 }).state(),
    ropeTable: () => ropeTable({ contextLength: 4, headDimensions: 4 }),
    'ropeTable, scaled': () =>
      ropeTable({ contextLength: 4, headDimensions: 4, scaling: { type: 'linear', factor: 2 } }),
    trainWordVectors: async () =>
      (await tokenmill.trainWordVectors({ texts }, { dimensions: 2, minFrequency: 1 })).words,
    trainEmbedding: async () => {
      const dataset = new tokenmill.WindowDataset([1, 2, 3, 1, 2, 3], { contextLength: 2 })
      const options = { objective: 'nextToken', vocabSize: 4, dimensions: 2 } as const
      return (await tokenmill.trainEmbedding(dataset, options)).steps
    },
  })
})
