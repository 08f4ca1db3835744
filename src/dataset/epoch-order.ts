import { Permutation } from './permutation.ts'

/** What decides which samples a rank reads in one epoch, and in which order. */
export interface EpochOrderOptions {
  /** The samples of the dataset. */
  readonly samples: number
  /** Places of the epoch that were read before. */
  readonly start: number
  readonly seed: number
  readonly epoch: number
  readonly shuffle: boolean
  readonly batchSize: number
  readonly dropLast: boolean
  readonly rank: number
  readonly worldSize: number
}

/**
 * The order of one epoch, as a rank sees it.
 *
 * Definition. The epoch is a row of places, 0 … samples - 1; at place p is sample p or, shuffled, sample
 * `Permutation(samples, seed, epoch).at(p)`. Batch k of all ranks together takes the places from `start + k * batchSize * worldSize`
 * on, and row i of rank r is place `… + i * worldSize + r` (as torch's `DistributedSampler` deals them out). So the places of the
 * first k batches are a beginning of the row whatever the ranks and the batch size are, and `start` says all about where to go on.
 *
 * The last batch is smaller: every rank has as many rows of it as the others, so up to `worldSize - 1` places past the end are
 * read, which are the first of the epoch again. With `dropLast` there is no smaller batch, and nothing is read twice.
 */
export class EpochOrder {
  /** Batches of each rank. */
  readonly batches: number
  readonly #options: EpochOrderOptions
  readonly #permutation: Permutation | undefined

  constructor(options: EpochOrderOptions) {
    const { samples, start, seed, epoch, shuffle, batchSize, dropLast, worldSize } = options
    this.#options = options
    const batches = Math.max(0, samples - start) / (batchSize * worldSize)
    this.batches = dropLast ? Math.floor(batches) : Math.ceil(batches)
    this.#permutation = shuffle && samples > 0 ? new Permutation(samples, seed, epoch) : undefined
  }

  /** The samples of batch `batch` of the rank, 0 ≤ batch < batches. */
  batch(batch: number): Float64Array {
    const { samples, start, batchSize, rank, worldSize } = this.#options
    const from = start + batch * batchSize * worldSize
    const rows = Math.min(batchSize, Math.ceil((samples - from) / worldSize))
    const indices = new Float64Array(rows)
    for (let row = 0; row < rows; row++) {
      const place = (from + row * worldSize + rank) % samples
      indices[row] = this.#permutation === undefined ? place : this.#permutation.at(place)
    }
    return indices
  }

  /** Places of the epoch that all ranks together have read after `batches` batches. */
  placesAfter(batches: number): number {
    const { samples, start, batchSize, worldSize } = this.#options
    return Math.min(samples, start + batches * batchSize * worldSize)
  }
}
