import { TokenmillError } from '../errors.ts'
import { integerIn, invalid, membersOf, oneOf, options as checkedOptions, positiveInteger } from '../validate.ts'
import { allocated } from '../allocated.ts'
import { readsInPlace } from './apart.ts'
import type { Batch } from './batch.ts'
import { collate, ignored } from './collate.ts'
import type { BatchOptions, Dataset, Sample, SampleOptions } from './dataset.ts'
import { nextToken, type Objective, sampleOf } from './objective.ts'
import { sourceOf, type TokenSource, type TokensOrDocuments } from './tokens.ts'
import { WindowPlan } from './window-plan.ts'
import { batchCall, epochOf, indexBelow, mostPlaces } from './sample-call.ts'

/** How {@link WindowDataset} cuts tokens into windows. */
export interface WindowOptions {
  /** Inputs in one window, at most 2^27. */
  readonly contextLength: number
  /**
   * Tokens from one window start to the next. At the default no input is in two windows; with less, windows overlap;
   * with more, tokens are skipped.
   * @default contextLength
   */
  readonly stride?: number | undefined
  /**
   * What a window asks of the model.
   * @default nextToken()
   */
  readonly objective?: Objective | undefined
  /**
   * - `'cross'`: the documents are one row of tokens, and windows run over their ends
   * - `'within'`: every window is of one document
   * @default 'cross'
   */
  readonly boundaries?: 'cross' | 'within' | undefined
  /**
   * What becomes of tokens at the end, of each document where windows stay within them, that fill no window:
   *
   * - `'drop'`: they are left out; `droppedTokens` counts them
   * - `'keep'`: they are a window that is padded with `paddingId`, and -100 in its targets; batches then have an `attentionMask`
   * @default 'drop'
   */
  readonly tails?: 'drop' | 'keep' | undefined
  /**
   * What kept tails are padded with.
   * @default 0
   */
  readonly paddingId?: number | undefined
}

/** Of the batch that is next, so many windows at most are told to the memory. */
const mostAhead = 16
const none = new Float64Array(0)

/**
 * Sliding windows over token ids, for the next token `ceil((tokens - contextLength) / stride)` of them.
 *
 * Nothing is copied: samples are views of the tokens, so whoever writes into one writes into all that overlap it. Samples of
 * objectives that change tokens, and kept tails, are copies.
 *
 * ```ts
 * const dataset = new WindowDataset(Uint32Array.of(10, 11, 12, 13, 14, 15), { contextLength: 3, stride: 2 })
 * dataset.length // 2
 * dataset.get(1) // { inputs: [12, 13, 14], targets: [13, 14, 15] }
 * ```
 */
export class WindowDataset implements Dataset {
  /** Inputs in one window. */
  readonly contextLength: number
  /** Tokens from one window start to the next. */
  readonly stride: number
  /** What a window asks of the model. */
  readonly objective: Objective
  /** Whether windows run over the ends of documents. */
  readonly boundaries: 'cross' | 'within'
  /** What becomes of tokens that fill no window. */
  readonly tails: 'drop' | 'keep'
  /** What kept tails are padded with. */
  readonly tailPaddingId: number
  /** The number of windows. */
  readonly length: number
  /** Tokens at ends that are in no window. Those that a stride above `contextLength` skips are not counted. */
  readonly droppedTokens: number
  /** Documents of which there is no window. */
  readonly droppedDocuments: number
  /** Has the windows `indices` in memory, off the event loop; there where the tokens are in a store. */
  readonly readAhead?: (indices: Float64Array) => Promise<void>
  readonly #source: TokenSource
  readonly #plan: WindowPlan
  /** What a whole window reads. */
  readonly #ids: number
  #starts = none

  /**
   * @param tokens ids below 2^31, a list of documents, or a store. A `Uint32Array` is used in place, other kinds of array are copied; the ids of a
   *   store stay in their files until they are asked for.
   * @throws `ERR_INVALID_ARGUMENT` when there are fewer tokens than one window reads, or an id or option is wrong.
   */
  constructor(tokens: TokensOrDocuments, options: WindowOptions) {
    const known = ['contextLength', 'stride', 'objective', 'boundaries', 'tails', 'paddingId'] as const
    const {
      contextLength,
      stride = contextLength,
      objective = nextToken(),
      boundaries = 'cross',
      tails = 'drop',
      paddingId = 0,
    } = checkedOptions('options', options, known)
    this.contextLength = integerIn('options.contextLength', contextLength, 1, mostPlaces)
    this.stride = positiveInteger('options.stride', stride)
    this.objective = checkedObjective(objective)
    this.boundaries = oneOf('options.boundaries', boundaries, ['cross', 'within'])
    this.tails = oneOf('options.tails', tails, ['drop', 'keep'])
    this.tailPaddingId = integerIn('options.paddingId', paddingId, 0, 2 ** 31 - 1)
    const source = sourceOf(tokens)
    this.#source = source
    readsInPlace(this, source.inPlace)
    this.#ids = idsPerWindow(this.objective, this.contextLength)
    const leastIds = idsPerWindow(this.objective, 1)
    this.#plan = new WindowPlan({
      documentStarts: this.boundaries === 'within' ? source.documentStarts() : Float64Array.of(0, source.length),
      idsPerWindow: this.#ids,
      leastIds,
      stride: this.stride,
      keepTails: this.tails === 'keep',
    })
    this.length = this.#plan.windows
    this.droppedTokens = this.#plan.droppedTokens
    this.droppedDocuments = this.#plan.droppedDocuments
    if (this.length === 0) {
      const needed = this.tails === 'keep' ? leastIds : this.#ids
      throw new TokenmillError(
        'ERR_INVALID_ARGUMENT',
        `expected at least ${needed} tokens for one window of contextLength ${this.contextLength}, received ` +
          (this.boundaries === 'within' ? `documents of at most ${this.#plan.longest}` : `${source.length}`),
      )
    }
    const { readAhead } = source
    if (readAhead !== undefined) {
      const ids = this.#ids
      // A kept tail is shorter than a window: what is read is what is there.
      const within = (start: number) => Math.max(0, Math.min(start, source.length - ids))
      this.readAhead = (indices) => readAhead(this.#startsOf(indices).map(within), Math.min(ids, source.length))
    }
  }

  /**
   * Window `index`, its arrays being views of the tokens.
   *
   * @throws `ERR_OUT_OF_RANGE` when there is no such window.
   * @throws `ERR_DISPOSED` when the tokens were transferred to another thread, or their buffer was resized.
   */
  get(index: number, options?: SampleOptions): Sample {
    return this.#sample(index, epochOf(options))
  }

  #sample(index: number, epoch: number): Sample {
    const { start, ids } = this.#plan.at(indexBelow(this.length, index))
    const { tokens, at } = this.#source.views(start, ids)
    // The objective may read one id more than there are inputs.
    const inputs = this.contextLength - (this.#ids - ids)
    const sample = sampleOf(this.objective, tokens, at, inputs, { index, epoch })
    return this.tails === 'keep' ? this.#filledUp(sample) : sample
  }

  /** Windows `indices` as one batch. */
  batch(indices: Float64Array, options?: BatchOptions): Batch {
    const { epoch, out, next } = batchCall(this, indices, options)
    if (this.objective === nextToken() && this.tails === 'drop') {
      const starts = this.#startsOf(indices, next?.subarray(0, Math.min(indices.length, mostAhead)))
      return this.#source.windows(starts, this.contextLength, { rows: indices.length, out })
    }
    return collate(
      Array.from(indices, (index) => this.#sample(index, epoch)),
      { out, columns: this.contextLength },
    )
  }

  #startsOf(indices: Float64Array, next: Float64Array = none): Float64Array {
    const rows = indices.length
    // Mostly as many as before; whoever gets them reads them at once.
    if (this.#starts.length !== rows + next.length) this.#starts = new Float64Array(rows + next.length)
    const starts = this.#starts
    for (let row = 0; row < starts.length; row++) {
      const index = (row < rows ? indices[row] : next[row - rows]) as number
      starts[row] = this.#plan.startOf(indexBelow(this.length, index))
    }
    return starts
  }

  #filledUp({ inputs, targets }: Sample): Sample {
    const sample = allocated(9 * this.contextLength, () => ({
      inputs: new Uint32Array(this.contextLength).fill(this.tailPaddingId),
      targets: new Int32Array(this.contextLength).fill(ignored),
      attentionMask: new Uint8Array(this.contextLength).fill(1, 0, inputs.length),
    }))
    sample.inputs.set(inputs)
    sample.targets.set(targets)
    return sample
  }
}

export const checkedObjective = (objective: unknown): Objective => {
  const { idsPerWindow, sample } = membersOf<Objective>(objective)
  if (typeof idsPerWindow === 'function' && typeof sample === 'function') return objective as Objective
  throw invalid('options.objective', 'an objective such as nextToken()', objective)
}

/** What a window of `contextLength` inputs reads, as `objective` says. */
export const idsPerWindow = (objective: Objective, contextLength: number): number =>
  positiveInteger(`options.objective.idsPerWindow(${contextLength})`, objective.idsPerWindow(contextLength))
