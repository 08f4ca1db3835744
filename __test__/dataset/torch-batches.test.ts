import { readFileSync } from 'node:fs'
import test from 'ava'
import { DataLoader } from '../../src/dataset/data-loader.ts'
import { WindowDataset } from '../../src/dataset/window-dataset.ts'

/** What scripts/make-golden-windows.py wrote down. */
interface Row {
  readonly ids: number[]
  readonly contextLength: number
  readonly stride: number
  readonly batchSize: number
  readonly dropLast: boolean
  readonly rank: number
  readonly worldSize: number
  readonly batches: readonly (readonly [inputs: number[][], targets: number[][]])[]
}

const rows = readFileSync(new URL('../../testdata/dataset/batches.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Row)

const rowsOf = (values: ArrayLike<number>, columns: number) =>
  Array.from({ length: values.length / columns }, (_, row) =>
    Array.from(values).slice(row * columns, (row + 1) * columns),
  )

test(`batches are those of PyTorch's DataLoader, row by row, in ${rows.length} configurations`, (t) => {
  t.true(rows.length > 10)
  for (const { ids, contextLength, stride, batches, ...options } of rows) {
    const loader = new DataLoader(new WindowDataset(ids, { contextLength, stride }), options)
    t.deepEqual(
      Array.from(loader, ({ inputs, targets }) => [rowsOf(inputs, contextLength), rowsOf(targets, contextLength)]),
      batches as never,
      JSON.stringify({ contextLength, stride, ...options }),
    )
  }
})
