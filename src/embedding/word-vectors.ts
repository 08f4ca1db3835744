import { types } from 'node:util'
import { cancellable } from '../cancel.ts'
import { callNative, callNativeAsync } from '../errors.ts'
import { native } from '../native.ts'
import type { NativeWordVectors } from '../native-binding.d.ts'
import { unsharedNumbers } from '../shared-memory.ts'
import {
  abortSignal,
  checkMade,
  finiteNumber,
  integerIn,
  invalid,
  invalidAs,
  isArray,
  isOfClass,
  options as known,
  positiveInteger,
  string,
} from '../validate.ts'
import { filePath } from '../file-path.ts'
import type { NonSharedFloat32Array } from '../non-shared.ts'
import { checkedNumbers } from './checked-numbers.ts'
import { Handle } from './handle.ts'

/** A word and its similarity. */
export interface NearWord {
  /** The word. */
  readonly word: string
  /** Cosine similarity of the two vectors: from -1 to 1, 0 when one of them is zero. */
  readonly similarity: number
}

/** How {@link WordVectors.load} reads. */
export interface WordVectorsLoadOptions {
  /**
   * Maximum number of words to read, from the first on: published files begin with the most frequent.
   * @default all
   */
  readonly limit?: number | undefined
  /** Stops reading; the promise is rejected with `signal.reason`. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Word vectors of word2vec or GloVe: nearest neighbours, similarities and analogies.
 *
 * After {@link WordVectors.dispose}, everything but its sizes throws `ERR_DISPOSED`.
 */
export class WordVectors {
  /** How many words there are. */
  readonly size: number
  /** Dimensions of the vectors. */
  readonly dimensions: number
  readonly #handle: Handle<NativeWordVectors>
  #words: readonly string[] | undefined

  /** @internal */
  constructor(native: NativeWordVectors) {
    checkMade(isOfClass(native), 'WordVectors', 'WordVectors.load, WordVectors.fromArray or trainWordVectors')
    this.size = native.size
    this.dimensions = native.dimensions
    this.#handle = new Handle('word vectors', native)
  }

  /**
   * Reads a file by the end of its name, in capitals or not: `*.txt` and `*.vec` hold a word and its numbers on each line, as word2vec and GloVe write them (words have spaces only where no first line says how many numbers there are); `*.bin` is word2vec's
   * binary form; `*.safetensors` what {@link WordVectors.save} writes. Of several equal words the first one counts.
   *
   * @throws `ERR_INVALID_FILE` says what is wrong, and in which line or word; `ERR_LIMIT` when there is not enough memory.
   */
  static async load(path: string | URL, options?: WordVectorsLoadOptions): Promise<WordVectors> {
    const file = filePath('path', path)
    const format = formatOf(file)
    const { limit, signal } = known('options', options, ['limit', 'signal'])
    abortSignal(signal)
    const most = limit === undefined ? undefined : positiveInteger('options.limit', limit)
    const load = native().NativeWordVectors.load
    return new WordVectors(await cancellable(signal, (flag) => load(file, format, most, flag)))
  }

  /**
   * The vectors of `words`: `dimensions` numbers of `data` for each, one row after the other, which are copied.
   *
   * @throws `ERR_INVALID_ARGUMENT`, also when a word is there twice or a number is not finite.
   */
  static fromArray(
    words: readonly string[],
    data: Float32Array | readonly number[],
    options: { readonly dimensions: number },
  ): WordVectors {
    const { dimensions } = known('options', options, ['dimensions'])
    if (!isArray(words)) throw invalid('words', 'an array of strings', words)
    const names = Array.from(words as readonly unknown[], (word, index) => string(`words[${index}]`, word))
    const width = positiveInteger('options.dimensions', dimensions)
    const values = vectorOf('data', data, names.length * width)
    return callNative(() => new WordVectors(native().NativeWordVectors.fromArray(names, values, width)))
  }

  /** The words, in the order of their rows. */
  get words(): readonly string[] {
    return (this.#words ??= callNative(() => Object.freeze(this.#handle.native.words())))
  }

  /** Whether there is a vector of `word`. */
  has(word: string): boolean {
    return this.indexOf(word) !== undefined
  }

  /** The row of `word`, from 0 on; undefined when there is none. */
  indexOf(word: string): number | undefined {
    const text = string('word', word)
    return callNative(() => this.#handle.native.indexOf(text)) ?? undefined
  }

  /** A copy of the vector of `word`; undefined when there is none. */
  get(word: string): NonSharedFloat32Array | undefined {
    const text = string('word', word)
    return callNative(() => this.#handle.native.get(text)) ?? undefined
  }

  /** A copy of all vectors, row after row: `size × dimensions` numbers. */
  toFloat32(): NonSharedFloat32Array {
    return callNative(() => this.#handle.native.values())
  }

  /**
   * Cosine similarity of the vectors of two words: from -1 to 1.
   * @throws `ERR_UNKNOWN_TOKEN` when one of them has no vector.
   */
  similarity(a: string, b: string): number {
    const [first, second] = [string('a', a), string('b', b)]
    return callNative(() => this.#handle.native.similarity(first, second))
  }

  /**
   * The `count` words with the highest cosine similarity to `to`, the nearest first, without `to` itself. Of words that are equally near the
   * one of the smaller row is first. The search is exact: all rows are scored, on all threads.
   *
   * @param to a word, or a vector of `dimensions` numbers
   * @throws `ERR_UNKNOWN_TOKEN` when the word has no vector.
   */
  nearest(to: string | Float32Array | readonly number[], count = 10): NearWord[] {
    const [query, most] = [this.#query(to), integerIn('count', count, 0)]
    return callNative(() => this.#handle.native.nearest(query, most))
  }

  /** {@link WordVectors.nearest} off the event loop. */
  async nearestAsync(to: string | Float32Array | readonly number[], count = 10): Promise<NearWord[]> {
    const [query, most] = [this.#query(to), integerIn('count', count, 0)]
    return callNativeAsync(() => this.#handle.native.nearestAsync(query, most))
  }

  /**
   * What is to `c` as `b` is to `a`: the `count` words nearest to b - a + c, of normalized vectors, without the three themselves.
   * `analogy('man', 'king', 'woman')` asks for the queen.
   *
   * @throws `ERR_UNKNOWN_TOKEN` when one of them has no vector.
   */
  analogy(a: string, b: string, c: string, count = 10): NearWord[] {
    const [words, most] = [[string('a', a), string('b', b), string('c', c)], integerIn('count', count, 0)]
    return callNative(() => this.#handle.native.analogy(words, most))
  }

  /** {@link WordVectors.analogy} off the event loop. */
  async analogyAsync(a: string, b: string, c: string, count = 10): Promise<NearWord[]> {
    const [words, most] = [[string('a', a), string('b', b), string('c', c)], integerIn('count', count, 0)]
    return callNativeAsync(() => this.#handle.native.analogyAsync(words, most))
  }

  /**
   * Writes a file in the form that its name tells, as {@link WordVectors.load} reads it; reading it gives the same numbers. It replaces an older file in
   * one step.
   *
   * @throws `ERR_INVALID_FILE` when it cannot be written; also what {@link WordVectors.load} would not read: no word at all, more than 65,536 dimensions, and in
   *   the forms of word2vec a word that is empty, has white space, or is longer than 65,536 bytes.
   */
  async save(path: string | URL): Promise<void> {
    const file = filePath('path', path)
    const format = formatOf(file)
    await callNativeAsync(() => this.#handle.native.save(file, format))
  }

  #query(to: unknown): string | Float32Array {
    return typeof to === 'string' ? to : vectorOf('to', to, this.dimensions, 'a word, ')
  }

  /** Whether the memory was freed. */
  get disposed(): boolean {
    return this.#handle.disposed
  }

  /** Frees the vectors. The second call does nothing. */
  dispose(): void {
    callNative(() => this.#handle.dispose())
  }

  /** {@link WordVectors.dispose}, for `using`. */
  [Symbol.dispose](): void {
    this.dispose()
  }
}

const formats: readonly (readonly [ending: string, format: string])[] = [
  ['.txt', 'text'],
  ['.vec', 'text'],
  ['.bin', 'binary'],
  ['.safetensors', 'safetensors'],
]

const formatOf = (file: string): string => {
  const format = formats.find(([ending]) => file.toLowerCase().endsWith(ending))?.[1]
  if (format !== undefined) return format
  throw invalid('path', 'a name that ends in .txt, .vec, .bin or .safetensors', file)
}

/** `length` finite numbers that no other thread can change while they are copied. `before`: what else could be given. */
const vectorOf = (name: string, value: unknown, length: number, before = ''): Float32Array => {
  const isTyped = types.isFloat32Array(value)
  if (!isTyped && !isArray(value)) throw invalid(name, `${before}a Float32Array or an array of numbers`, value)
  if (value.length !== length) throw invalidAs(name, `${length} numbers`, `${value.length} numbers`)
  if (isTyped) return unsharedNumbers(value)
  return checkedNumbers(Float32Array, value, (number, index) => finiteNumber(`${name}[${index}]`, number))
}
