import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { Batch } from '../../src/dataset/batch.ts'
import { DataLoader } from '../../src/dataset/data-loader.ts'
import { maskedTokens } from '../../src/dataset/masked-tokens.ts'
import { PackedDataset } from '../../src/dataset/packed-dataset.ts'
import { prepare } from '../../src/dataset/prepare.ts'
import { TokenStore } from '../../src/dataset/token-store.ts'
import { WindowDataset, type WindowOptions } from '../../src/dataset/window-dataset.ts'
import { getEncoding } from '../../src/tokenizer/encodings.ts'

const folder = mkdtempSync(join(tmpdir(), 'tokenmill-windows-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

const tokenizer = getEncoding('gpt2')
const lines = Array.from({ length: 200 }, (_, line) => `${'line '.repeat(1 + ((line * 7) % 23))}${line}`)
writeFileSync(join(folder, 'text.txt'), `${lines.join('\n')}\n`)
const prepared = prepare({
  inputs: [join(folder, 'text.txt')],
  tokenizer,
  outDir: join(folder, 'data'),
  inputFormat: 'lines',
  shardTokens: 500,
})
const documents = lines.map((line) => Uint32Array.of(...tokenizer.encode(line), tokenizer.endOfTextId as number))

const objective = maskedTokens({ maskId: 50256, tokenizer, seed: 3 })
const options: readonly WindowOptions[] = [
  { contextLength: 16 },
  { contextLength: 16, stride: 5 },
  { contextLength: 8, boundaries: 'within' },
  { contextLength: 8, boundaries: 'within', tails: 'keep', paddingId: 7 },
  { contextLength: 16, objective },
  { contextLength: 16, objective, boundaries: 'within', tails: 'keep' },
]

const all = async (batches: AsyncIterable<Batch>) => {
  const read: Batch[] = []
  for await (const batch of batches) read.push(batch)
  return read
}

for (const mode of ['map', 'read'] as const) {
  test(`${mode}: windows of a store are those of its ids in memory, now and off the event loop`, async (t) => {
    await prepared
    const store = await TokenStore.open(join(folder, 'data'), { mode })
    for (const each of options) {
      const [stored, inMemory] = [new WindowDataset(store, each), new WindowDataset(documents, each)]
      t.deepEqual(
        [stored.length, stored.droppedTokens, stored.droppedDocuments],
        [inMemory.length, inMemory.droppedTokens, inMemory.droppedDocuments],
      )
      for (const index of [0, 1, stored.length - 1])
        t.deepEqual(stored.get(index, { epoch: 2 }), inMemory.get(index, { epoch: 2 }))
      const loading = { batchSize: 7, shuffle: true, seed: 5, epoch: 1 }
      const expected = [...new DataLoader(inMemory, loading)]
      t.deepEqual([...new DataLoader(stored, loading)], expected)
      t.deepEqual(await all(new DataLoader(stored, { ...loading, prefetch: 3 })), expected)
    }
    const packed = { contextLength: 32 }
    t.deepEqual(
      [...new DataLoader(new PackedDataset(store, packed), { batchSize: 4 })],
      [...new DataLoader(new PackedDataset(documents, packed), { batchSize: 4 })],
    )
    store.close()
  })
}

test('batches of a store go into given arrays', async (t) => {
  await prepared
  const store = await TokenStore.open(join(folder, 'data'))
  const out = { inputs: new Uint32Array(32), targets: new Int32Array(32) }
  for (const { inputs } of new DataLoader(new WindowDataset(store, { contextLength: 16 }), { batchSize: 2 }).batches({
    out,
  }))
    t.is(inputs.buffer, out.inputs.buffer)
})

test('a closed store is an error, not zeros', async (t) => {
  await prepared
  const store = await TokenStore.open(join(folder, 'data'))
  const dataset = new WindowDataset(store, { contextLength: 16 })
  store.close()
  t.throws(() => dataset.get(0), { code: 'ERR_DISPOSED' })
  t.throws(() => [...new DataLoader(dataset, { batchSize: 2 })], { code: 'ERR_DISPOSED' })
  await t.throwsAsync(() => all(new DataLoader(dataset, { batchSize: 2 })), { code: 'ERR_DISPOSED' })
})

test('a file of ids does not say where documents are', async (t) => {
  writeFileSync(join(folder, 'ids'), new Uint16Array(100))
  const store = await TokenStore.open(join(folder, 'ids'), { dtype: 'uint16' })
  t.is(new WindowDataset(store, { contextLength: 9 }).length, 11)
  for (const make of [
    () => new WindowDataset(store, { contextLength: 9, boundaries: 'within' }),
    () => new PackedDataset(store, { contextLength: 9 }),
  ])
    t.throws(make, {
      code: 'ERR_INVALID_ARGUMENT',
      message: /where documents start for tokens, received "a file of ids"/,
    })
})

test('ids that no target can be are in no window of a store', async (t) => {
  const path = join(folder, 'wide.bin')
  // Ids of 16 bits, of which two are read as one.
  writeFileSync(path, Uint16Array.of(1, 0, 2, 0, 3, 0, 4, 50256, 5, 0))
  const refused = { code: 'ERR_OUT_OF_RANGE', message: `expected ids below 2147483648, received ${50256 * 65536 + 4}` }
  for (const mode of ['map', 'read'] as const) {
    using store = await TokenStore.open(path, { dtype: 'uint32', mode })
    for (const each of [
      { contextLength: 2 },
      { contextLength: 2, tails: 'keep' },
      { contextLength: 2, objective },
    ] as const) {
      const dataset = new WindowDataset(store, each)
      t.deepEqual([...dataset.get(0).inputs].length, 2)
      t.throws(() => dataset.get(1), refused)
      const loader = new DataLoader(dataset, { batchSize: 2 })
      t.throws(() => [...loader], refused)
      await t.throwsAsync(all(loader), refused)
    }
  }
})
