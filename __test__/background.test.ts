import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { TokenStore } from '../src/dataset/token-store.ts'
import { trainWordVectors } from '../src/embedding/train-word-vectors.ts'
import { WordVectors } from '../src/embedding/word-vectors.ts'
import { native } from '../src/native.ts'
import { getEncoding } from '../src/tokenizer/encodings.ts'
import { trainBpe } from '../src/tokenizer/train-bpe.ts'

/* The threads for work in the background are made to sleep, as if large batches kept them: that takes no processor from what is timed. */

const tokenizer = getEncoding('o200k_base')
const large = Array.from({ length: 20 }, (_, row) => `text ${row} `.repeat(1000))
const sleep = 3000

/** Whether `call` is done long before the threads are free again. */
const isNotKept = async (t: ExecutionContext, name: string, call: () => unknown): Promise<void> => {
  const start = performance.now()
  await call()
  t.true(performance.now() - start < sleep / 3, `${name} waited for the threads`)
}

test.serial('calls that return their result do not wait for work in the background', async (t) => {
  tokenizer.encodeBatch(large)
  const occupied = native().occupyThreads(sleep)
  await setTimeout(100)
  await isNotKept(t, 'countBatch of one text', () => tokenizer.countBatch(['hello']))
  await isNotKept(t, 'encodeBatch of one text', () => tokenizer.encodeBatch(['hello']))
  await isNotKept(t, 'countBatch', () => tokenizer.countBatch(large))
  await isNotKept(t, 'encodeBatch', () => tokenizer.encodeBatch(large))
  await occupied
})

test.serial('few texts off the event loop do not wait for large batches', async (t) => {
  const occupied = native().occupyThreads(sleep)
  await setTimeout(100)
  await isNotKept(t, 'encodeAsync', () => tokenizer.encodeAsync('hello'))
  await isNotKept(t, 'countBatchAsync', () => tokenizer.countBatchAsync(['hello']))
  await isNotKept(t, 'encodeBatchAsync', () => tokenizer.encodeBatchAsync(['hello', 'world']))
  await occupied
})

test.serial('large batches keep none of the threads that read files and encode short texts', async (t) => {
  const occupied = native().occupyThreads(sleep)
  await setTimeout(100)
  const batches = Array.from({ length: 6 }, () => tokenizer.encodeBatchAsync(large))
  const long = tokenizer.countAsync('a long text '.repeat(50_000))
  await isNotKept(t, 'readFile', () => readFile(new URL(import.meta.url)))
  await isNotKept(t, 'encodeAsync', () => tokenizer.encodeAsync('hello'))
  await occupied
  for (const batch of await Promise.all(batches)) t.deepEqual(batch, tokenizer.encodeBatch(large))
  t.is(await long, tokenizer.count('a long text '.repeat(50_000)))
})

test.serial('trainings, large rows of ids and vectors that are read keep none of them either', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tokenmill-background-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const [ids, vectors] = [join(folder, 'ids.bin'), join(folder, 'vectors.txt')]
  writeFileSync(ids, new Uint32Array(2 ** 20))
  writeFileSync(vectors, 'a 1 0\nb 0 1\n')
  const store = await TokenStore.open(ids, { dtype: 'uint32' })
  const occupied = native().occupyThreads(sleep)
  await setTimeout(100)
  const texts = ['the mill stood where the river bent '.repeat(100)]
  const work = [
    ...Array.from({ length: 2 }, () => trainBpe({ texts }, { vocabSize: 260 })),
    ...Array.from({ length: 2 }, () => trainWordVectors({ texts }, { dimensions: 2, epochs: 1, threads: 1 })),
    ...Array.from({ length: 2 }, () => WordVectors.load(vectors)),
    ...Array.from({ length: 2 }, () => store.gatherAsync(Float64Array.of(0), 2 ** 20)),
  ]
  await isNotKept(t, 'readFile', () => readFile(new URL(import.meta.url)))
  await isNotKept(t, 'encodeAsync', () => tokenizer.encodeAsync('hello'))
  await occupied
  await Promise.all(work)
  store.close()
})

test('few texts have the ids, counts and errors of each', async (t) => {
  const texts = ['hello world', '', Buffer.from('bytes'), '<|endoftext|>']
  const options = { allowedSpecial: 'all' } as const
  const rows = texts.map((text) => tokenizer.encode(text, options))
  t.deepEqual([...tokenizer.encodeBatch(texts, options)], rows)
  t.deepEqual([...(await tokenizer.encodeBatchAsync(texts, options))], rows)
  const counts = Uint32Array.from(rows, (row) => row.length)
  t.deepEqual(tokenizer.countBatch(texts, options), counts)
  t.deepEqual(await tokenizer.countBatchAsync(texts, options), counts)
  const refused = { code: 'ERR_SPECIAL_TOKEN', message: /texts\[3\]/ }
  t.throws(() => tokenizer.encodeBatch(texts), refused)
  t.throws(() => tokenizer.countBatch(texts, { disallowedSpecial: 'all' }), refused)
  await t.throwsAsync(tokenizer.encodeBatchAsync(texts), refused)
})
