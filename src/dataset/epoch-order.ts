import { Permutation } from './permutation.ts'

/** Samples whose order is worked out in one call. */
const atOnce = 2048

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
  /** The samples of this rank from number `#first` on. */
  #block = new Float64Array(0)
  #first = 0

  constructor(options: EpochOrderOptions) {
    const { samples, start, seed, epoch, shuffle, batchSize, dropLast, worldSize } = options
    this.#options = options
    const batches = Math.max(0, samples - start) / (batchSize * worldSize)
    this.batches = dropLast ? Math.floor(batches) : Math.ceil(batches)
    this.#permutation = shuffle && samples > 0 ? new Permutation(samples, seed, epoch) : undefined
  }

  /** The samples of batch `batch` of the rank and of the batches after it, `batches` together, 0 ≤ batch < batches of the epoch. */
  batch(batch: number, batches = 1): Float64Array {
    const { samples, start, batchSize, worldSize } = this.#options
    const first = batch * batchSize
    const rows = Math.min(batches * batchSize, Math.ceil((samples - start) / worldSize) - first)
    const isThere = first >= this.#first && first + rows <= this.#first + this.#block.length
    if (!isThere) this.#read(first, rows)
    return this.#block.subarray(first - this.#first, first - this.#first + rows)
  }

  /**
   * Works out samples from number `first` of this rank on, `rows` of them and those of the batches after. A new array, since the one of before is in the
   * hands of datasets.
   */
  #read(first: number, rows: number): void {
    const { samples, start, batchSize, rank, worldSize } = this.#options
    const left = Math.ceil((samples - start) / worldSize) - first
    const ahead = Math.floor(atOnce / batchSize) * batchSize
    const block = new Float64Array(Math.min(left, Math.max(rows, ahead)))
    const place = start + first * worldSize + rank
    // Places past the end of the epoch are the first ones again.
    const inside = Math.max(0, Math.min(block.length, Math.ceil((samples - place) / worldSize)))
    if (this.#permutation === undefined) {
      for (let row = 0; row < inside; row++) block[row] = place + row * worldSize
    } else if (inside > 0) {
      this.#permutation.fill(place, worldSize, block.subarray(0, inside))
    }
    for (let row = inside; row < block.length; row++) {
      const again = (place + row * worldSize) % samples
      block[row] = this.#permutation?.at(again) ?? again
    }
    this.#block = block
    this.#first = first
  }

  /** Places of the epoch that all ranks together have read after `batches` batches. */
  placesAfter(batches: number): number {
    const { samples, start, batchSize, worldSize } = this.#options
    return Math.min(samples, start + batches * batchSize * worldSize)
  }
}
