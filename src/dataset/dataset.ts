import type { Batch, BatchArrays } from './batch.ts'

/** One training sample: views of the data rather than copies where that is possible. */
export interface Sample {
  /** What the model reads. */
  readonly inputs: Uint32Array
  /** What it should answer at each place, -100 being ignored by the loss; or one answer for all of the sample. */
  readonly targets: Int32Array
  /** 1 where an input belongs to the sample, 0 for padding. */
  readonly attentionMask?: Uint8Array | undefined
  /** The place of each input in its document, from 0. */
  readonly positionIds?: Uint32Array | undefined
  /** Which document each input belongs to, from 1; 0 for padding. */
  readonly segmentIds?: Uint32Array | undefined
}

/** What may decide a sample besides its index. */
export interface SampleOptions {
  /**
   * The epoch, for datasets whose samples differ from one to the next.
   * @default 0
   */
  readonly epoch?: number | undefined
}

/** What may decide a batch besides the indices of its samples. */
export interface BatchOptions extends SampleOptions {
  /** Where to write it, rather than into fresh arrays. */
  readonly out?: BatchArrays | undefined
  /** The samples of the batch that will be asked for next, for a dataset that is faster when it knows. */
  readonly next?: Float64Array | undefined
}

/**
 * Samples by index: what a `DataLoader` reads. `length` and `get` are enough; the other members make it faster, or say what rows
 * of different lengths are padded with.
 */
export interface Dataset {
  /** The number of samples. */
  readonly length: number
  /** The id that shorter samples of a batch are padded with. Without it all samples of a batch must be equally long. */
  readonly paddingId?: number | undefined
  /** The sample at `index`, 0 ≤ index < length. The same arguments give the same sample. */
  get(index: number, options?: SampleOptions): Sample
  /** The samples at `indices` as one batch: what collating the samples of {@link Dataset.get} gives. */
  batch?(indices: Float64Array, options?: BatchOptions): Batch
  /** Has what the samples at `indices` are made of in memory, off the event loop, so that `get` and `batch` wait for no disk. */
  readAhead?(indices: Float64Array, options?: SampleOptions): Promise<void>
  /** {@link Dataset.batch} off the event loop, for datasets whose samples take long to make. */
  batchAsync?(indices: Float64Array, options?: SampleOptions): Promise<Batch>
}
