import { callNative } from '../errors.ts'
import { native } from '../native.ts'
import type { Batch, BatchArrays } from './batch.ts'
import { freshArrays, givenArrays } from './collate.ts'

/**
 * The windows of `columns` inputs from the first `rows` of `starts` on, with the next ids as targets, copied natively in one call. `starts` are places from
 * which `columns + 1` ids are there; those after `rows` will be asked for next.
 */
export const copyWindows = (
  ids: Uint32Array,
  starts: Float64Array,
  columns: number,
  { rows = starts.length, out }: { readonly rows?: number; readonly out?: BatchArrays | undefined } = {},
): Batch => {
  const { inputs, targets } = out ? givenArrays(out, rows * columns) : freshArrays(rows * columns)
  callNative(() => native().copyWindows(ids, starts, rows, columns, inputs, targets))
  return { inputs, targets, shape: [rows, columns] }
}
