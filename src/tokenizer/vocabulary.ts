import { TokenmillError } from '../errors.ts'
import {
  checkMade,
  integerIn,
  invalid,
  isArray,
  iterable,
  oneOf,
  options as checkedOptions,
  positiveInteger,
  string,
} from '../validate.ts'
import { runToEnd } from '../event-loop.ts'
import { mayBeId } from './arguments.ts'
import { compareCodePoints } from './code-points.ts'
import { wellFormed } from './read-text.ts'
import { splitterOf, type Splitter, type SplitRule } from './split/split.ts'

/** What every vocabulary has besides its words. */
export interface WordListOptions {
  /**
   * How text becomes words.
   * @default 'book'
   */
  readonly split?: SplitRule | undefined
  /**
   * Tokens that get the ids after the last word, in this order. A word of the text that equals one of them is not added
   * as a word.
   * @default ['<|endoftext|>', '<|unk|>']
   */
  readonly specialTokens?: readonly string[] | undefined
}

/** How {@link Vocabulary.fromText} chooses and orders words. */
export interface VocabularyOptions extends WordListOptions {
  /**
   * `'sorted'`: by code point. `'frequency'`: the most frequent first, the equally frequent by code point.
   * @default 'sorted'
   */
  readonly order?: 'sorted' | 'frequency' | undefined
  /**
   * The most tokens to have, special tokens too. The most frequent words stay; of the equally frequent, those that are
   * first by code point.
   * @default no limit
   */
  readonly maxSize?: number | undefined
  /**
   * Words that are in the texts fewer times are left out.
   * @default 1
   */
  readonly minFrequency?: number | undefined
}

const defaultSpecialTokens: readonly string[] = ['<|endoftext|>', '<|unk|>']

/** V8's Map holds so many entries at most: words and special tokens together. */
const mostEntries = 2 ** 24 - 1
/** The most words, and the most special tokens. */
const mostTokens = 16_000_000

/**
 * Words and their ids: the words first, from 0 without holes, then the special tokens. Immutable.
 *
 * ```ts
 * const vocabulary = Vocabulary.fromText('Hello, world. Hello!')
 * vocabulary.tokenToId('Hello') // 3, after '!', ',' and '.'
 * vocabulary.size // 7: five words, <|endoftext|>, <|unk|>
 * ```
 */
export class Vocabulary {
  readonly #tokens: readonly string[]
  readonly #ids: ReadonlyMap<string, number>
  readonly #splitter: Splitter
  /** The number of words, which is the id of the first special token. */
  readonly wordCount: number

  private constructor(words: readonly string[], specialTokens: readonly string[], splitter: Splitter) {
    checkMade(splitter !== undefined, 'Vocabulary', 'Vocabulary.fromText or Vocabulary.fromWords')
    if (words.length + specialTokens.length > mostEntries) throw tooMany(mostEntries, 'words and special tokens')
    const ids = new Map<string, number>()
    for (const word of checkedTokens('words', words)) {
      const first = ids.get(word)
      if (first !== undefined) throw invalid(`words[${ids.size}]`, `a word that is not at words[${first}] too`, word)
      ids.set(word, ids.size)
    }
    for (const [index, token] of specialTokens.entries()) {
      const first = ids.get(token)
      if (first !== undefined && first < words.length)
        throw invalid(`words[${first}]`, 'a word that is not a special token', token)
      if (first !== undefined)
        throw invalid(`options.specialTokens[${index}]`, 'a token that is not there before', token)
      ids.set(token, ids.size)
    }
    this.#tokens = [...ids.keys()]
    this.#ids = ids
    this.#splitter = splitter
    this.wordCount = words.length
  }

  /**
   * The vocabulary of one text (a string) or of several.
   *
   * Words are told apart by case; see {@link VocabularyOptions} for how they are split, chosen and ordered. Several texts
   * are read one after the other and not kept.
   *
   * @throws `ERR_INVALID_ARGUMENT` when a text is not a string, or an option is wrong.
   * @throws `ERR_LIMIT` at more than 16,000,000 different words, or 16,777,215 words and special tokens.
   */
  static fromText(texts: string | Iterable<string>, options?: VocabularyOptions): Vocabulary {
    const known = ['split', 'specialTokens', 'order', 'maxSize', 'minFrequency'] as const
    const {
      split = 'book',
      specialTokens = defaultSpecialTokens,
      order = 'sorted',
      maxSize,
      minFrequency = 1,
    } = checkedOptions('options', options, known)
    const splitter = splitterOf('options.split', split)
    const special = checkedSpecialTokens(specialTokens)
    oneOf('options.order', order, ['sorted', 'frequency'])
    positiveInteger('options.minFrequency', minFrequency)
    if (maxSize !== undefined) integerIn('options.maxSize', maxSize, special.length)

    const counts = countWords(texts, splitter)
    for (const token of special) counts.delete(token)
    let words = [...counts]
    if (minFrequency > 1) words = words.filter(([, count]) => count >= minFrequency)
    const byWord = ([a]: readonly [string, number], [b]: readonly [string, number]) => compareCodePoints(a, b)
    const byCount = (a: readonly [string, number], b: readonly [string, number]) => b[1] - a[1] || byWord(a, b)
    const room = maxSize === undefined ? words.length : maxSize - special.length
    const cut = words.length > room
    if (cut || order === 'frequency') words.sort(byCount)
    if (cut) words = words.slice(0, room)
    if (order === 'sorted') words.sort(byWord)
    return new Vocabulary(
      words.map(([word]) => word),
      special,
      splitter,
    )
  }

  /**
   * The vocabulary of a list of words: the ids are their places in the list.
   *
   * @throws `ERR_INVALID_ARGUMENT` when a word is empty, not a string, there twice or equal to a special token.
   * @throws `ERR_LIMIT` at more than 16,000,000 words, or 16,777,215 words and special tokens.
   */
  static fromWords(words: Iterable<string> & object, options?: WordListOptions): Vocabulary {
    const { split = 'book', specialTokens = defaultSpecialTokens } = checkedOptions('options', options, [
      'split',
      'specialTokens',
    ])
    const special = checkedSpecialTokens(specialTokens)
    const splitter = splitterOf('options.split', split)
    iterable('words', 'an iterable of strings', words)
    const list: string[] = []
    for (const word of words) if (list.push(word) > mostTokens) throw tooMany()
    return new Vocabulary(list, special, splitter)
  }

  /** The number of tokens, special tokens too. */
  get size(): number {
    return this.#tokens.length
  }

  /** How text becomes words. */
  get split(): SplitRule {
    return this.#splitter.rule
  }

  /** The special tokens and their ids. */
  get specialTokens(): ReadonlyMap<string, number> {
    return new Map(this.#tokens.slice(this.wordCount).map((token, index) => [token, this.wordCount + index]))
  }

  /**
   * The id of a word or special token; `undefined` when there is none.
   * @throws `ERR_INVALID_ARGUMENT` when `token` is not a string.
   */
  tokenToId(token: string): number | undefined {
    return this.#ids.get(string('token', token))
  }

  /**
   * The id of a word, special tokens not being words; `undefined` when there is none.
   * @throws `ERR_INVALID_ARGUMENT` when `word` is not a string.
   */
  wordToId(word: string): number | undefined {
    const id = this.#ids.get(string('word', word))
    return id !== undefined && id < this.wordCount ? id : undefined
  }

  /**
   * The word or special token of an id; `undefined` when the id does not exist.
   * @throws `ERR_INVALID_ARGUMENT` when `id` is no integer ≥ 0.
   */
  idToToken(id: number): string | undefined {
    return mayBeId(id) ? this.#tokens[id] : undefined
  }

  /** Each token with its id, in the order of the ids. */
  entries(): IterableIterator<[token: string, id: number]> {
    return this.#ids.entries()
  }

  [Symbol.iterator](): IterableIterator<[token: string, id: number]> {
    return this.entries()
  }

  /** @internal */
  get splitter(): Splitter {
    return this.#splitter
  }
}

/** How often each word is in `texts`. A Map, so that `__proto__` is a word like any other. */
const countWords = (texts: string | Iterable<string>, splitter: Splitter): Map<string, number> => {
  const list = typeof texts === 'string' ? [texts] : iterable('texts', 'a string or an iterable of strings', texts)
  const counts = new Map<string, number>()
  const add = (source: string, start: number, end: number) => {
    const word = source.slice(start, end)
    const count = counts.get(word)
    if (count !== undefined) return counts.set(word, count + 1)
    if (counts.size >= mostTokens) throw tooMany()
    return counts.set(detached(word), 1)
  }
  let index = 0
  for (const text of list) {
    const name = typeof texts === 'string' ? 'texts' : `texts[${index++}]`
    if (typeof text !== 'string') throw invalid(name, 'a string', text)
    runToEnd(splitter.split(wellFormed(text), add))
  }
  return counts
}

/**
 * A copy of `word` that does not keep its text alive: in V8 a slice of 13 or more characters points into the string that it
 * was cut from.
 */
const detached = (word: string): string => (word.length < 13 ? word : Buffer.from(word).toString())

const tooMany = (most = mostTokens, what = 'different words'): TokenmillError =>
  new TokenmillError('ERR_LIMIT', `expected at most ${most} ${what}`)

/** `tokens` as an array of its own. The first that is wrong ends it, however long an array says to be. */
const checkedSpecialTokens = (tokens: unknown): readonly string[] => {
  const name = 'options.specialTokens'
  if (!isArray(tokens)) throw invalid(name, 'an array of strings', tokens)
  if (tokens.length > mostTokens) throw tooMany(mostTokens, 'special tokens')
  return Array.from(tokens as readonly unknown[], (token, index) => checkedToken(name, index, token))
}

const checkedTokens = (name: string, tokens: readonly unknown[]): readonly string[] => {
  for (const [index, token] of tokens.entries()) checkedToken(name, index, token)
  return tokens as readonly string[]
}

const checkedToken = (name: string, index: number, token: unknown): string => {
  if (typeof token === 'string' && token !== '' && wellFormed(token) === token) return token
  throw invalid(`${name}[${index}]`, 'a non-empty string without lone surrogates', token)
}
