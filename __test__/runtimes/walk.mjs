/*
 * The walk in a runtime that may not be Node: what crosses the native boundary in each direction, and what leans on the runtime (streams, signals, files, threads).
 * Run by `npm run test:runtimes`, which explains the runtimes. Ends with `N passed, N failed`.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { Worker } from 'node:worker_threads'
import * as tokenmill from '../../dist/index.js'

const { DataLoader, getEncoding, InputEmbedding, Optimizer, TokenmillError, TokenStore, WindowDataset } = tokenmill
const o200k = getEncoding('o200k_base')
const story = 'The mill stood where the river bent, and the river bent because the mill stood there. Mühle 水車 🌊 '
const text = story.repeat(50)
const ids = o200k.encode(text)
const folder = mkdtempSync(join(tmpdir(), 'tokenmill-runtimes-'))
const collect = async (iterable) => {
  const all = []
  for await (const part of iterable) all.push(...part)
  return all
}
const coded = (code) => (error) => error instanceof TokenmillError && error.code === code

const checks = {
  'text to ids and back': () => {
    assert.deepEqual([...o200k.encode('hello world')], [24912, 2375])
    assert.ok(ids instanceof Uint32Array)
    assert.equal(o200k.decode(ids), text)
    assert.deepEqual(o200k.encode(new TextEncoder().encode(text)), ids)
    assert.equal(o200k.count(text), ids.length)
    assert.equal(o200k.decode(o200k.encode('a\uD800b')), 'a\uFFFDb')
  },
  'offsets, limits and chunks': () => {
    const { offsets, ends } = o200k.encodeWithOffsets(text)
    assert.equal(offsets.at(-1), text.length)
    assert.ok(ends.every((end, index) => end >= offsets[index]))
    assert.equal(o200k.isWithinLimit(text, 10), false)
    assert.ok(o200k.count(o200k.truncate(text, 10)) <= 10)
    assert.equal([...o200k.chunk(text, { maxTokens: 64 })].map((chunk) => chunk.text).join(''), text)
  },
  'batches and promises': async () => {
    assert.deepEqual([...o200k.encodeBatch([text, 'a b']).ids], [...ids, ...o200k.encode('a b')])
    assert.deepEqual(await o200k.encodeAsync(text), ids)
    assert.equal((await o200k.encodeBatchAsync([text, text])).ids.length, 2 * ids.length)
  },
  'errors have a class, a code and a stack of the caller': async () => {
    assert.throws(() => o200k.decode([4_000_000]), coded('ERR_OUT_OF_RANGE'))
    assert.throws(() => o200k.encode('<|endoftext|>'), coded('ERR_SPECIAL_TOKEN'))
    assert.throws(() => o200k.encode(1), coded('ERR_INVALID_ARGUMENT'))
    await assert.rejects(tokenmill.loadTokenizer(join(folder, 'none.json')), coded('ERR_INVALID_FILE'))
  },
  'a signal stops what is under way': async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const under = o200k.encodeAsync(text.repeat(2000), { signal: controller.signal })
    controller.abort(reason)
    await assert.rejects(under, (error) => error === reason)
  },
  streams: async () => {
    const parts = text.match(/.{1,7}/gsu)
    const stream = new ReadableStream({
      start: (controller) => {
        for (const part of parts) controller.enqueue(part)
        controller.close()
      },
    })
    assert.deepEqual(await collect(stream.pipeThrough(o200k.encodeStream())), [...ids])
    assert.deepEqual(await collect(o200k.encodeChunks(parts)), [...ids])
    assert.equal((await collect(o200k.decodeChunks([ids]))).join(''), text)
  },
  'files: a trained tokenizer, a dataset, its store': async () => {
    const trained = await tokenmill.trainBpe({ texts: [text] }, { vocabSize: 300 })
    const file = join(folder, 'tokenizer.json')
    await trained.save(file)
    const loaded = await tokenmill.loadTokenizer(file)
    assert.deepEqual(loaded.encode(text), trained.encode(text))
    const input = join(folder, 'documents.jsonl')
    writeFileSync(input, `${JSON.stringify({ text })}\n`.repeat(20))
    const outDir = join(folder, 'data')
    const manifest = await tokenmill.prepare({ inputs: [input], tokenizer: getEncoding('gpt2'), outDir })
    const store = await TokenStore.open(outDir)
    assert.equal(store.length, manifest.counts.tokens)
    const batches = await collect(
      (async function* () {
        const loader = new DataLoader(new WindowDataset(store, { contextLength: 32 }), {
          batchSize: 4,
          shuffle: true,
          seed: 1,
        })
        for await (const { shape } of loader) yield shape
      })(),
    )
    assert.ok(batches.length > 10)
    store.close()
  },
  'windows, embedding, gradients': async () => {
    const dataset = new WindowDataset(ids, { contextLength: 16, stride: 8 })
    const embedding = InputEmbedding.create({ vocabSize: o200k.vocabSize, contextLength: 16, dimensions: 8, seed: 1 })
    const optimizer = Optimizer.adamW(embedding.parameters(), { learningRate: 0.1 })
    for (const batch of new DataLoader(dataset, { batchSize: 8 })) {
      const output = embedding.forward(batch, { training: true })
      assert.deepEqual([...output.shape], [...batch.shape, 8])
      const before = await output.data()
      embedding.backward(output, new Float32Array(before.length).fill(1))
      optimizer.step()
      optimizer.zeroGrad()
      assert.notDeepEqual(embedding.forward(batch).dataSync(), before)
      output.dispose()
    }
    embedding.dispose()
    assert.throws(() => embedding.forward(ids), coded('ERR_DISPOSED'))
  },
  'require() gives the same module': () => {
    assert.equal(createRequire(import.meta.url)('../../dist/index.cjs').TokenmillError, TokenmillError)
  },
  'a worker thread has the addon too': async () => {
    const url = new URL('../../dist/index.js', import.meta.url).href
    const source = `import { parentPort } from 'node:worker_threads'
      import { getEncoding } from ${JSON.stringify(url)}
      parentPort.postMessage(getEncoding('o200k_base').count('hello world'))`
    const file = join(folder, 'worker.mjs')
    writeFileSync(file, source)
    const worker = new Worker(file)
    const count = await new Promise((done, fail) => worker.once('message', done).once('error', fail))
    assert.equal(count, 2)
    await worker.terminate()
  },
}

let [passed, failed] = [0, 0]
for (const [title, check] of Object.entries(checks)) {
  try {
    await check()
    passed++
    console.log(`  ✔ ${title}`)
  } catch (error) {
    failed++
    console.log(`  ✘ ${title}\n${error?.stack ?? error}`)
  }
}
rmSync(folder, { recursive: true, force: true })
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
