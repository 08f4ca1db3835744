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
  const { inputs, targets } = membersOf<Sample>(sample)
  if (!types.isUint32Array(inputs)) throw invalid(`inputs of ${name}`, 'a Uint32Array', inputs)
  if (!types.isInt32Array(targets)) throw invalid(`targets of ${name}`, 'an Int32Array', targets)
  checkPlaces(sample as Sample, name)
  return sample as Sample
}

/** That what a sample says of each input, where it does, is as long as the inputs. */
export const checkPlaces = ({ inputs, attentionMask, positionIds, segmentIds }: Sample, name: string): void => {
  if (attentionMask !== undefined)
    checkPlace(`attentionMask of ${name}`, 'a Uint8Array', attentionMask, types.isUint8Array, inputs.length)
  if (positionIds !== undefined)
    checkPlace(`positionIds of ${name}`, 'a Uint32Array', positionIds, types.isUint32Array, inputs.length)
  if (segmentIds !== undefined)
    checkPlace(`segmentIds of ${name}`, 'a Uint32Array', segmentIds, types.isUint32Array, inputs.length)
}

const checkPlace = (
  name: string,
  expected: string,
  array: ArrayLike<number>,
  isOne: (array: unknown) => boolean,
  inputs: number,
): void => {
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
