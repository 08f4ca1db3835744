import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import test from 'ava'
import { ensureTypeScript } from '../scripts/lib/ensure.mjs'

/*
 * Node takes borrowed memory back between turns of the event loop: a loop that awaits nothing must not pile up what it has forgotten. A process of its
 * own makes arrays of 400 MB and more by each call, and says by how many MB it has grown.
 */

const main = `
import { Embedding, getEncoding, Optimizer } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)}

const tokenizer = getEncoding('o200k_base')
const text = 'The mill stood where the river bent. '.repeat(40_000)
const bytes = Buffer.from(text)
const rows = Array.from({ length: 100 }, (_, row) => text.slice(row, row + 10_000))
const ids = tokenizer.encode(text)
const indexed = text.slice(0, 100_000)
const few = ids.subarray(0, 100_000)
const embedding = Embedding.create({ count: 2000, dimensions: 100 })
const optimizer = Optimizer.adamW(embedding.parameters(), { learningRate: 1e-3 })
const rowIds = Uint32Array.from({ length: 2000 }, (_, row) => row)
const output = embedding.forward(rowIds)
embedding.backward(output, new Float32Array(200_000).fill(1))
optimizer.step()
const calls = {
  encode: () => tokenizer.encode(text),
  'encode bytes': () => tokenizer.encode(bytes),
  'encode a short text': () => tokenizer.encode(rows[0].repeat(20)),
  encodeWithOffsets: () => tokenizer.encodeWithOffsets(text),
  'encodeWithOffsets bytes': () => tokenizer.encodeWithOffsets(bytes),
  encodeBatch: () => tokenizer.encodeBatch(rows),
  decodeBytes: () => tokenizer.decodeBytes(few),
  'Parameter.grad': () => embedding.parameters()[0].grad(),
  'Optimizer.state': () => optimizer.state(),
  // Its memory is native; it has as many bytes as its text at least.
  countIndex: () => (tokenizer.countIndex(indexed), bytes.subarray(0, indexed.length)),
  idToBytes: () => ids.forEach((id) => tokenizer.idToBytes(id)),
}
const made = (result) => {
  if (result === undefined) return ids.length * 200 // those of one byte have a few hundred that are not theirs
  if (ArrayBuffer.isView(result)) return result.byteLength
  return typeof result === 'object' ? Object.values(result).reduce((sum, value) => sum + made(value), 0) : 0
}
const results = {}
for (const [name, call] of Object.entries(calls)) {
  for (let round = 0; round < 5; round++) call()
  const before = process.memoryUsage.rss()
  for (let bytes = 0; bytes < 4e8;) bytes += made(call())
  results[name] = Math.round((process.memoryUsage.rss() - before) / 1e6)
}
console.log(JSON.stringify(results))
`

test('arrays that nobody has any more give their memory back within a turn of the event loop', async (t) => {
  await ensureTypeScript()
  const program = ['--input-type=module', '--eval', main]
  const { stdout } = await promisify(execFile)(process.execPath, program, { timeout: 100_000 })
  t.log(stdout)
  for (const [name, grown] of Object.entries(JSON.parse(stdout) as Record<string, number>)) t.true(grown < 80, name)
})
