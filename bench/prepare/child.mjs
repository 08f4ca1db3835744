/*
 * Ours: `child.mjs prepare OUT FILE…` writes a dataset; `child.mjs encode FILE…` encodes the same documents in memory, as many as a file has in one call,
 * and prints the seconds of these calls alone and the bytes of text.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { getEncoding, prepare } from '../../dist/index.js'

const [what, ...rest] = process.argv.slice(2)
const tokenizer = getEncoding('gpt2')

if (what === 'prepare') {
  const [outDir, ...inputs] = rest
  await prepare({ inputs, tokenizer, outDir, concurrency: 2 })
} else {
  let [seconds, bytes, tokens] = [0, 0, 0]
  for (const file of rest) {
    const lines = unpacked(file).toString().trimEnd().split('\n')
    const texts = lines.map((line) => Buffer.from(JSON.parse(line).text))
    const began = performance.now()
    const { ids } = await tokenizer.encodeBatchAsync(texts, { disallowedSpecial: [] })
    seconds += (performance.now() - began) / 1000
    bytes += texts.reduce((sum, { length }) => sum + length, 0)
    tokens += ids.length
  }
  console.log(JSON.stringify({ seconds, bytes, tokens }))
}

function unpacked(file) {
  if (file.endsWith('.zst')) return execFileSync('zstd', ['-dc', file], { maxBuffer: 2 ** 31 })
  return file.endsWith('.gz') ? gunzipSync(readFileSync(file)) : readFileSync(file)
}
