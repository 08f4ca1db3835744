import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import test from 'ava'
import { ensureTypeScript } from '../scripts/lib/ensure.mjs'

/*
 * Worker threads that are ended in the middle of a native call must not take the process with them. A process of its own
 * does it, so that its exit code tells. The workers use dist/: compiling TypeScript in each of them would be most of the time.
 */

const workers = 50

const worker = `
import { parentPort, workerData } from 'node:worker_threads'
import { getEncoding, InputEmbedding } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)}
const tokenizer = getEncoding('gpt2')
const text = 'The mill stood where the river bent. '.repeat(20_000)
const { way } = workerData
// Each way is in native code when the worker ends: off the event loop, or in the thread itself.
if (way === 'async') for (let i = 0; i < 8; i++) void tokenizer.encodeAsync(text)
if (way === 'batch') void tokenizer.encodeBatchAsync(Array.from({ length: 50 }, () => text))
if (way === 'count') for (let i = 0; i < 8; i++) void tokenizer.countBatchAsync([text, text])
if (way === 'chunk') for (let i = 0; i < 8; i++) void tokenizer.chunkAsync(text, { maxTokens: 50, boundary: 'word' })
if (way === 'embedding') {
  const embedding = InputEmbedding.create({ vocabSize: 50_257, contextLength: 64, dimensions: 64 })
  for (let i = 0; i < 8; i++) void embedding.forwardAsync(new Uint32Array(64 * 64), { shape: [64, 64] })
}
parentPort.postMessage('in the middle')
if (way === 'exit') {
  void tokenizer.encodeAsync(text)
  process.exit(0)
}
if (way === 'sync') for (;;) tokenizer.encode(text)
`

const main = `
import { Worker } from 'node:worker_threads'
const source = new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(worker)}))
const ways = ['async', 'batch', 'embedding', 'exit', 'sync', 'count', 'chunk']
let seen = 0
const one = (i) =>
  new Promise((done, fail) => {
    const worker = new Worker(source, { workerData: { way: ways[i % ways.length] } })
    worker.on('message', () => {
      seen++
      // Some at once, some a little later, so that the call is at different places.
      setTimeout(() => worker.terminate(), (i * 7) % 30)
    })
    worker.on('error', fail)
    worker.on('exit', done)
  })
for (let i = 0; i < ${workers}; i += 5) await Promise.all([0, 1, 2, 3, 4].map((k) => one(i + k)))

// The process still works, and so does the addon.
const { getEncoding } = await import(${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)})
console.log(seen, [...(await getEncoding('gpt2').encodeAsync('hello world'))].join(' '))
`

test.before(async () => {
  await ensureTypeScript()
})

test(`${workers} workers that end in the middle of a call leave the process alive`, async (t) => {
  t.timeout(110_000)
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', main], {
    timeout: 100_000,
  })
  t.is(stdout.trim(), `${workers} 31373 995`)
})
