import { types } from 'node:util'
import { invalid, isArray, membersOf } from '../validate.ts'
import type { Batch } from './batch.ts'
import type { Sample } from './dataset.ts'

/* What datasets of the caller's own give: other arrays would be copied as well, each value as some other number. */

/** What `get(index)` of a dataset gave, when it is a sample. */
export const checkedSample = (sample: unknown, index: number): Sample => {
  const name = `sample ${index} of the dataset`
  if (typeof sample !== 'object' || sample === null || types.isPromise(sample))
    throw invalid(name, 'an object with inputs and targets', sample)
  const { inputs, targets, attentionMask, positionIds, segmentIds } = membersOf<Sample>(sample)
  if (!types.isUint32Array(inputs)) throw invalid(`inputs of ${name}`, 'a Uint32Array', inputs)
  if (!types.isInt32Array(targets)) throw invalid(`targets of ${name}`, 'an Int32Array', targets)
  const { length } = inputs
  checkPlaces(`attentionMask of ${name}`, 'a Uint8Array', attentionMask, types.isUint8Array, length)
  checkPlaces(`positionIds of ${name}`, 'a Uint32Array', positionIds, types.isUint32Array, length)
  checkPlaces(`segmentIds of ${name}`, 'a Uint32Array', segmentIds, types.isUint32Array, length)
  return sample as Sample
}

/** That `array`, when there is one, says something of each input. */
const checkPlaces = (
  name: string,
  expected: string,
  array: ArrayLike<number> | undefined,
  isOne: (array: unknown) => boolean,
  inputs: number,
): void => {
  if (array === undefined) return
  if (!isOne(array)) throw invalid(name, expected, array)
  if (array.length !== inputs) throw invalid(`the length of ${name}`, `${inputs}, as many as inputs`, array.length)
}

/** What `batch` or `batchAsync` of a dataset gave, when it is a batch. */
export const checkedBatch = (batch: unknown): Batch => {
  const { inputs, targets, shape } = membersOf<Batch>(batch)
  const isBatch =
    types.isUint32Array(inputs) &&
    types.isInt32Array(targets) &&
    isArray(shape) &&
    shape.length === 2 &&
    (shape[0] as number) * (shape[1] as number) === inputs.length
  if (!isBatch) throw invalid('a batch of the dataset', 'inputs, targets and their shape', batch)
  return batch as Batch
}
