import { types } from 'node:util'
import { integerIn, invalid, options as checkedOptions } from '../validate.ts'
import { checkArrays } from './collate.ts'
import type { BatchOptions, SampleOptions } from './dataset.ts'

/* The arguments of `get` and `batch`, checked in one way for all datasets. */

/** The most places of a window: what is filled up takes memory for all of them, however few ids there are. */
export const mostPlaces = 2 ** 27

/** The epoch that a sample is asked for. */
export const epochOf = (options: SampleOptions | undefined): number =>
  checkedEpoch(checkedOptions('options', options, ['epoch']).epoch)

/** What a batch of the samples `indices` is asked for with. */
export const batchCall = (
  indices: unknown,
  options: BatchOptions | undefined,
): { readonly epoch: number } & Pick<BatchOptions, 'out' | 'next'> => {
  checkIndices('indices', indices)
  const { epoch, out, next } = checkedOptions('options', options, ['epoch', 'out', 'next'])
  if (out !== undefined) checkArrays(out)
  if (next !== undefined) checkIndices('options.next', next)
  return { epoch: checkedEpoch(epoch), ...(out && { out }), ...(next && { next }) }
}

const checkedEpoch = (epoch: number | undefined = 0): number => integerIn('options.epoch', epoch, 0)

const checkIndices = (name: string, indices: unknown): void => {
  if (!types.isFloat64Array(indices)) throw invalid(name, 'a Float64Array', indices)
}
