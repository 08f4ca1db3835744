import { runInNewContext } from 'node:vm'
import test from 'ava'
import { Embedding } from '../src/embedding/embedding.ts'
import { getEncoding } from '../src/tokenizer/encodings.ts'
import { loadTokenizer } from '../src/tokenizer/load.ts'
import { trainBpe } from '../src/tokenizer/train-bpe.ts'
import { jsonFile } from './tokenizer/json-cases.ts'

/* Values of another realm (`node:vm`, some test runners) are instances of other classes, and the same in all else. */

const realm = runInNewContext('({ Uint8Array, Uint32Array, Float32Array, SharedArrayBuffer, Map, Set })') as Pick<
  typeof globalThis,
  'Uint8Array' | 'Uint32Array' | 'Float32Array' | 'SharedArrayBuffer' | 'Map' | 'Set'
>
const o200k = getEncoding('o200k_base')
/** Two characters that form C joins. */
const decomposed = new TextEncoder().encode('cafe\u0301 cafe\u0301')

test('bytes are normalized', async (t) => {
  const tokenizer = await loadTokenizer(jsonFile('qwen2'))
  const expected = tokenizer.encode(decomposed)
  t.deepEqual(expected, tokenizer.encode('caf\u00e9 caf\u00e9'))
  const bytes = new realm.Uint8Array(decomposed)
  t.false(bytes instanceof Uint8Array)
  t.deepEqual(tokenizer.encode(bytes), expected)
  t.is(tokenizer.count(bytes), expected.length)
})

test('shared bytes are read as others are', (t) => {
  const shared = new realm.Uint8Array(new realm.SharedArrayBuffer(decomposed.length))
  shared.set(decomposed)
  t.deepEqual(o200k.encode(shared), o200k.encode(decomposed))
})

test('bytes are trained on', async (t) => {
  const options = { vocabSize: 258 }
  const own = await trainBpe({ texts: ['low low low'] }, options)
  const other = await trainBpe({ texts: [new realm.Uint8Array(new TextEncoder().encode('low low low'))] }, options)
  t.is(other.fingerprint, own.fingerprint)
})

test('bytes are no source of chunks', (t) => {
  t.throws(() => o200k.encodeChunks(new realm.Uint8Array(3) as never), { code: 'ERR_INVALID_ARGUMENT' })
})

test('ids are decoded', (t) => {
  t.is(o200k.decode(new realm.Uint32Array([24912, 2375])), 'hello world')
})

test('special tokens come in a Map, their names in a Set', (t) => {
  const tokenizer = o200k.withSpecialTokens(new realm.Map([['<|pad|>', 300_000]]))
  t.deepEqual([...tokenizer.encode('<|pad|>', { allowedSpecial: new realm.Set(['<|pad|>']) })], [300_000])
})

test('rows are written into an array', (t) => {
  const embedding = Embedding.create({ count: 4, dimensions: 2, seed: 1 })
  const out = new realm.Float32Array(4)
  embedding.forward([1, 3], { out })
  t.deepEqual([...out], [...embedding.forward([1, 3]).dataSync()])
  embedding.dispose()
})
