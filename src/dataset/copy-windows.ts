import { callNative } from '../errors.ts'
import { native } from '../native.ts'
import type { Batch, BatchArrays } from './batch.ts'
import { arrayFor } from './collate.ts'

/**
 * The windows of `columns` inputs from `starts` on, with the next ids as targets, copied natively in one call. `starts` are places from
 * which `columns + 1` ids are there.
 */
export const copyWindows = (ids: Uint32Array, starts: Float64Array, columns: number, out?: BatchArrays): Batch => {
  const size = starts.length * columns
  const inputs = arrayFor('inputs', size, out?.inputs) ?? new Uint32Array(size)
  const targets = arrayFor('targets', size, out?.targets) ?? new Int32Array(size)
  callNative(() => native().copyWindows(ids, starts, columns, inputs, targets))
  return { inputs, targets, shape: [starts.length, columns] }
}
