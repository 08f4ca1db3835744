import { TokenmillError } from '../errors.ts'
import { integerIn, oneOf, options as checkedOptions } from '../validate.ts'
import { allocated } from '../allocated.ts'
import { readsInPlace } from './apart.ts'
import type { Batch, BatchArrays } from './batch.ts'
import type { BatchOptions, Dataset, Sample, SampleOptions } from './dataset.ts'
import { givenArrays, ignored, segmentStarts } from './collate.ts'
import { nextToken, type Objective, sampleOf } from './objective.ts'
import { type Bin, bestFitDecreasing, firstFitDecreasing } from './packing.ts'
import { sourceOf, type TokenSource, type TokensOrDocuments } from './tokens.ts'
import { checkedObjective, idsPerWindow } from './window-dataset.ts'
import { batchCall, epochOf, indexBelow, mostPlaces } from './sample-call.ts'

/** How {@link PackedDataset} fills windows. */
export interface PackingOptions {
  /** Inputs in one window, at most 2^25: a place takes 17 bytes in its five arrays. */
  readonly contextLength: number
  /**
   * Which window a document goes into, the longest first: the fullest that has room for it, or the first.
   * @default 'bestFit'
   */
  readonly strategy?: 'bestFit' | 'firstFit' | undefined
  /**
   * What a document asks of the model.
   * @default nextToken()
   */
  readonly objective?: Objective | undefined
  /**
   * What windows are padded with.
   * @default 0
   */
  readonly paddingId?: number | undefined
}

/** Stretches of documents, each of which goes into one window. */
interface Pieces {
  /** The place of the first input of each. */
  readonly starts: Float64Array
  /** Inputs of each. */
  readonly sizes: Uint32Array
}

/**
 * Whole documents side by side in windows of one length, so that little of a batch is padding.
 *
 * A document longer than a window is cut into several pieces, each of which goes on where the one before ended: no prediction is
 * lost. Samples have `segmentIds` (which piece, from 1; 0 is padding), `positionIds` that start at 0 in each piece and an
 * `attentionMask`; batches have `cuSeqlens` too. A model that looks at them keeps documents apart, as if each were alone.
 */
export class PackedDataset implements Dataset {
  /** Inputs in one window. */
  readonly contextLength: number
  /** What a document asks of the model. */
  readonly objective: Objective
  /** The number of windows. */
  readonly length: number
  /** What windows are padded with. */
  readonly paddingId: number
  /** Places of all windows that are padding. */
  readonly paddedPlaces: number
  /** Documents that were cut, since they are longer than a window. */
  readonly cutDocuments: number
  /** Documents that are in no window: too short to predict anything. */
  readonly droppedDocuments: number
  readonly #source: TokenSource
  /** What a document has to read beside its inputs. */
  readonly #more: number
  readonly #pieces: Pieces
  readonly #bins: readonly Bin[]

  /** Rows of whole `documents`. @throws `ERR_INVALID_ARGUMENT` when no document predicts anything, or an id or option is wrong. */
  constructor(documents: TokensOrDocuments, options: PackingOptions) {
    const known = ['contextLength', 'strategy', 'objective', 'paddingId'] as const
    const {
      contextLength,
      strategy = 'bestFit',
      objective = nextToken(),
      paddingId = 0,
    } = checkedOptions('options', options, known)
    this.contextLength = integerIn('options.contextLength', contextLength, 1, mostPacked)
    this.objective = checkedObjective(objective)
    this.paddingId = integerIn('options.paddingId', paddingId, 0, 2 ** 31 - 1)
    const pack =
      oneOf('options.strategy', strategy, ['bestFit', 'firstFit']) === 'bestFit'
        ? bestFitDecreasing
        : firstFitDecreasing
    this.#source = sourceOf(documents)
    readsInPlace(this, this.#source.inPlace)
    const documentStarts = this.#source.documentStarts()
    const more = idsPerWindow(this.objective, 1) - 1
    this.#more = more
    const pieces = piecesOf(documentStarts, this.contextLength, more)
    this.#pieces = pieces
    this.cutDocuments = pieces.cutDocuments
    this.droppedDocuments = pieces.droppedDocuments
    this.#bins = pack(pieces.sizes, this.contextLength)
    this.length = this.#bins.length
    if (this.length === 0)
      throw new TokenmillError(
        'ERR_INVALID_ARGUMENT',
        `expected documents of at least ${more + 1} tokens, received ${documentStarts.length - 1} shorter ones`,
      )
    this.paddedPlaces = this.length * this.contextLength - pieces.sizes.reduce((sum, size) => sum + size, 0)
  }

  /**
   * Window `index`.
   * @throws `ERR_OUT_OF_RANGE` when there is no such window.
   */
  get(index: number, options?: SampleOptions): Sample {
    const epoch = epochOf(options)
    const place = indexBelow(this.length, index)
    const window = rowsOf(1, this.contextLength)
    this.#write(place, epoch, window, 0)
    return window
  }

  /** Windows `indices` as one batch. */
  batch(indices: Float64Array, options?: BatchOptions): Batch {
    const { epoch, out } = batchCall(this, indices, options)
    for (const index of indices) indexBelow(this.length, index)
    const { contextLength } = this
    const rows = rowsOf(indices.length, contextLength, out)
    for (let row = 0; row < indices.length; row++) this.#write(indices[row] as number, epoch, rows, row * contextLength)
    const cuSeqlens = segmentStarts(rows.segmentIds, contextLength)
    return { ...rows, shape: [indices.length, contextLength], cuSeqlens }
  }

  /** Writes window `index` into the places of `sample` from `first` on. */
  #write(index: number, epoch: number, sample: Rows, first: number): void {
    const { contextLength } = this
    sample.inputs.fill(this.paddingId, first, first + contextLength)
    sample.targets.fill(ignored, first, first + contextLength)
    let end = first
    for (const [segment, piece] of (this.#bins[index] as Bin).entries()) {
      const [start, size] = [this.#pieces.starts[piece] as number, this.#pieces.sizes[piece] as number]
      // The place of a piece, not of its window: it is masked alike wherever it was put.
      const { tokens, at } = this.#source.views(start, size + this.#more)
      const { inputs, targets } = sampleOf(this.objective, tokens, at, size, { index: piece, epoch })
      sample.inputs.set(inputs, end)
      sample.targets.set(targets, end)
      sample.attentionMask.fill(1, end, end + size)
      sample.segmentIds.fill(segment + 1, end, end + size)
      for (let place = 0; place < size; place++) sample.positionIds[end + place] = place
      end += size
    }
  }
}

/** What windows are written into. */
type Rows = { readonly [Name in keyof Sample]-?: NonNullable<Batch[Name]> }

/** Zeros for `rows` windows of `contextLength` places, inputs and targets in `out` when it is given. */
const rowsOf = (rows: number, contextLength: number, out?: BatchArrays): Rows => {
  const size = rows * contextLength
  const given = out && givenArrays(out, size)
  return allocated(bytesPerPlace * size, () => ({
    inputs: given?.inputs ?? new Uint32Array(size),
    targets: given?.targets ?? new Int32Array(size),
    attentionMask: new Uint8Array(size),
    positionIds: new Uint32Array(size),
    segmentIds: new Uint32Array(size),
  }))
}

/** What a place takes in all arrays of a window. */
const bytesPerPlace = 17

/** The most places of a packed window: no more bytes than the inputs and targets of {@link mostPlaces}. */
const mostPacked = mostPlaces / 4

const piecesOf = (documentStarts: Float64Array, contextLength: number, more: number) => {
  const [starts, sizes]: [number[], number[]] = [[], []]
  let [cutDocuments, droppedDocuments] = [0, 0]
  for (let document = 0; document + 1 < documentStarts.length; document++) {
    const [first, end] = [documentStarts[document] as number, documentStarts[document + 1] as number]
    const inputs = end - first - more
    if (inputs < 1) droppedDocuments++
    if (inputs > contextLength) cutDocuments++
    for (let start = 0; start < inputs; start += contextLength) {
      starts.push(first + start)
      sizes.push(Math.min(contextLength, inputs - start))
    }
  }
  return { starts: Float64Array.from(starts), sizes: Uint32Array.from(sizes), cutDocuments, droppedDocuments }
}
