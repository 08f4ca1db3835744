import { TokenmillError } from '../errors.ts'
import { haveMemoryInCommon } from '../shared-memory.ts'
import type { BatchArrays } from './batch.ts'
import type { Dataset, Sample } from './dataset.ts'

/*
 * Arrays that a batch is written into lie over one another nowhere, nor over what it is read from: a row that is written would be in the rows after it, or
 * in the tokens for ever. Native code looks again before it writes.
 */

type Ids = Uint32Array | Int32Array

const inPlace = new WeakMap<Dataset, readonly Ids[]>()

/** Says that `dataset` gives views of `arrays`, or reads them whenever it makes a sample. */
export const readsInPlace = (dataset: Dataset, arrays: readonly Ids[]): void => void inPlace.set(dataset, arrays)

/** The arrays of which `dataset` has said so. */
export const readInPlace = (dataset: Dataset): readonly Ids[] => inPlace.get(dataset) ?? []

/** @throws `ERR_INVALID_ARGUMENT` when the two have memory in common. */
export const checkEachApart = ({ inputs, targets }: BatchArrays): void =>
  checkApart('arrays for inputs and targets', inputs, targets)

/** @throws `ERR_INVALID_ARGUMENT` when `out` has memory in common with `tokens`. */
export const checkApartFrom = (tokens: readonly Ids[], { inputs, targets }: BatchArrays): void => {
  for (const ids of tokens) {
    checkApart('tokens and an array for inputs', ids, inputs)
    checkApart('tokens and an array for targets', ids, targets)
  }
}

/** {@link checkApartFrom} of what `samples` have. */
export const checkApartFromSamples = (samples: readonly Sample[], out: BatchArrays): void => {
  for (const { inputs, targets } of samples) checkApartFrom([inputs, targets], out)
}

const checkApart = (what: string, first: Ids, second: Ids): void => {
  if (haveMemoryInCommon(first, second))
    throw new TokenmillError('ERR_INVALID_ARGUMENT', `expected ${what} that have no memory in common`)
}
