import {
  abortSignal,
  integerIn,
  invalid,
  oneOf,
  options as checkedOptions,
  positiveInteger,
  string,
} from '../validate.ts'
import { encodeOptionNames, ownChoices } from './arguments.ts'
import { boundaryNames, numberOf, type Boundary } from './boundaries.ts'
import { chunksLater, type LaterCountedText } from './chunk-later.ts'
import { Parts, type CountedText } from './parts.ts'
import type { EncodeOptions } from './tokenizer.ts'

/** How a text is cut into chunks. */
export interface ChunkOptions extends EncodeOptions {
  /** The most tokens of a chunk. */
  readonly maxTokens: number
  /**
   * The most tokens that a chunk has in common with the one before it; less than `maxTokens`.
   * @default 0
   */
  readonly overlap?: number | undefined
  /**
   * What chunks end at. Where no chunk of at most `maxTokens` does, the next finer one is taken: `'markdown'`, `'paragraph'`, `'sentence'`,
   * `'word'`, `'token'`, and at last any character.
   *
   * - `'token'`: tokens of the text, never inside a character.
   * - `'word'`, `'sentence'`: those of Unicode (UAX #29). White space stays with what is after it, line breaks with what is before.
   * - `'paragraph'`: after blank lines.
   * - `'markdown'`: before headings, else before blocks (lists, tables, code, paragraphs), else before items of a list and rows of a
   *   table; never between a heading and what follows it.
   *
   * @default 'token'
   */
  readonly boundary?: Boundary | undefined
}

/** {@link ChunkOptions} of {@link Tokenizer.chunkAsync}. */
export interface ChunkAsyncOptions extends ChunkOptions {
  /** Stops the work; the promise is rejected with `signal.reason`. */
  readonly signal?: AbortSignal | undefined
}

/** A part of a text. */
export interface Chunk {
  /** What it says: `text.slice(start, end)`. */
  readonly text: string
  /** Where it starts, in UTF-16 code units. */
  readonly start: number
  /** Where it ends, in UTF-16 code units. */
  readonly end: number
  /** How many tokens it has, as a text of its own. */
  readonly tokens: number
}

const chunkOptionNames = [...encodeOptionNames, 'maxTokens', 'overlap', 'boundary'] as const

/** The checked arguments of `chunk`. */
export const checkedChunking = (text: unknown, options: ChunkOptions) => {
  if (options === undefined) throw noOptions()
  const checked = checkedOptions('options', options, chunkOptionNames)
  const { maxTokens, overlap = 0, boundary = 'token', ...rest } = checked
  const most = positiveInteger('options.maxTokens', maxTokens)
  return {
    text: string('text', text),
    maxTokens: Math.min(most, 0xffff_fffe),
    overlap: Math.min(integerIn('options.overlap', overlap, 0, most - 1), 0xffff_fffe),
    boundary: numberOf(oneOf('options.boundary', boundary, boundaryNames)),
    rest: rest as EncodeOptions,
  }
}

/** The checked arguments of `chunkAsync`. */
export const checkedAsyncChunking = (text: unknown, options: ChunkAsyncOptions) => {
  if (options === undefined) throw noOptions()
  const { signal, ...rest } = checkedOptions('options', options, [...chunkOptionNames, 'signal'])
  const checked = abortSignal(signal)
  checked?.throwIfAborted()
  return { signal: checked, ...checkedChunking(text, rest as ChunkOptions) }
}

const noOptions = () => invalid('options', 'an object, as { maxTokens: 512 },', undefined)

/** The chunks of `text`, made one by one; `plan` has the start, the end and the tokens of each. */
export class ChunkList implements Iterable<Chunk> {
  readonly #text: string
  readonly #plan: Uint32Array

  constructor(text: string, plan: Uint32Array) {
    this.#text = text
    this.#plan = plan
  }

  *[Symbol.iterator](): IterableIterator<Chunk> {
    for (let at = 0; at < this.#plan.length; at += 3) {
      const [start, end, tokens] = this.#plan.subarray(at, at + 3) as unknown as [number, number, number]
      yield { text: this.#text.slice(start, end), start, end, tokens }
    }
  }
}

/** `chunk` of a tokenizer that counts parts of a text. */
export const chunkCounted = (
  text: string,
  options: ChunkOptions,
  counted: (text: string, options: EncodeOptions) => CountedText,
): Iterable<Chunk> => {
  const { text: checked, maxTokens, overlap, boundary, rest } = checkedChunking(text, options)
  const chunks = new Parts(counted(checked, rest)).chunks(maxTokens, overlap, boundary)
  while (chunks.next());
  return new ChunkList(checked, chunks.plan())
}

/** `chunkAsync` of such a tokenizer. */
export const chunkCountedAsync = async (
  text: string,
  options: ChunkAsyncOptions,
  counted: (text: string, options: EncodeOptions, signal: AbortSignal | undefined) => Promise<LaterCountedText>,
): Promise<Iterable<Chunk>> => {
  const { signal, text: checked, maxTokens, overlap, boundary, rest } = checkedAsyncChunking(text, options)
  const known = await counted(checked, ownChoices(rest), signal)
  return new ChunkList(checked, await chunksLater(known, [maxTokens, overlap, boundary], signal))
}
