import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import test from 'ava'
import { ensureTypeScript } from '../scripts/lib/ensure.mjs'

/*
 * Ids and texts for which there is no memory are errors, and the process goes on. A process of its own does it, which gives itself a limit.
 */

const main = `
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { getEncoding, trainWordVectors } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)}

const mebibyte = 1 << 20
const addresses = () => /VmSize:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1] * 1024

const tokenizer = getEncoding('o200k_base')
const bytes = Buffer.alloc(40 * mebibyte, 'The mill stood where the river bent. ')
const text = bytes.toString('latin1')
const letters = Buffer.alloc(20 * mebibyte, 'ba').toString('latin1')
const notUtf8 = Buffer.alloc(20 * mebibyte, 0xff)
const special = Buffer.alloc(200 * mebibyte, '<|endoftext|>').toString('latin1')
const many = Array.from({ length: 400 }, (_, row) => text.slice(row, row + 100_000))
const ids = new Uint32Array(8 * mebibyte).fill(1000)
const parts = new Uint32Array(8 * mebibyte).fill(tokenizer.encode('𝔪')[0])
const stream = async (source, options) => {
  for await (const _ of tokenizer.encodeChunks([source], options));
}
const calls = {
  encode: () => tokenizer.encode(text),
  'encode bytes': () => tokenizer.encode(bytes),
  'encode what is not UTF-8': () => tokenizer.encode(notUtf8),
  'encode special tokens': () => tokenizer.encode(special, { allowedSpecial: 'all' }),
  'encode one piece': () => tokenizer.encode(letters),
  encodeWithOffsets: () => tokenizer.encodeWithOffsets(text),
  'encodeWithOffsets bytes': () => tokenizer.encodeWithOffsets(bytes),
  'encodeWithOffsets and words': () => tokenizer.encodeWithOffsets(text, { wordIds: true }),
  encodePadded: () => tokenizer.encodePadded(['a'], { padTo: 64 * mebibyte }),
  'encodePadded with offsets': () => tokenizer.encodePadded(['a'], { padTo: 1.5 * mebibyte, offsets: true }),
  encodeAsync: () => tokenizer.encodeAsync(text),
  'encodeAsync bytes': () => tokenizer.encodeAsync(bytes),
  encodeBatch: () => tokenizer.encodeBatch([text]),
  'encodeBatch of many': () => tokenizer.encodeBatch(many),
  encodeBatchAsync: () => tokenizer.encodeBatchAsync([bytes]),
  'encodeBatchAsync of many': () => tokenizer.encodeBatchAsync(many),
  countAsync: () => tokenizer.countAsync(text),
  'countBatchAsync of many': () => tokenizer.countBatchAsync(many),
  encodeChunks: () => stream(text),
  'encodeChunks bytes': () => stream(bytes),
  chunk: () => [...tokenizer.chunk(text, { maxTokens: 100 })],
  countIndex: () => tokenizer.countIndex(text),
  trainWordVectors: () => trainWordVectors({ texts: ['the mill and the river '.repeat(100)] }, { threads: 512 }),
  decode: () => tokenizer.decode(ids),
  'decode parts of characters': () => tokenizer.decode(parts),
  decodeBytes: () => tokenizer.decodeBytes(ids),
}
// What is made once is there.
const expected = String(tokenizer.encode('The mill stands.'))
tokenizer.encodeBatch(many.slice(0, 8))
await tokenizer.encodeBatchAsync(many.slice(0, 8))
await tokenizer.encodeAsync(many[0])
tokenizer.decode(ids.subarray(0, 10_000))

// Buffers that are no more, and threads that have just been used, give some back.
gc()
let before
for (let same = 0; same < 5; same++) {
  const now = addresses()
  if (now !== before) same = 0
  before = now
  await setTimeout(50)
}
const results = {}
const limit = before + 16 * mebibyte
execFileSync('prlimit', ['--pid', String(process.pid), '--as=' + limit + ':'])
for (const [name, call] of Object.entries(calls)) {
  try {
    await call()
    results[name] = 'no error'
  } catch (error) {
    results[name] = error.code ?? String(error)
  }
  if (String(tokenizer.encode('The mill stands.')) !== expected) results[name] = 'other ids'
}
console.log(JSON.stringify(results))
`

const onLinux = process.platform === 'linux' ? test : test.skip

onLinux('what has no memory is ERR_LIMIT, and the process goes on', async (t) => {
  await ensureTypeScript()
  const program = ['--expose-gc', '--input-type=module', '--eval', main]
  const { stdout } = await promisify(execFile)(process.execPath, program, { timeout: 100_000 })
  for (const [name, code] of Object.entries(JSON.parse(stdout) as Record<string, string>)) t.is(code, 'ERR_LIMIT', name)
})

const refused = `
import { getEncoding } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)}

const tokenizer = getEncoding('o200k_base')
const text = Buffer.concat([Buffer.alloc(32 << 20, 'a b '), Buffer.from('<|endoftext|>')]).toString('latin1')
const taken = {}
for (const [name, call] of Object.entries({
  encodeWithOffsets: (text) => tokenizer.encodeWithOffsets(text),
  truncate: (text) => tokenizer.truncate(text, 1 << 30, { disallowedSpecial: 'all' }),
  isWithinLimit: (text) => tokenizer.isWithinLimit(text, 1 << 30, { disallowedSpecial: 'all' }),
})) {
  call('a b')
  const before = process.memoryUsage.rss()
  try {
    call(text)
  } catch (error) {
    taken[name] = [error.code, (process.memoryUsage.rss() - before) / 2 ** 20]
  }
}
console.log(JSON.stringify(taken))
`

onLinux('what a long text took is given back when its call fails', async (t) => {
  await ensureTypeScript()
  const program = ['--input-type=module', '--eval', refused]
  const { stdout } = await promisify(execFile)(process.execPath, program, { timeout: 100_000 })
  const taken = JSON.parse(stdout) as Record<string, [code: string, mebibytes: number]>
  t.deepEqual(Object.keys(taken), ['encodeWithOffsets', 'truncate', 'isWithinLimit'])
  for (const [name, [code, mebibytes]] of Object.entries(taken)) {
    t.is(code, 'ERR_SPECIAL_TOKEN', name)
    t.true(mebibytes < 30, `${name} keeps ${mebibytes.toFixed()} MiB`)
  }
})

const failedBatch = `
import { setTimeout } from 'node:timers/promises'
import { getEncoding } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)}

const tokenizer = getEncoding('o200k_base')
const part = 'a b c d '.repeat(12_500)
// An id for two bytes: 160 MB.
const texts = Array.from({ length: 800 }, () => part)
const resident = async () => {
  for (let round = 0; round < 4; round++) {
    gc()
    await setTimeout(50)
  }
  return process.memoryUsage.rss() / 2 ** 20
}
await tokenizer.encodeBatchAsync(texts.slice(0, 100))
const before = await resident()
let code
try {
  await tokenizer.encodeBatchAsync([...texts, '<|endoftext|>'])
} catch (error) {
  code = error.code
}
console.log(JSON.stringify([code, (await resident()) - before]))
`

onLinux('the ids of a batch that failed are given back', async (t) => {
  await ensureTypeScript()
  const program = ['--expose-gc', '--input-type=module', '--eval', failedBatch]
  const { stdout } = await promisify(execFile)(process.execPath, program, { timeout: 100_000 })
  const [code, mebibytes] = JSON.parse(stdout) as [code: string, mebibytes: number]
  t.is(code, 'ERR_SPECIAL_TOKEN')
  t.true(mebibytes < 110, `${mebibytes.toFixed()} MiB are kept`)
})

const onOneThread = `
import { getEncoding } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)}

const tokenizer = getEncoding('o200k_base')
const text = 'The mill stood where the river bent, and nobody knew since when. '.repeat(150)
const texts = Array.from({ length: 4000 }, (_, row) => text.slice(row % 500))
tokenizer.encodeBatch(texts.slice(0, 100))
const before = process.resourceUsage().maxRSS
const { ids } = tokenizer.encodeBatch(texts)
console.log(JSON.stringify([ids.byteLength / 2 ** 20, (process.resourceUsage().maxRSS - before) / 2 ** 10]))
`

onLinux('a batch on one thread takes hardly more memory than its ids', async (t) => {
  await ensureTypeScript()
  const program = ['--input-type=module', '--eval', onOneThread]
  const env = { ...process.env, TOKENMILL_THREADS: '1' }
  const { stdout } = await promisify(execFile)(process.execPath, program, { timeout: 100_000, env })
  const [ids, taken] = JSON.parse(stdout) as [ids: number, taken: number]
  t.true(ids > 30 && taken < ids + 10, `${taken.toFixed()} MiB for ids of ${ids.toFixed()}`)
})
