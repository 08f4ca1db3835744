/*
 * `npm run test:leak [-- SECONDS] [a word of a title]`: each kind of work again and again, for SECONDS (10 unless said), in a process of its own; what is resident
 * must not grow from the middle of the time on. The least of each fifth is compared, since it goes up and down with the garbage collector
 * and the allocator. Ends with `N passed, N failed`.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import * as tokenmill from '../../dist/index.js'

const { DataLoader, getEncoding, InputEmbedding, loadTokenizer, Optimizer, TokenStore, trainBpe, WindowDataset } =
  tokenmill

const text =
  'The mill stood where the river bent, and the river bent because the mill stood there. Mühle 水車 🌊 '.repeat(500)
/** Text of words that were never there before: what fills caches. */
const newText = (round) =>
  Array.from({ length: 2000 }, (_, index) => `${(round * 2000 + index).toString(36)}xq水`).join(' ')
const folder = mkdtempSync(join(tmpdir(), 'tokenmill-leak-'))
const drain = async (iterable) => {
  for await (const part of iterable) void part
}
const fails = (call) => {
  try {
    call()
  } catch {
    return
  }
  throw new Error('it does not fail')
}

/** By title: what a round does, after what is done once. */
const work = {
  'encode, count, decode': () => {
    const o200k = getEncoding('o200k_base')
    return (round) => o200k.decode(o200k.encode(newText(round))).length + o200k.count(text)
  },
  'ids of long texts': () => {
    const o200k = getEncoding('o200k_base')
    const [string, bytes] = [text.repeat(40), new TextEncoder().encode(text.repeat(30))]
    return () => [o200k.encode(string), o200k.encode(bytes)]
  },
  'offsets, truncate, chunk': () => {
    const o200k = getEncoding('o200k_base')
    return () => [o200k.encodeWithOffsets(text), o200k.truncate(text, 100), [...o200k.chunk(text, { maxTokens: 100 })]]
  },
  'batches, in promises too': () => {
    const o200k = getEncoding('o200k_base')
    return async (round) => {
      o200k.encodeBatch([text, newText(round)])
      await Promise.all([o200k.encodeAsync(text), o200k.encodeBatchAsync([text, text])])
    }
  },
  'what is stopped': () => {
    const o200k = getEncoding('o200k_base')
    return async () => {
      const controller = new AbortController()
      const under = o200k.encodeAsync(text, { signal: controller.signal })
      controller.abort()
      await under.catch(() => {})
    }
  },
  errors: () => {
    const o200k = getEncoding('o200k_base')
    return () => {
      fails(() => o200k.decode([2 ** 31]))
      fails(() => o200k.encode(`${text}<|endoftext|>`))
      fails(() => InputEmbedding.create({ vocabSize: 2 ** 31, contextLength: 2 ** 20, dimensions: 2 ** 20 }))
    }
  },
  'streams, given up ones too': () => {
    const o200k = getEncoding('o200k_base')
    return async () => {
      await drain(o200k.decodeChunks(o200k.encodeChunks([text, text])))
      const given = o200k.encodeChunks([text, text])
      await given.next()
      await given.return()
      o200k.encodeStream()
    }
  },
  'tokenizers that are trained, saved and loaded': () => {
    const file = join(folder, 'tokenizer.json')
    return async () => {
      const trained = await trainBpe({ texts: [text] }, { vocabSize: 320 })
      await trained.save(file)
      const loaded = await loadTokenizer(file)
      loaded.encode(text)
      loaded.withSpecialTokens({ '<x>': loaded.vocabSize })
    }
  },
  'stores and loaders, left open too': async () => {
    const input = join(folder, 'documents.jsonl')
    writeFileSync(input, `${JSON.stringify({ text })}\n`.repeat(50))
    const outDir = join(folder, 'data')
    await tokenmill.prepare({ inputs: [input], tokenizer: getEncoding('gpt2'), outDir })
    return async (round) => {
      const store = await TokenStore.open(outDir, { mode: round % 2 ? 'map' : 'read' })
      const dataset = new WindowDataset(store, { contextLength: 256 })
      await drain(new DataLoader(dataset, { batchSize: 16, shuffle: true, seed: round, prefetch: 2 }))
      if (round % 4 < 2) store.close()
    }
  },
  'preparing a corpus': () => {
    const input = join(folder, 'prepared.jsonl')
    writeFileSync(input, `${JSON.stringify({ text })}\n`.repeat(20))
    const outDir = join(folder, 'prepared')
    return async () => {
      await tokenmill.prepare({ inputs: [input], tokenizer: getEncoding('gpt2'), outDir })
      rmSync(outDir, { recursive: true })
    }
  },
  'embeddings, not disposed of too': () => {
    const ids = getEncoding('gpt2').encode(text).subarray(0, 512)
    return async (round) => {
      const embedding = InputEmbedding.create({ vocabSize: 50_257, contextLength: 128, dimensions: 16, seed: round })
      const optimizer = Optimizer.adamW(embedding.parameters(), { learningRate: 0.1 })
      const output = embedding.forward(ids, { shape: [4, 128], training: true })
      embedding.backward(output, new Float32Array(512 * 16).fill(1))
      optimizer.step()
      embedding.forward(ids, { shape: [4, 128] })
      await embedding.forwardAsync(ids, { shape: [4, 128] })
      if (round % 2) embedding.dispose()
    }
  },
  'word vectors': () => async () => {
    const settings = { dimensions: 64, minFrequency: 1, epochs: 1, threads: 1 }
    const vectors = await tokenmill.trainWordVectors({ texts: [text] }, settings)
    vectors.nearest('mill', 3)
  },
  'worker threads': () => {
    const url = JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)
    const file = join(folder, 'worker.mjs')
    writeFileSync(file, `import { getEncoding } from ${url}\ngetEncoding('gpt2').encode('the mill '.repeat(1000))`)
    return () => new Promise((done, fail) => new Worker(file).once('exit', done).once('error', fail))
  },
}

/** Bytes that may be added from the third fifth of the time to the last: by then the allocator has its pools, nearly. */
const allowedGrowth = 6e6

const soak = async (title, seconds) => {
  const round = await work[title]()
  const least = [Infinity, Infinity, Infinity, Infinity, Infinity]
  const begin = performance.now()
  let rounds = 0
  for (let fifth = 0; fifth < 5;) {
    for (let i = 0; i < 4; i++) await round(rounds++)
    await new Promise((done) => setImmediate(done)) // finalizers run between tasks
    globalThis.gc()
    await new Promise((done) => setImmediate(done))
    least[fifth] = Math.min(least[fifth], process.memoryUsage.rss())
    fifth = Math.floor((5 * (performance.now() - begin)) / 1000 / seconds)
  }
  return { rounds, least }
}

const report = ({ rounds, least }) =>
  `${rounds} rounds, ${least.map((bytes) => (bytes / 1e6).toFixed(1)).join(' → ')} MB`

const runAll = async (seconds, word) => {
  let [passed, failed] = [0, 0]
  for (const title of Object.keys(work).filter((title) => title.includes(word))) {
    const self = fileURLToPath(import.meta.url)
    const args = ['--expose-gc', self, String(seconds), title, 'here']
    try {
      const { stdout } = await promisify(execFile)(process.execPath, args)
      const { rounds, least } = JSON.parse(stdout)
      const grows = least[4] - least[2] > allowedGrowth
      if (grows) failed++
      else passed++
      console.log(`  ${grows ? '✘' : '✔'} ${title}: ${report({ rounds, least })}`)
    } catch (error) {
      failed++
      console.log(`  ✘ ${title}: ${error}`)
    }
  }
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed > 0 ? 1 : 0
}

const [seconds = '10', word = '', here] = process.argv.slice(2)
try {
  if (here) console.log(JSON.stringify(await soak(word, Number(seconds))))
  else await runAll(Number(seconds), word)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
