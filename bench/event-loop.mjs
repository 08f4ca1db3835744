/*
 * How long the event loop waits while 50 strings of 1 MB are encoded at once, by `encodeAsync` and `encodeBatchAsync`, and while they come in chunks
 * through `encodeStream`, and their ids through `decodeStream`:
 *
 *   node --import tsx bench/event-loop.mjs
 *
 * The delay is what `monitorEventLoopDelay` says beyond its resolution, for as long as the calls run; the process does nothing else.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { getEncoding } from '../src/index.ts'

const calls = 50
const megabyte = 1_000_000
const resolution = 1
const tokenizer = getEncoding('o200k_base')
let seed = 1
const random = () => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0)
/** Words that are mostly no tokens, with characters outside Latin-1 when `wide`; no two texts are the same. */
const makeText = (wide) => {
  let text = ''
  while (text.length < megabyte) text += `${random().toString(36)} ${wide ? '我们在这里 ' : 'and '}`
  return Buffer.from(text).toString() // flat, as a string that came from a file or a socket
}

const measure = async (name, texts, work) => {
  const histogram = monitorEventLoopDelay({ resolution })
  await sleep(50)
  histogram.enable()
  const start = performance.now()
  await work(texts)
  const spent = performance.now() - start
  histogram.disable()
  const delay = (percentile) => Math.max(0, histogram.percentile(percentile) / 1e6 - resolution).toFixed(1)
  console.log(
    `${name}: ${spent.toFixed(0)} ms, delay p50 ${delay(50)} p99 ${delay(99)} max ${delay(100)} ms (${histogram.count} samples)`,
  )
}

for (const wide of [false, true]) {
  const texts = Array.from({ length: calls }, () => makeText(wide))
  const kind = wide ? 'two-byte strings' : 'one-byte strings'
  for (let round = 0; round < 3; round++) {
    await measure(`${calls} × encodeAsync, ${kind}`, texts, (texts) =>
      Promise.all(texts.map((text) => tokenizer.encodeAsync(text))),
    )
  }
  await measure(`encodeBatchAsync of ${calls}, ${kind}`, texts, (texts) => tokenizer.encodeBatchAsync(texts))
}

/** All that comes out of `stream` when `chunks` go in. */
const through = async (stream, chunks) => {
  const out = []
  for await (const part of ReadableStream.from(chunks).pipeThrough(stream)) out.push(part)
  return out
}

const text = Array.from({ length: calls }, () => makeText(true)).join('')
for (const [size, name] of [
  [1 << 16, '64 Ki'],
  [1 << 20, '1 Mi'],
  [text.length, 'all'],
]) {
  const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
    text.slice(at * size, (at + 1) * size),
  )
  let ids = []
  await measure(`encodeStream, chunks of ${name} code units`, chunks, async (chunks) => {
    ids = await through(tokenizer.encodeStream(), chunks)
  })
  await measure(`decodeStream of what that gave`, ids, (ids) => through(tokenizer.decodeStream(), ids))
}
