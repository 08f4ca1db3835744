import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import type { Manifest, SplitManifest } from '../../src/dataset/manifest.ts'
import { prepare } from '../../src/dataset/prepare.ts'
import { TokenStore } from '../../src/dataset/token-store.ts'
import { getEncoding } from '../../src/tokenizer/encodings.ts'

const folder = mkdtempSync(join(tmpdir(), 'tokenmill-store-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))
const at = (name: string) => join(folder, name)

const ids = Uint32Array.from({ length: 10_000 }, (_, index) => (index * 7919) % 50257)
writeFileSync(at('ids'), Uint16Array.from(ids))
const tokenizer = getEncoding('gpt2')
writeFileSync(at('text.txt'), 'one two\nthree\nfour five six\n')
const dataset = prepare({
  inputs: [at('text.txt')],
  tokenizer,
  outDir: at('data'),
  inputFormat: 'lines',
  shardTokens: 3,
})

for (const mode of ['map', 'read'] as const) {
  test(`${mode}: ids are copied from any place`, async (t) => {
    const store = await TokenStore.open(pathToFileURL(at('ids')), { dtype: 'uint16', mode })
    t.is(store.length, 10_000)
    t.deepEqual(store.slice(), ids)
    t.deepEqual(store.slice(-3), ids.slice(-3))
    t.deepEqual(store.slice(5, -9000), ids.slice(5, -9000))
    t.deepEqual(store.slice(7, 3), new Uint32Array())
    t.deepEqual(
      [store.at(0), store.at(-1), store.at(10_000), store.at(-10_001)],
      [ids[0], ids[9999], undefined, undefined],
    )

    const starts = Float64Array.of(0, 9990, 17)
    const rows = Uint32Array.from([...starts].flatMap((start) => [...ids.slice(start, start + 10)]))
    t.deepEqual(store.gather(starts, 10), rows)
    t.deepEqual(await store.gatherAsync(starts, 10), rows)
    const out = new Uint32Array(30)
    t.is(store.gather(starts, 10, out), out)
    t.deepEqual(out, rows)
    const { inputs, targets, shape } = store.windows(Float64Array.of(3, 100), 4)
    t.deepEqual([...inputs], [...ids.slice(3, 7), ...ids.slice(100, 104)])
    t.deepEqual([...targets], [...ids.slice(4, 8), ...ids.slice(101, 105)])
    t.deepEqual(shape, [2, 4])

    // What was copied stays, and a writer writes into nobody's file.
    const copy = store.slice(0, 4)
    copy.fill(0)
    t.deepEqual(store.slice(0, 4), ids.slice(0, 4))
    store.close()
    store.close()
    t.throws(() => store.slice(), { code: 'ERR_DISPOSED' })
    t.throws(() => store.gather(starts, 1), { code: 'ERR_DISPOSED' })
    await t.throwsAsync(store.gatherAsync(starts, 1), { code: 'ERR_DISPOSED' })
  })
}

test('places that do not exist are refused and nothing is written', async (t) => {
  using store = await TokenStore.open(at('ids'), { dtype: 'uint16' })
  const out = new Uint32Array(4).fill(7)
  for (const start of [9999, -1, 0.5, NaN, Infinity, 2 ** 60]) {
    t.throws(() => store.gather(Float64Array.of(0, start), 2, out.fill(7)), { code: 'ERR_OUT_OF_RANGE' }, String(start))
    t.deepEqual([...out], [7, 7, 7, 7])
  }
  t.throws(() => store.windows(Float64Array.of(9998), 2), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => store.gather([0] as never, 2), { code: 'ERR_INVALID_ARGUMENT' })
  t.throws(() => store.gather(Float64Array.of(0), 2, new Uint32Array(3)), { code: 'ERR_INVALID_ARGUMENT' })
  t.throws(() => store.gather(Float64Array.of(0, 0), 2 ** 32 - 1), { code: 'ERR_LIMIT' })
  t.throws(() => store.at(1.5), { code: 'ERR_INVALID_ARGUMENT' })
})

test('arrays for a batch that lie over one another are refused', async (t) => {
  using store = await TokenStore.open(at('ids'), { dtype: 'uint16' })
  const memory = new ArrayBuffer(64)
  const out = { inputs: new Uint32Array(memory, 0, 8), targets: new Int32Array(memory, 16, 8) }
  t.throws(() => store.windows(Float64Array.of(0), 8, out), {
    code: 'ERR_INVALID_ARGUMENT',
    message: 'expected arrays for inputs and targets that have no memory in common',
  })
})

test('arrays that other threads see are not written', async (t) => {
  using store = await TokenStore.open(at('ids'), { dtype: 'uint16' })
  const shared = new SharedArrayBuffer(32)
  const refused = (name: string) => ({
    code: 'ERR_INVALID_ARGUMENT',
    message: new RegExp(`that is not shared with other threads for ${name}, received`),
  })
  t.throws(() => store.gather(Float64Array.of(1), 8, new Uint32Array(shared as never)), refused('out'))
  const [inputs, targets] = [new Uint32Array(8), new Int32Array(8)]
  t.throws(
    () => store.windows(Float64Array.of(1), 8, { inputs: new Uint32Array(shared as never), targets }),
    refused('out.inputs'),
  )
  t.throws(
    () => store.windows(Float64Array.of(1), 8, { inputs, targets: new Int32Array(shared as never) }),
    refused('out.targets'),
  )
  t.deepEqual(new Uint8Array(shared), new Uint8Array(32))
})

test('documents are where the dataset says', async (t) => {
  const manifest = await dataset
  using store = await TokenStore.open(at('data'))
  const lines = ['one two', 'three', 'four five six'].map((line) => [...tokenizer.encode(line), 50256])
  t.deepEqual([...store.slice()], lines.flat())
  t.is(manifest.splits.train?.shards.length, Math.ceil(lines.flat().length / 3))
  const { documents } = store
  t.is(documents?.length, 3)
  const first = lines[0]?.length ?? 0
  t.deepEqual(documents?.starts(0, 3), Float64Array.of(0, first, first + (lines[1]?.length ?? 0)))
  t.deepEqual(
    [documents?.at(0), documents?.at(first - 1), documents?.at(first), documents?.at(store.length - 1)],
    [0, 0, 1, 2],
  )
  t.throws(() => documents?.start(3), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => documents?.at(store.length), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => documents?.starts(0, 2 ** 32 - 1), { code: 'ERR_OUT_OF_RANGE' })
})

test('another tokenizer, an unknown split and what is no dataset are refused', async (t) => {
  await dataset
  await t.throwsAsync(TokenStore.open(at('data'), { tokenizer: getEncoding('cl100k_base') }), {
    code: 'ERR_INVALID_ARGUMENT',
    message: /^expected the tokenizer of the dataset, gpt2 with the fingerprint .*, received cl100k_base with/,
  })
  await t.throwsAsync(TokenStore.open(at('data'), { split: 'val' }), { code: 'ERR_INVALID_ARGUMENT' })
  await t.throwsAsync(TokenStore.open(at('data'), { dtype: 'uint16' }), { code: 'ERR_INVALID_ARGUMENT' })
  await t.throwsAsync(TokenStore.open(at('ids')), { code: 'ERR_INVALID_ARGUMENT' })
  await t.throwsAsync(TokenStore.open(at('none')), { code: 'ERR_INVALID_FILE' })
  await t.throwsAsync(TokenStore.open(folder), {
    code: 'ERR_INVALID_FILE',
    message: `the folder ${folder} holds no dataset: it has no manifest.json`,
  })
  mkdirSync(join(at('unfinished'), '.prepare'), { recursive: true })
  await t.throwsAsync(TokenStore.open(at('unfinished')), {
    code: 'ERR_INVALID_FILE',
    message: /its preparation is not finished: the same `prepare` goes on with it$/,
  })
})

test('files with a header are refused, as it would be read as ids', async (t) => {
  const [text, outDir] = [at('headers.txt'), at('headers')]
  writeFileSync(text, 'the mill turns')
  await prepare({ inputs: [text], tokenizer, outDir, format: ['nanogpt', 'llmc', 'megatron', 'npy'] })
  // As llm.c has it for ids of 32 bits.
  writeFileSync(join(outDir, 'wide.bin'), Int32Array.of(20240801, 7, 2, ...new Int32Array(253), 1, 2))
  const open = (name: string) => TokenStore.open(join(outDir, name), { dtype: 'uint16' })
  for (const [name, header] of [
    ['npy/train-00000.npy', "numpy's .npy"],
    ['llmc/train_000000.bin', 'llm.c'],
    ['wide.bin', 'llm.c'],
    ['megatron/train.idx', "Megatron-LM's .idx, whose ids are in the .bin beside it"],
  ] as const) {
    const message = `${join(outDir, name)}: expected ids without a header, received that of ${header}`
    await t.throwsAsync(open(name), { code: 'ERR_INVALID_FILE', message })
  }
  for (const name of ['nanogpt/train.bin', 'megatron/train.bin']) {
    using store = await open(name)
    t.deepEqual(store.slice(), Uint32Array.of(...tokenizer.encode('the mill turns'), 50256))
  }
})

test('verify finds a changed byte, and a truncated shard is told when it is opened', async (t) => {
  await prepare({ inputs: [at('text.txt')], tokenizer, outDir: at('changed') })
  const store = await TokenStore.open(at('changed'), { mode: 'read' })
  const progress: number[] = []
  await store.verify({ onProgress: ({ bytes, bytesTotal }) => progress.push(bytes / bytesTotal) })
  t.is(progress.at(-1), 1)
  const shard = join(at('changed'), 'train-00000.bin')
  writeFileSync(shard, new Uint8Array(store.length * 2))
  await t.throwsAsync(store.verify(), {
    code: 'ERR_CORRUPT_DATASET',
    message: /train-00000\.bin.*contents have changed/,
  })
  const closed = await TokenStore.open(at('changed'))
  closed.close()
  await t.throwsAsync(closed.verify(), { code: 'ERR_DISPOSED' })
  truncateSync(shard, 2)
  t.throws(() => store.slice(), { code: 'ERR_CORRUPT_DATASET' })
  await t.throwsAsync(TokenStore.open(at('changed')), { code: 'ERR_CORRUPT_DATASET' })
})

test('a dataset that lacks a file, or whose shards are in another order, is told when it is opened', async (t) => {
  const outDir = at('torn')
  await prepare({ inputs: [at('text.txt')], tokenizer, outDir, inputFormat: 'lines', shardTokens: 4 })
  const path = join(outDir, 'manifest.json')
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest
  const shards = manifest.splits.train?.shards as SplitManifest['shards']
  const [first, last] = [shards[0], shards.at(-1)] as const
  t.true(last !== undefined && last.tokens < 4)
  const changed = (change: object) => writeFileSync(path, JSON.stringify({ ...manifest, ...change }))
  const reversed = { splits: { train: { ...manifest.splits.train, shards: shards.toReversed() } } }
  for (const [change, message] of [
    [{ shardTokens: 3 }, `expected 3 ids in ${first?.file}, as shardTokens says, received 4`],
    [reversed, `expected 4 ids in ${last?.file}, as shardTokens says, received ${last?.tokens}`],
  ] as const) {
    changed(change)
    await t.throwsAsync(TokenStore.open(outDir), { code: 'ERR_CORRUPT_DATASET', message: `${path}: ${message}` })
  }
  changed({})
  const shard = join(outDir, 'train-00001.bin')
  rmSync(shard)
  for (const mode of ['map', 'read'] as const)
    await t.throwsAsync(TokenStore.open(outDir, { mode }), {
      code: 'ERR_CORRUPT_DATASET',
      message: `${shard}: the manifest names this file, which is not there`,
    })
  await t.throwsAsync(TokenStore.open(at('nowhere'), { dtype: 'uint16' }), { code: 'ERR_INVALID_FILE' })
})
