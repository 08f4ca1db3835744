import { types } from 'node:util'
import { TokenmillError } from '../errors.ts'
import { integerIn, invalid, options as checkedOptions, positiveInteger } from '../validate.ts'
import type { Dataset, Sample } from './dataset.ts'
import { nextToken, type Objective, type TokenViews } from './objective.ts'

/** How {@link WindowDataset} cuts tokens into windows. */
export interface WindowOptions {
  /** Inputs in one window. */
  readonly contextLength: number
  /**
   * Tokens from one window start to the next. At the default no input is in two windows; with less, windows overlap;
   * with more, tokens are skipped.
   * @default contextLength
   */
  readonly stride?: number
  /**
   * What a window asks of the model.
   * @default nextToken()
   */
  readonly objective?: Objective
}

/**
 * Sliding windows over token ids, for the next token `ceil((tokens - contextLength) / stride)` of them.
 *
 * Nothing is copied: samples are views of the tokens, so whoever writes into one writes into all that overlap it.
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
  /** The number of windows. */
  readonly length: number
  readonly #tokens: TokenViews
  readonly #tokenCount: number

  /**
   * @param tokens ids below 2^31. A `Uint32Array` is used in place; other kinds of array are copied.
   * @throws `ERR_INVALID_ARGUMENT` when there are fewer tokens than one window reads, or an id or option is wrong.
   */
  constructor(tokens: Uint32Array | Uint16Array | readonly number[], options: WindowOptions) {
    const known = ['contextLength', 'stride', 'objective'] as const
    const { contextLength, stride = contextLength, objective = nextToken() } = checkedOptions('options', options, known)
    this.contextLength = positiveInteger('options.contextLength', contextLength)
    this.stride = positiveInteger('options.stride', stride)
    this.objective = checkedObjective(objective)
    const ids = checkedTokens(tokens)
    const needed = this.objective.idsPerWindow(this.contextLength)
    if (ids.length < needed) {
      throw new TokenmillError(
        'ERR_INVALID_ARGUMENT',
        `expected at least ${needed} tokens for one window of contextLength ${this.contextLength}, received ${ids.length}`,
      )
    }
    this.length = Math.floor((ids.length - needed) / this.stride) + 1
    this.#tokens = { ids, signed: new Int32Array(ids.buffer, ids.byteOffset, ids.length) }
    this.#tokenCount = ids.length
  }

  /**
   * Window `index`, its arrays being views of the tokens.
   *
   * @throws `ERR_OUT_OF_RANGE` when there is no such window.
   * @throws `ERR_DISPOSED` when the tokens were transferred to another thread, or their buffer was resized.
   */
  get(index: number): Sample {
    integerIn('index', index, -Number.MAX_SAFE_INTEGER)
    if (index < 0 || index >= this.length) {
      throw new TokenmillError('ERR_OUT_OF_RANGE', `expected an index from 0 to ${this.length - 1}, received ${index}`)
    }
    if (this.#tokens.ids.length !== this.#tokenCount) {
      throw new TokenmillError(
        'ERR_DISPOSED',
        'the tokens of the dataset were transferred to another thread or resized',
      )
    }
    return this.objective.sample(this.#tokens, index * this.stride, this.contextLength)
  }
}

/** The ids as a `Uint32Array`, each below 2^31: so an id is never mistaken for the -100 of ignored targets. */
const checkedTokens = (tokens: unknown): Uint32Array => {
  const largest = 2 ** 31 - 1
  if (types.isUint16Array(tokens)) return Uint32Array.from(tokens)
  if (Array.isArray(tokens))
    return Uint32Array.from({ length: tokens.length }, (_, index) =>
      integerIn(`tokens[${index}]`, tokens[index], 0, largest),
    )
  if (!types.isUint32Array(tokens))
    throw invalid('tokens', 'a Uint32Array, a Uint16Array or an array of integers', tokens)
  // One pass without a branch for each id.
  let bits = 0
  for (let index = 0; index < tokens.length; index++) bits |= tokens[index] as number
  if (bits < 0) {
    const index = tokens.findIndex((id) => id > largest)
    integerIn(`tokens[${index}]`, tokens[index], 0, largest)
  }
  return tokens
}

const checkedObjective = (objective: unknown): Objective => {
  const { idsPerWindow, sample } = (objective ?? {}) as Partial<Objective>
  if (typeof idsPerWindow === 'function' && typeof sample === 'function') return objective as Objective
  throw invalid('options.objective', 'an objective such as nextToken()', objective)
}
