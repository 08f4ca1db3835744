import { Turns } from '../event-loop.ts'
import { boolean, integerIn, invalid, membersOf, options as checkedOptions, positiveInteger } from '../validate.ts'
import { checkApartFrom, readInPlace } from './apart.ts'
import type { Batch, BatchArrays } from './batch.ts'
import { checkedBatch, checkedSample } from './checked-sample.ts'
import { checkedArrays, collate } from './collate.ts'
import type { BatchOptions, Dataset } from './dataset.ts'
import { EpochOrder } from './epoch-order.ts'
import { checkedState, type LoaderState } from './loader-state.ts'

/** How {@link DataLoader} makes batches. */
export interface DataLoaderOptions {
  /** Samples in one batch of one rank. */
  readonly batchSize: number
  /**
   * Reads the samples in an order that `seed` and the epoch decide, rather than that of the dataset.
   * @default false
   */
  readonly shuffle?: boolean | undefined
  /**
   * Decides the order together with the epoch; an integer ≥ 0.
   * @default 0
   */
  readonly seed?: number | undefined
  /**
   * Leaves out the last batch when it is smaller than the others.
   * @default false
   */
  readonly dropLast?: boolean | undefined
  /**
   * The epoch to start with; an integer ≥ 0.
   * @default 0
   */
  readonly epoch?: number | undefined
  /**
   * Which of several processes that train together this is, from 0: each reads other samples, and as many as the others.
   * @default 0
   */
  readonly rank?: number | undefined
  /**
   * How many processes train together.
   * @default 1
   */
  readonly worldSize?: number | undefined
  /**
   * Batches that `for await` has under way ahead of the one it gave, at least, when the dataset makes them or reads their files off the event loop.
   * @default 2
   */
  readonly prefetch?: number | undefined
}

/**
 * Batches of a dataset, by `for` or `for await`. The latter lets timers and input in between batches.
 *
 * The order is a pure function of (seed, epoch, index), the same on every machine, and takes no memory; docs/datasets.md of the
 * repository has its definition. Each iteration that runs to its end advances `epoch`; one that is left early does not, so the next starts the same
 * epoch over. Iterations over one loader do not disturb each other.
 *
 * ```ts
 * const loader = new DataLoader(dataset, { batchSize: 8, shuffle: true, seed: 1 })
 * for await (const { inputs, targets, shape } of loader) train(inputs, targets, shape)
 * ```
 */
export class DataLoader implements Iterable<Batch>, AsyncIterable<Batch> {
  /** Where the samples come from. */
  readonly dataset: Dataset
  /** Samples in one batch of one rank. */
  readonly batchSize: number
  /** Whether the samples are read in another order than that of the dataset. */
  readonly shuffle: boolean
  /** Decides the order together with the epoch. */
  readonly seed: number
  /** Whether a last batch that is smaller than the others is left out. */
  readonly dropLast: boolean
  /** Which of `worldSize` processes this is. */
  readonly rank: number
  /** How many processes read the dataset together. */
  readonly worldSize: number
  /** Batches under way ahead of the one that was given. */
  readonly prefetch: number
  #epoch: number
  /** Places of the epoch that the next iteration leaves out, since they were read before {@link DataLoader.load}. */
  #start = 0
  /** Where the batch that was given last ends. */
  #given: { readonly epoch: number; readonly sample: number } | undefined

  /** Batches of the samples of `dataset`. @throws `ERR_INVALID_ARGUMENT` when it is none, or an option is wrong. */
  constructor(dataset: Dataset, options: DataLoaderOptions) {
    this.dataset = checkedDataset(dataset)
    const known = ['batchSize', 'shuffle', 'seed', 'dropLast', 'epoch', 'rank', 'worldSize', 'prefetch'] as const
    const {
      batchSize,
      shuffle = false,
      seed = 0,
      dropLast = false,
      epoch = 0,
      rank = 0,
      worldSize = 1,
      prefetch = 2,
    } = checkedOptions('options', options, known)
    this.batchSize = positiveInteger('options.batchSize', batchSize)
    this.shuffle = boolean('options.shuffle', shuffle)
    this.seed = integerIn('options.seed', seed, 0)
    this.dropLast = boolean('options.dropLast', dropLast)
    this.#epoch = integerIn('options.epoch', epoch, 0)
    this.worldSize = positiveInteger('options.worldSize', worldSize)
    this.rank = integerIn('options.rank', rank, 0, this.worldSize - 1)
    this.prefetch = integerIn('options.prefetch', prefetch, 0, 1024)
  }

  /** The epoch that the next iteration reads. */
  get epoch(): number {
    return this.#epoch
  }

  /** The number of batches of this rank in one whole epoch. */
  get length(): number {
    return this.#order(this.#epoch, 0).batches
  }

  /**
   * Where reading is: what {@link DataLoader.load} needs to go on after the batch that was given last, in another process, with
   * another batch size or number of ranks too. Batches that are only under way do not count. It is plain data, for a checkpoint.
   */
  state(): LoaderState {
    const { epoch, sample } = this.#given ?? { epoch: this.#epoch, sample: this.#start }
    const { seed, shuffle } = this
    return { version: 1, epoch, sample, seed, shuffle, samples: this.dataset.length }
  }

  /**
   * Lets the next iteration go on where `state` was taken; when nothing is left of that epoch, with the next one.
   *
   * @throws `ERR_INVALID_ARGUMENT` when it is no state, or that of another order: another seed, shuffling or length of the dataset.
   */
  load(state: LoaderState): void {
    const { epoch, sample } = checkedState(state, { ...this, samples: this.dataset.length })
    const isOver = this.#order(epoch, sample).batches === 0
    this.#epoch = isOver ? epoch + 1 : epoch
    this.#start = isOver ? 0 : sample
    this.#given = undefined
  }

  /**
   * The batches of the next epoch, one after the other: what `for` reads. With `out`, every batch is written into those arrays, so
   * that reading allocates nothing: the next batch then overwrites the last one.
   *
   * @throws `ERR_INVALID_ARGUMENT` when the arrays are too small, or have memory in common with one another or with the tokens of the dataset.
   */
  *batches(options?: { readonly out?: BatchArrays | undefined }): Generator<Batch, void, undefined> {
    const { out } = checkedOptions('options', options, ['out'])
    const arrays = out === undefined ? undefined : checkedArrays(out)
    const reading = this.#begin()
    for (const [batch, made] of this.#inTurn(reading, arrays)) {
      this.#give(reading, batch)
      yield made
    }
    this.#end(reading.epoch)
  }

  [Symbol.iterator](): Generator<Batch, void, undefined> {
    return this.batches()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    const reading = this.#begin()
    const turns = new Turns()
    for await (const [batch, made] of this.#ahead(reading)) {
      this.#give(reading, batch)
      yield made
      if (turns.isOver) await turns.next()
    }
    this.#end(reading.epoch)
  }

  *#inTurn({ order, epoch }: Reading, out?: BatchArrays): Generator<readonly [number, Batch], void, undefined> {
    let indices = order.batches > 0 ? order.batch(0) : undefined
    for (let batch = 0; indices !== undefined; batch++) {
      const next = batch + 1 < order.batches ? order.batch(batch + 1) : undefined
      yield [batch, makeBatch(this.dataset, indices, { epoch, ...(out && { out }), ...(next && { next }) })]
      indices = next
    }
  }

  #ahead(reading: Reading): Iterable<readonly [number, Batch]> | AsyncIterable<readonly [number, Batch]> {
    const { batchAsync, readAhead } = this.dataset
    if (batchAsync) return this.#prefetched(reading)
    return readAhead && this.prefetch > 0 ? this.#readAhead(reading) : this.#inTurn(reading)
  }

  /** Batches made here, while those after them are read into memory elsewhere, many at a time: each time costs as much as some batches. */
  async *#readAhead({ order, epoch }: Reading): AsyncGenerator<readonly [number, Batch], void, undefined> {
    const { batchSize, dataset } = this
    const atOnce = Math.max(this.prefetch, Math.ceil(samplesAhead / batchSize))
    const read = (batch: number) => {
      const indices = order.batch(batch, Math.min(atOnce, order.batches - batch))
      // A dataset of the caller's own may give nothing to wait for.
      const done = Promise.resolve((dataset as Required<Dataset>).readAhead(indices, { epoch }))
      // When the caller leaves, nobody waits for it any more.
      done.catch(() => {})
      return { indices, done }
    }
    let reading = order.batches > 0 ? read(0) : undefined
    for (let batch = 0; reading !== undefined;) {
      const { indices, done } = reading
      await done
      reading = batch + atOnce < order.batches ? read(batch + atOnce) : undefined
      for (let start = 0; start < indices.length; start += batchSize) {
        const end = start + batchSize
        const next = indices.subarray(end, end + batchSize)
        yield [batch++, makeBatch(dataset, indices.subarray(start, end), { epoch, next })]
      }
    }
  }

  /** Batches in their order, some of them under way while the caller is busy with one. */
  async *#prefetched({ order, epoch }: Reading): AsyncGenerator<readonly [number, Batch], void, undefined> {
    const underWay: Promise<Batch>[] = []
    let next = 0
    for (let batch = 0; batch < order.batches; batch++) {
      while (next < order.batches && next <= batch + this.prefetch) {
        const made = Promise.resolve((this.dataset as Required<Dataset>).batchAsync(order.batch(next++), { epoch }))
        // When the caller leaves, nobody waits for it any more.
        made.catch(() => {})
        underWay.push(made)
      }
      yield [batch, checkedBatch(await underWay.shift())]
    }
  }

  #order(epoch: number, start: number): EpochOrder {
    const { seed, shuffle, batchSize, dropLast, rank, worldSize } = this
    const { length: samples } = this.dataset
    return new EpochOrder({ samples, start, seed, epoch, shuffle, batchSize, dropLast, rank, worldSize })
  }

  /** Starts an iteration: it reads what is left of the epoch, and another one at the same time the whole epoch. */
  #begin(): Reading {
    const [epoch, start] = [this.#epoch, this.#start]
    this.#start = 0
    // Until there is a batch, reading is where it began.
    this.#given ??= { epoch, sample: start }
    return { epoch, order: this.#order(epoch, start) }
  }

  #give({ epoch, order }: Reading, batch: number): void {
    this.#given = { epoch, sample: order.placesAfter(batch + 1) }
  }

  /** Of two iterations of the same epoch, the second to end must not skip one. */
  #end(epoch: number): void {
    this.#epoch = Math.max(this.#epoch, epoch + 1)
    this.#given = { epoch: this.#epoch, sample: 0 }
  }
}

/** Samples that are read into memory at a time, at least. */
const samplesAhead = 256

/** An iteration over one epoch. */
interface Reading {
  readonly epoch: number
  readonly order: EpochOrder
}

const makeBatch = (dataset: Dataset, indices: Float64Array, options: BatchOptions): Batch => {
  if (dataset.batch) return checkedBatch(dataset.batch(indices, options))
  const { epoch = 0, out } = options
  if (out !== undefined) checkApartFrom(readInPlace(dataset), out)
  const samples = Array.from(indices, (index) => checkedSample(dataset.get(index, { epoch }), index))
  return collate(samples, { paddingId: dataset.paddingId, out })
}

const checkedDataset = (dataset: unknown): Dataset => {
  const { length, get } = membersOf<Dataset>(dataset)
  if (typeof get === 'function' && typeof length === 'number' && Number.isSafeInteger(length) && length >= 0)
    return dataset as Dataset
  throw invalid('dataset', 'a dataset: an object with length and get(index)', dataset)
}
