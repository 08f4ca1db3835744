import { TokenmillError } from '../errors.ts'
import { Turns } from '../event-loop.ts'
import { boolean, integerIn, invalid, options as checkedOptions, positiveInteger } from '../validate.ts'
import type { Batch } from './batch.ts'
import type { Dataset, Sample } from './dataset.ts'
import { Permutation } from './permutation.ts'

/** How {@link DataLoader} makes batches. */
export interface DataLoaderOptions {
  /** Samples in one batch. */
  readonly batchSize: number
  /**
   * Reads the samples in an order that `seed` and the epoch decide, rather than that of the dataset.
   * @default false
   */
  readonly shuffle?: boolean
  /**
   * Decides the order together with the epoch; an integer ≥ 0.
   * @default 0
   */
  readonly seed?: number
  /**
   * Leaves out the last batch when it is smaller than the others.
   * @default false
   */
  readonly dropLast?: boolean
  /**
   * The epoch to start with; an integer ≥ 0.
   * @default 0
   */
  readonly epoch?: number
}

/**
 * Batches of a dataset, by `for` or `for await`. The latter lets timers and input in between batches.
 *
 * The order is a pure function of (seed, epoch, index), the same on every machine, and takes no memory. Each iteration that
 * runs to its end advances `epoch`; one that is left early does not, so the next starts the same epoch over.
 * Iterations over one loader do not disturb each other.
 *
 * ```ts
 * const loader = new DataLoader(dataset, { batchSize: 8, shuffle: true, seed: 1 })
 * for await (const { inputs, targets, shape } of loader) train(inputs, targets, shape)
 * ```
 */
export class DataLoader implements Iterable<Batch>, AsyncIterable<Batch> {
  /** Where the samples come from. */
  readonly dataset: Dataset
  /** Samples in one batch. */
  readonly batchSize: number
  /** Whether the samples are read in another order than that of the dataset. */
  readonly shuffle: boolean
  /** Decides the order together with the epoch. */
  readonly seed: number
  /** Whether a last batch that is smaller than the others is left out. */
  readonly dropLast: boolean
  #epoch: number

  /** @throws `ERR_INVALID_ARGUMENT` when `dataset` is none, or an option is wrong. */
  constructor(dataset: Dataset, options: DataLoaderOptions) {
    this.dataset = checkedDataset(dataset)
    const known = ['batchSize', 'shuffle', 'seed', 'dropLast', 'epoch'] as const
    const {
      batchSize,
      shuffle = false,
      seed = 0,
      dropLast = false,
      epoch = 0,
    } = checkedOptions('options', options, known)
    this.batchSize = positiveInteger('options.batchSize', batchSize)
    this.shuffle = boolean('options.shuffle', shuffle)
    this.seed = integerIn('options.seed', seed, 0)
    this.dropLast = boolean('options.dropLast', dropLast)
    this.#epoch = integerIn('options.epoch', epoch, 0)
  }

  /** The epoch that the next iteration reads. */
  get epoch(): number {
    return this.#epoch
  }

  /** The number of batches in one epoch. */
  get length(): number {
    const batches = this.dataset.length / this.batchSize
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches)
  }

  *[Symbol.iterator](): Generator<Batch, void, undefined> {
    const { dataset, batchSize, length } = this
    const epoch = this.#epoch
    const samples = dataset.length
    const order = this.shuffle ? new Permutation(samples, this.seed, epoch) : undefined
    for (let batch = 0; batch < length; batch++) {
      const start = batch * batchSize
      const rows = Math.min(batchSize, samples - start)
      yield collate(rows, (row) => dataset.get(order === undefined ? start + row : order.at(start + row), { epoch }))
    }
    // Of two iterations of the same epoch, the second to end must not skip one.
    this.#epoch = Math.max(this.#epoch, epoch + 1)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    const turns = new Turns()
    for (const batch of this) {
      yield batch
      if (turns.isOver) await turns.next()
    }
  }
}

/** Copies `rows` samples into one fresh pair of arrays. */
const collate = (rows: number, sampleOf: (row: number) => Sample): Batch => {
  const first = sampleOf(0)
  const columns = first.inputs.length
  const inputs = new Uint32Array(rows * columns)
  const targets = new Int32Array(rows * columns)
  for (let row = 0; row < rows; row++) {
    const sample = row === 0 ? first : sampleOf(row)
    if (sample.inputs.length !== columns || sample.targets.length !== columns) {
      throw new TokenmillError(
        'ERR_INVALID_ARGUMENT',
        `expected samples of ${columns} inputs and targets, as the first of the batch, ` +
          `received ${sample.inputs.length} inputs and ${sample.targets.length} targets`,
      )
    }
    inputs.set(sample.inputs, row * columns)
    targets.set(sample.targets, row * columns)
  }
  return { inputs, targets, shape: [rows, columns] }
}

const checkedDataset = (dataset: unknown): Dataset => {
  const { length, get } = (dataset ?? {}) as Partial<Dataset>
  if (typeof get === 'function' && typeof length === 'number' && Number.isSafeInteger(length) && length >= 0)
    return dataset as Dataset
  throw invalid('dataset', 'a dataset: an object with length and get(index)', dataset)
}
