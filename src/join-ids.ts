import type { NonSharedUint32Array } from './non-shared.ts'

/** The ids of all rows, one after another. */
export const joinIds = (rows: readonly ArrayLike<number>[]): NonSharedUint32Array => {
  const ids = new Uint32Array(rows.reduce((length, row) => length + row.length, 0))
  let end = 0
  for (const row of rows) {
    ids.set(row, end)
    end += row.length
  }
  return ids
}
