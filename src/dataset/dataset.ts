/** One training sample: equally long, and views of the data rather than copies where that is possible. */
export interface Sample {
  /** What the model reads. */
  readonly inputs: Uint32Array
  /** What it should answer at each place; -100 is ignored by the loss. */
  readonly targets: Int32Array
}

/** What may decide a sample besides its index. */
export interface SampleOptions {
  /**
   * The epoch, for datasets whose samples differ from one to the next.
   * @default 0
   */
  readonly epoch?: number
}

/** Samples by index: what a `DataLoader` reads. All samples are equally long. */
export interface Dataset {
  /** The number of samples. */
  readonly length: number
  /** The sample at `index`, 0 ≤ index < length. The same arguments give the same sample. */
  get(index: number, options?: SampleOptions): Sample
}
