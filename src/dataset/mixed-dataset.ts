import { TokenmillError } from '../errors.ts'
import { finiteNumber, integerIn, invalid, options as checkedOptions, positiveInteger } from '../validate.ts'
import { collate } from './collate.ts'
import type { Batch } from './batch.ts'
import type { BatchOptions, Dataset, Sample, SampleOptions } from './dataset.ts'
import { Permutation } from './permutation.ts'
import { batchCall, epochOf } from './sample-call.ts'

/** A dataset and how much of a mixture it is. */
export interface MixturePart {
  /** Where its samples come from. */
  readonly dataset: Dataset
  /** Its share, beside the weights of the others; a number above 0. */
  readonly weight: number
}

/** How {@link MixedDataset} reads its parts. */
export interface MixtureOptions {
  /**
   * The samples of an epoch.
   * @default that of all parts together
   */
  readonly length?: number
  /**
   * Decides the order in which each part is read; an integer ≥ 0.
   * @default 0
   */
  readonly seed?: number
}

/** Weights are rounded to this many parts of what is left of the whole. */
const precision = 2 ** 20

/**
 * Several datasets as one, in which each has a share by its weight: of any number of neighbouring samples, to within one for each part
 * before it.
 *
 * Every part is read through, in an order that is its own in each pass, before a sample of it comes again; the next epoch goes on
 * where the last one ended. So a part of small weight gives other samples in each epoch, and one of large weight several times the
 * same ones.
 *
 * Definition. With g = epoch * length + index, the first part has the samples at which floor(g * w / 2^20) rises to the next g, w being
 * its weight in 2^20ths of all weights; the value before is the number of the sample among its own. What is left is divided among
 * the other parts in the same way. Sample n of a part of m samples is `Permutation(m, seed, pass).at(n mod m)`, pass = floor(n / m),
 * which is also the epoch that the part is told. Nothing is stored.
 */
export class MixedDataset implements Dataset {
  /** The samples of an epoch. */
  readonly length: number
  /** What shorter samples of a batch are filled up with: that of the parts, which have the same one. */
  readonly paddingId?: number
  readonly #parts: readonly { readonly dataset: Dataset; readonly share: number }[]
  readonly #seed: number

  /** @throws `ERR_INVALID_ARGUMENT` when a part is no dataset, is empty, or an option is wrong. */
  constructor(parts: readonly MixturePart[], options?: MixtureOptions) {
    const checked = checkedParts(parts)
    const all = checked.reduce((sum, { dataset }) => sum + dataset.length, 0)
    const { length = all, seed = 0 } = checkedOptions('options', options, ['length', 'seed'])
    this.length = positiveInteger('options.length', length)
    this.#seed = integerIn('options.seed', seed, 0)
    let left = checked.reduce((sum, { weight }) => sum + weight, 0)
    this.#parts = checked.map(({ dataset, weight }) => {
      const share = Math.min(precision, Math.max(1, Math.round((weight / left) * precision)))
      left -= weight
      return { dataset, share }
    })
    const [paddingId] = new Set(checked.map(({ dataset }) => dataset.paddingId))
    if (paddingId !== undefined) this.paddingId = paddingId
  }

  /** The sample at `index` of an epoch. */
  get(index: number, options?: SampleOptions): Sample {
    return this.#sample(index, epochOf(options))
  }

  #sample(index: number, epoch: number): Sample {
    const { part, number } = this.placeOf(index, epoch)
    const { dataset } = this.#parts[part] as { dataset: Dataset }
    const pass = Math.floor(number / dataset.length)
    const order = new Permutation(dataset.length, this.#seed, pass)
    return dataset.get(order.at(number % dataset.length), { epoch: pass })
  }

  /** Samples `indices` as one batch. */
  batch(indices: Float64Array, options?: BatchOptions): Batch {
    const { epoch, out } = batchCall(indices, options)
    const samples = Array.from(indices, (index) => this.#sample(index, epoch))
    return collate(samples, { paddingId: this.paddingId, out })
  }

  /** Which part sample `index` of an epoch is of, and the how manieth sample of that part it is since epoch 0. */
  placeOf(index: number, epoch: number): { readonly part: number; readonly number: number } {
    let number = integerIn('epoch', epoch, 0) * this.length + integerIn('index', index, 0, this.length - 1)
    if (!Number.isSafeInteger(number))
      throw new TokenmillError(
        'ERR_OUT_OF_RANGE',
        `expected an epoch with less than 2^53 samples before it, received ${epoch}`,
      )
    for (const [part, { share }] of this.#parts.entries()) {
      const before = shareOf(number, share)
      if (part === this.#parts.length - 1 || shareOf(number + 1, share) > before)
        return { part, number: part === this.#parts.length - 1 ? number : before }
      number -= before
    }
    throw new TokenmillError('ERR_INTERNAL', 'a mixture has no part')
  }
}

/** floor(number * share / precision), exactly. */
const shareOf = (number: number, share: number): number =>
  Math.floor(number / precision) * share + Math.floor(((number % precision) * share) / precision)

const checkedParts = (parts: unknown): readonly MixturePart[] => {
  if (!Array.isArray(parts) || parts.length === 0)
    throw invalid('parts', 'an array of { dataset, weight }, at least one', parts)
  const checked = Array.from(parts as readonly unknown[], (part, index) => {
    const { dataset, weight } = (part ?? {}) as Partial<MixturePart>
    const name = `parts[${index}]`
    if (typeof dataset?.get !== 'function' || !Number.isSafeInteger(dataset.length) || dataset.length < 1)
      throw invalid(`${name}.dataset`, 'a dataset with at least one sample', dataset)
    if (finiteNumber(`${name}.weight`, weight) <= 0) throw invalid(`${name}.weight`, 'a number above 0', weight)
    return { dataset, weight: weight as number }
  })
  const paddings = new Set(checked.map(({ dataset }) => dataset.paddingId))
  if (paddings.size > 1) throw invalid('parts', 'datasets with the same paddingId', [...paddings].join(', '))
  return checked
}
