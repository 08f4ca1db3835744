import { TokenmillError } from '../errors.ts'
import {
  finiteNumber,
  integerIn,
  invalid,
  isArray,
  membersOf,
  options as checkedOptions,
  positiveInteger,
} from '../validate.ts'
import { checkedBatch, checkedSample } from './checked-sample.ts'
import { rowsOf } from './collate.ts'
import { collateInParts } from './collate-in-parts.ts'
import { readInPlace, readsInPlace } from './apart.ts'
import type { Batch } from './batch.ts'
import type { BatchOptions, Dataset, Sample, SampleOptions } from './dataset.ts'
import { Permutation } from './permutation.ts'
import { batchCall, epochOf, indexBelow } from './sample-call.ts'

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
  readonly length?: number | undefined
  /**
   * Decides the order in which each part is read; an integer ≥ 0.
   * @default 0
   */
  readonly seed?: number | undefined
}

/**
 * Several datasets as one, in which each has a share by its weight: of any number of neighbouring samples, to within one, and one more for
 * each part before it.
 *
 * Every part is read through, in an order that is its own in each pass, before a sample of it comes again; the next epoch goes on
 * where the last one ended. So a part of small weight gives other samples in each epoch, and one of large weight several times the
 * same ones.
 *
 * Definition. With g = epoch * length + index, the first part has the samples at which floor(g * w / 2^52) rises to the next g, w being
 * its weight in 2^52ths of all weights, rounded; the value before is the number of the sample among its own. What is left is divided among
 * the other parts in the same way. Sample n of part p, of m samples, is `Permutation(m, seed, p, pass).at(n mod m)`, pass = floor(n / m),
 * which is also the epoch that the part is told. Nothing is stored.
 */
export class MixedDataset implements Dataset {
  /** The samples of an epoch. */
  readonly length: number
  /** What shorter samples of a batch are padded with: that of the parts, which have the same one. */
  readonly paddingId?: number
  /** Has what the samples at `indices` of an epoch are made of in memory, off the event loop; there where a part has it. */
  readonly readAhead?: (indices: Float64Array, options?: SampleOptions) => Promise<void>
  readonly #parts: readonly Part[]
  readonly #seed: number

  /** @throws `ERR_INVALID_ARGUMENT` when a part is no dataset, is empty, or an option is wrong. */
  constructor(parts: readonly MixturePart[], options?: MixtureOptions) {
    const checked = checkedParts(parts)
    const all = checked.reduce((sum, { dataset }) => sum + dataset.length, 0)
    const { length = all, seed = 0 } = checkedOptions('options', options, ['length', 'seed'])
    this.length = positiveInteger('options.length', length)
    this.#seed = integerIn('options.seed', seed, 0)
    const shares = sharesOf(checked.map(({ weight }) => weight))
    this.#parts = checked.map(({ dataset }, part) => ({ dataset, share: shares[part] as Share, order: undefined }))
    readsInPlace(
      this,
      checked.flatMap(({ dataset }) => readInPlace(dataset)),
    )
    const [paddingId] = new Set(checked.map(({ dataset }) => dataset.paddingId))
    if (paddingId !== undefined) this.paddingId = paddingId
    if (checked.some(({ dataset }) => dataset.readAhead))
      this.readAhead = async (indices, options) => {
        const { epoch } = batchCall(this, indices, options)
        await Promise.all(
          this.#takes(indices, epoch).map(({ dataset, places, pass }) =>
            dataset.readAhead?.(Float64Array.from(places), { epoch: pass }),
          ),
        )
      }
  }

  /**
   * The sample at `index` of an epoch.
   * @throws `ERR_OUT_OF_RANGE` when there is no such sample.
   */
  get(index: number, options?: SampleOptions): Sample {
    const { dataset, place, pass } = this.#find(index, epochOf(options))
    return checkedSample(dataset.get(place, { epoch: pass }), place)
  }

  /** Samples `indices` as one batch. */
  batch(indices: Float64Array, options?: BatchOptions): Batch {
    const { epoch, out } = batchCall(this, indices, options)
    for (const index of indices) indexBelow(this.length, index)
    const samples = {
      rows: indices.length,
      sample: (row: number) => this.get(indices[row] as number, { epoch }),
      samples: (start: number, end: number) => this.#samples(indices.subarray(start, end), epoch),
    }
    return collateInParts(samples, { paddingId: this.paddingId, out })
  }

  #samples(indices: Float64Array, epoch: number): readonly Sample[] {
    const samples: Sample[] = []
    for (const { dataset, rows, places, pass } of this.#takes(indices, epoch)) {
      const own = dataset.batch
        ? rowsOf(checkedBatch(dataset.batch(Float64Array.from(places), { epoch: pass })))
        : places.map((place) => checkedSample(dataset.get(place, { epoch: pass }), place))
      for (const [at, row] of rows.entries()) samples[row] = own[at] as Sample
    }
    return samples
  }

  /** What the samples `indices` take from each part in each of its passes. */
  #takes(indices: Float64Array, epoch: number): readonly Take[] {
    const takes = new Map<string, Take>()
    for (let row = 0; row < indices.length; row++) {
      const { part, dataset, place, pass } = this.#find(indices[row] as number, epoch)
      const key = `${part} ${pass}`
      const take = takes.get(key) ?? { dataset, pass, rows: [], places: [] }
      if (take.rows.length === 0) takes.set(key, take)
      take.rows.push(row)
      take.places.push(place)
    }
    return [...takes.values()]
  }

  #find(index: number, epoch: number) {
    const { part, number } = this.placeOf(index, epoch)
    const own = this.#parts[part] as Part
    const { dataset } = own
    const pass = Math.floor(number / dataset.length)
    if (own.order?.pass !== pass)
      own.order = { pass, permutation: new Permutation(dataset.length, this.#seed, part, pass) }
    return { part, dataset, pass, place: own.order.permutation.at(number % dataset.length) }
  }

  /**
   * Which part sample `index` of an epoch is of, and its number among all samples of that part since epoch 0.
   * @throws `ERR_OUT_OF_RANGE` when there is no such sample.
   */
  placeOf(index: number, epoch: number): { readonly part: number; readonly number: number } {
    let number = integerIn('epoch', epoch, 0) * this.length + indexBelow(this.length, index)
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

/** A dataset, its share of what the parts before it left, and its order in the pass that was read last. */
interface Part {
  readonly dataset: Dataset
  readonly share: Share
  order: { readonly pass: number; readonly permutation: Permutation } | undefined
}

/** The samples at `places` of a dataset in one pass, which are `rows` of a batch. */
interface Take {
  readonly dataset: Dataset
  readonly pass: number
  readonly rows: number[]
  readonly places: number[]
}

/** A share of the whole in 2^52ths, as two numbers of 26 bits: high * 2^26 + low. */
interface Share {
  readonly high: number
  readonly low: number
}

const half = 2 ** 26

/** What each part has of what the parts before it left. */
const sharesOf = (weights: readonly number[]): readonly Share[] => {
  let left = 0
  return weights
    .toReversed()
    .map((weight) => {
      left += weight
      const share = Math.round((weight / left) * half * half)
      return { high: Math.floor(share / half), low: share % half }
    })
    .toReversed()
}

/** floor(number * share / 2^52), exactly for numbers below 2^53: no product or sum on the way is larger than that. */
const shareOf = (number: number, { high, low }: Share): number => {
  const above = Math.floor(number / half)
  const below = number - above * half
  const middle = above * low
  const carried = Math.floor(middle / half)
  const rest = middle - carried * half + below * high + Math.floor((below * low) / half)
  return above * high + carried + Math.floor(rest / half)
}

const checkedParts = (parts: unknown): readonly MixturePart[] => {
  if (!isArray(parts) || parts.length === 0)
    throw invalid('parts', 'an array of { dataset, weight }, at least one', parts)
  const checked = Array.from(parts as readonly unknown[], (part, index) => {
    const { dataset, weight } = membersOf<MixturePart>(part)
    const name = `parts[${index}]`
    const { get, length } = membersOf<Dataset>(dataset)
    if (typeof get !== 'function' || !Number.isSafeInteger(length) || (length as number) < 1)
      throw invalid(`${name}.dataset`, 'a dataset with at least one sample', dataset)
    if (finiteNumber(`${name}.weight`, weight) <= 0) throw invalid(`${name}.weight`, 'a number above 0', weight)
    return { dataset: dataset as Dataset, weight: weight as number }
  })
  const sum = checked.reduce((sum, { weight }) => sum + weight, 0)
  if (sum === Infinity) throw invalid('parts', 'weights whose sum is a number', sum)
  const paddings = new Set(checked.map(({ dataset }) => dataset.paddingId))
  if (paddings.size > 1) throw invalid('parts', 'datasets with the same paddingId', [...paddings].join(', '))
  return checked
}
