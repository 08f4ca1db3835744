import { types } from 'node:util'
import { TokenmillError } from '../errors.ts'
import { integerIn, invalid, options as checkedOptions } from '../validate.ts'
import { checkApartFrom, readInPlace } from './apart.ts'
import type { BatchArrays } from './batch.ts'
import { checkedArrays } from './collate.ts'
import type { BatchOptions, Dataset, SampleOptions } from './dataset.ts'

/* The arguments of `get` and `batch`, checked in one way for all datasets. */

/** The most places of a window: padding takes memory for all of them, however few ids there are. */
export const mostPlaces = 2 ** 27

/** The epoch that a sample is asked for. */
export const epochOf = (options: SampleOptions | undefined): number =>
  checkedEpoch(checkedOptions('options', options, ['epoch']).epoch)

/** `index` when it is that of one of `length` samples. */
export const indexBelow = (length: number, index: number): number => {
  if (Number.isInteger(index) && index >= 0 && index < length) return index
  integerIn('index', index, -Number.MAX_SAFE_INTEGER)
  throw new TokenmillError('ERR_OUT_OF_RANGE', `expected an index from 0 to ${length - 1}, received ${index}`)
}

/** What a batch of the samples `indices` of `dataset` is asked for with. */
export const batchCall = (
  dataset: Dataset,
  indices: unknown,
  options: BatchOptions | undefined,
): { readonly epoch: number; readonly out: BatchArrays | undefined; readonly next: Float64Array | undefined } => {
  checkIndices('indices', indices)
  const { epoch, out, next } = checkedOptions('options', options, ['epoch', 'out', 'next'])
  const arrays = out === undefined ? undefined : checkedArrays(out)
  if (arrays !== undefined) checkApartFrom(readInPlace(dataset), arrays)
  if (next !== undefined) checkIndices('options.next', next)
  return { epoch: checkedEpoch(epoch), out: arrays, next }
}

const checkedEpoch = (epoch: number | undefined = 0): number => integerIn('options.epoch', epoch, 0)

const checkIndices = (name: string, indices: unknown): void => {
  if (!types.isFloat64Array(indices)) throw invalid(name, 'a Float64Array', indices)
}
