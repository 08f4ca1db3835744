import type { Dataset } from '../dataset/dataset.ts'
import { TokenmillError } from '../errors.ts'
import type { Steps } from '../event-loop.ts'
import { invalid } from '../validate.ts'

/**
 * How often each id is a target in an epoch, in samples that are spread evenly over the dataset and have about `most` targets together.
 * @throws `ERR_OUT_OF_RANGE` for a target that is not below `vocabSize`.
 */
function* targetCounts(dataset: Dataset, vocabSize: number, most = Infinity, epoch = 0): Steps<Float64Array> {
  const counts = new Float64Array(vocabSize)
  const perSample = Math.max(1, dataset.get(0).targets.length)
  const stride = Math.max(1, Math.ceil((dataset.length * perSample) / most))
  for (let index = 0; index < dataset.length; index += stride) {
    for (const target of dataset.get(index, { epoch }).targets) {
      if (target < 0) continue
      if (target >= vocabSize)
        throw new TokenmillError(
          'ERR_OUT_OF_RANGE',
          `target ${target} of sample ${index} does not exist: there are ${vocabSize} ids`,
        )
      counts[target] = (counts[target] as number) + 1
    }
    yield
  }
  return counts
}

/**
 * {@link targetCounts} of the first of `epochs` that has any: a dataset that hides tokens gives others in each, and a small one none in some.
 * @throws `ERR_INVALID_ARGUMENT` when none has, also `ERR_OUT_OF_RANGE`.
 */
export function* learnableCounts(
  name: string,
  dataset: Dataset,
  vocabSize: number,
  most = Infinity,
  epochs = 1,
): Steps<Float64Array> {
  for (let epoch = 0; epoch < epochs; epoch++) {
    // Rare targets may be in none of the samples of an estimate.
    for (const counted of [most, Infinity]) {
      const counts = yield* targetCounts(dataset, vocabSize, counted, epoch)
      if (counts.some((count) => count > 0)) return counts
    }
  }
  throw invalid(name, 'a dataset with targets', 'targets that are all -100')
}

/**
 * The mean loss, in nats, of `targets` for one who knows only `counts`. Of themselves the counts are the frequencies, and the loss is their entropy. Of other
 * targets, some of which may be of ids that were not counted, the share of new ids is told by those that were counted once (Good and Turing); so
 * much is spread over all ids. A constant for each id would be a loss of its own where most of a vocabulary is not in use.
 */
export const frequencyLoss = (counts: Float64Array, targets: Float64Array = counts): number => {
  const total = sumOf(counts)
  // One more: where none was counted once, new ids are rare, but not impossible.
  const spread = targets === counts ? 0 : counts.reduce((ids, count) => ids + (count === 1 ? 1 : 0), 1)
  const ofEach = spread / counts.length
  let loss = 0
  targets.forEach((times, id) => {
    if (times > 0) loss -= times * Math.log(((counts[id] as number) + ofEach) / (total + spread))
  })
  return loss / sumOf(targets)
}

const sumOf = (counts: Float64Array): number => counts.reduce((sum, count) => sum + count, 0)
