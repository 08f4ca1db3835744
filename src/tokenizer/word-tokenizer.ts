import { TokenmillError } from '../errors.ts'
import { runInTurns, runToEnd, type Steps } from '../event-loop.ts'
import type { NonSharedUint32Array, NonSharedUint8Array } from '../non-shared.ts'
import { integerIn, invalid, isInstance, options as checkedOptions, own, received, string } from '../validate.ts'
import {
  checkedDecodeOptions,
  checkedIds,
  checkedSegments,
  checkedTexts,
  checkedWhole,
  encodeOptionNames,
  splitSignal,
} from './arguments.ts'
import { BufferedEncoder } from './buffered-stream.ts'
import { chunkCounted, chunkCountedAsync, type Chunk, type ChunkAsyncOptions, type ChunkOptions } from './chunk.ts'
import { decodeRows } from './decode-batch.ts'
import { countEachPart, type CountIndex } from './count-index.ts'
import {
  encodePadded,
  type PaddedOffsetOptions,
  type PaddedBatch,
  type PaddedBatchWithOffsets,
  type PaddedOptions,
  type TextOrPair,
} from './encode-padded.ts'
import { IdBuffer } from './id-buffer.ts'
import { joinWords } from './join-words.ts'
import { splitOffsetOptions, type OffsetOptions, type TokenOffsets } from './offsets.ts'
import { cutsPair, type CountedText } from './parts.ts'
import { checkedText, checkedUtf8, readText, tooLong, wellFormed } from './read-text.ts'
import { partsOf, refuseDisallowed, type SpecialSearch, SpecialSearches } from './special-search.ts'
import { SpecialTokenMap } from './special-token-map.ts'
import { checkedSpecialTokens, refuseTaken, SpecialTokenPolicies, type SpecialTokenList } from './special-tokens.ts'
import { writtenRule } from './split/split.ts'
import {
  decodeChunksOf,
  decodeStreamOf,
  decoderOf,
  encodeChunksOf,
  encodeStreamOf,
  type Chunks,
  type DecodeChunksOptions,
  type EncodeChunksOptions,
  type EncodeStreamOptions,
  type StreamCall,
  type TokenDecoder,
} from './stream.ts'
import {
  TokenBatch,
  type DecodeOptions,
  type EncodeAsyncOptions,
  type EncodeOptions,
  type NewTokenizerOptions,
  type Segment,
  type Text,
  type Tokenizer,
} from './tokenizer.ts'
import { truncateCounted, type TruncateOptions } from './truncate.ts'
import { saveVocabulary } from './vocabulary-file.ts'
import { Vocabulary } from './vocabulary.ts'
import { byteSpans, placesBeforeReading, type WordSpans } from './word-offsets.ts'
import { sureWordUnits, WordChunkDecoder } from './word-stream.ts'

/** How a {@link WordTokenizer} treats words that are not in its vocabulary. */
export interface WordTokenizerOptions {
  /**
   * The special token of the vocabulary that stands for unknown words; `null`: an unknown word is an `ERR_UNKNOWN_TOKEN`.
   * @default '<|unk|>'
   */
  readonly unknown?: '<|unk|>' | (string & {}) | null | undefined
  /**
   * Its name.
   * @default 'word-vocabulary'
   */
  readonly name?: string | undefined
}

/** Longer parts of a stream, in code units, are encoded in turns of the event loop. */
const longPart = 1 << 16

/** The checked choices of one call. */
interface Call {
  readonly search: SpecialSearch
  readonly utf8: 'replace' | 'strict'
}

/**
 * A tokenizer whose tokens are the words of a {@link Vocabulary}.
 *
 * ```ts
 * const tokenizer = new WordTokenizer(Vocabulary.fromText('Hello, world.'))
 * tokenizer.encode('Hello, moon.') // Uint32Array [2, 0, 5, 1]: ',' is 0, '.' is 1, moon is <|unk|>
 * tokenizer.decode([2, 0, 3, 1]) // 'Hello, world.'
 * ```
 */
export class WordTokenizer implements Tokenizer {
  readonly name: string
  /** The words and special tokens. */
  readonly vocabulary: Vocabulary
  /** What stands for unknown words; `null`: they are an error. */
  readonly unknown: string | null
  readonly specialTokens: ReadonlyMap<string, number>
  readonly #unknownId: number | undefined
  readonly #specialIds: ReadonlyMap<string, number>
  readonly #policies: SpecialTokenPolicies
  readonly #searches: SpecialSearches
  readonly #byDefault: { readonly encode: Call; readonly plain: Call }
  #fingerprint: string | undefined

  /**
   * @throws `ERR_INVALID_ARGUMENT` when `unknown` is not a special token of the vocabulary.
   * @throws `ERR_LIMIT` when a special token is longer than 4096 code units, or all are together than 4 Mi.
   */
  constructor(vocabulary: Vocabulary, options?: WordTokenizerOptions) {
    if (!isInstance(vocabulary, Vocabulary)) throw invalid('vocabulary', 'a Vocabulary', vocabulary)
    const { unknown = '<|unk|>', name = 'word-vocabulary' } = checkedOptions('options', options, ['unknown', 'name'])
    this.name = string('options.name', name)
    this.#specialIds = vocabulary.specialTokens
    this.#unknownId = unknown === null ? undefined : this.#specialIds.get(unknown)
    if (unknown !== null && this.#unknownId === undefined) {
      if (options?.unknown !== undefined)
        throw invalid('options.unknown', 'null or a special token of the vocabulary', unknown)
      throw new TokenmillError(
        'ERR_INVALID_ARGUMENT',
        `the vocabulary has no special token ${unknown} for unknown words: give it one, or pass unknown: null to make them an error`,
      )
    }
    this.vocabulary = vocabulary
    this.specialTokens = new SpecialTokenMap(this.#specialIds)
    this.unknown = unknown
    this.#policies = new SpecialTokenPolicies(this.#specialIds)
    this.#searches = new SpecialSearches(this.#specialIds)
    const none = own<EncodeOptions>({})
    this.#byDefault = { encode: this.#call(none, 'all'), plain: this.#call(none, []) }
  }

  get vocabSize(): number {
    return this.vocabulary.size
  }

  get endOfTextId(): number | undefined {
    return this.#specialIds.get('<|endoftext|>')
  }

  /**
   * SHA-256 of the words, the special tokens, the split rule and what stands for unknown words. With the rule `'words'` the
   * ids are also decided by the dictionaries of the running Node, which are not part of it.
   */
  get fingerprint(): string {
    if (this.#fingerprint === undefined) {
      // Not imported: it takes milliseconds, and few ask.
      const hash = process.getBuiltinModule('node:crypto').createHash('sha256')
      const { vocabulary, unknown } = this
      hash.update(JSON.stringify(['tokenmill-words', 1, writtenRule(vocabulary.split), unknown, vocabulary.wordCount]))
      // JSON strings end where they end, so no two lists of tokens are the same bytes.
      for (const [token] of vocabulary) hash.update(JSON.stringify(token))
      this.#fingerprint = hash.digest('hex')
    }
    return this.#fingerprint
  }

  encode(text: Text, options?: EncodeOptions): NonSharedUint32Array {
    return runToEnd(this.#encodeText('text', checkedText('text', text), this.#encodeCall(options)))
  }

  encodeOrdinary(text: Text): NonSharedUint32Array {
    return runToEnd(this.#encodeText('text', checkedText('text', text), this.#byDefault.plain))
  }

  /** Ids of a {@link Vocabulary} have no holes: the tokens have the next ones. */
  withSpecialTokens(tokens: SpecialTokenList, options?: NewTokenizerOptions): WordTokenizer {
    const { name = this.name } = checkedOptions('options', options, ['name'])
    const list = checkedSpecialTokens('tokens', tokens, this.vocabSize)
    refuseTaken(list, this)
    const more = [...list].sort((a, b) => a.id - b.id)
    const gap = more.find(({ id }, index) => id !== this.vocabSize + index)
    if (gap !== undefined)
      throw invalid(`tokens[${received(gap.token)}]`, `the next ids, from ${this.vocabSize} on,`, gap.id)
    const { vocabulary, unknown } = this
    const all = Array.from(vocabulary, ([token]) => token)
    const words = all.slice(0, vocabulary.wordCount)
    const specialTokens = [...all.slice(vocabulary.wordCount), ...more.map(({ token }) => token)]
    return new WordTokenizer(Vocabulary.fromWords(words, { split: vocabulary.split, specialTokens }), { unknown, name })
  }

  encodeSegments(segments: readonly Segment[]): NonSharedUint32Array {
    const trustedCall = this.#call(own<EncodeOptions>({ allowedSpecial: 'all' }), [])
    const ids = new IdBuffer()
    for (const [index, { text, trusted }] of checkedSegments(segments).entries()) {
      const call = trusted ? trustedCall : this.#byDefault.plain
      runToEnd(this.#encodeInto(ids, `segments[${index}].text`, wellFormed(text), call))
    }
    return ids.toArray()
  }

  /** White space between words is of no token: `offsets[i + 1]` may be greater than `ends[i]`. */
  encodeWithOffsets(text: Text, options?: OffsetOptions): TokenOffsets {
    const { bytes, words, rest } = splitOffsetOptions(options)
    const call = this.#encodeCall(rest)
    const checked = checkedText('text', text)
    const read = runToEnd(readText('text', checked, call.utf8))
    const ids = runToEnd(this.#encodeText('text', read, call))
    const spans = runToEnd(this.#spans(read, call))
    const inBytes = bytes || typeof checked !== 'string' ? byteSpans(read, spans) : spans
    const { offsets, ends } = typeof checked === 'string' ? spans : placesBeforeReading(checked, inBytes)
    return {
      ids,
      offsets,
      ends,
      ...(bytes && { byteOffsets: inBytes.offsets, byteEnds: inBytes.ends }),
      ...(words && { wordIds: Int32Array.from(ids.keys()) }),
    }
  }

  encodeBatch(texts: readonly Text[], options?: EncodeOptions): TokenBatch {
    return runToEnd(this.#encodeTexts(checkedTexts(texts), this.#encodeCall(options)))
  }

  async encodeAsync(text: Text, options?: EncodeAsyncOptions): Promise<NonSharedUint32Array> {
    const { signal, rest } = splitSignal(options)
    signal?.throwIfAborted()
    const call = this.#encodeCall(rest)
    return runInTurns(this.#encodeText('text', unchanging(checkedText('text', text)), call), signal)
  }

  async encodeBatchAsync(texts: readonly Text[], options?: EncodeAsyncOptions): Promise<TokenBatch> {
    const { signal, rest } = splitSignal(options)
    signal?.throwIfAborted()
    const call = this.#encodeCall(rest)
    return runInTurns(this.#encodeTexts(checkedTexts(texts).map(unchanging), call), signal)
  }

  encodePadded(inputs: readonly TextOrPair[], options: PaddedOffsetOptions): PaddedBatchWithOffsets
  encodePadded(inputs: readonly TextOrPair[], options?: PaddedOptions): PaddedBatch
  encodePadded(inputs: readonly TextOrPair[], options?: PaddedOptions): PaddedBatch {
    return encodePadded(this, inputs, options)
  }

  /** How many ids `text` has. Words that `encode` refuses as unknown are counted too: counting throws for no word. */
  count(text: Text, options?: EncodeOptions): number {
    return this.#count('text', text, this.#countCall(options))
  }

  countBatch(texts: readonly Text[], options?: EncodeOptions): NonSharedUint32Array {
    return runToEnd(this.#countTexts(checkedTexts(texts), this.#countCall(options)))
  }

  async countAsync(text: Text, options?: EncodeAsyncOptions): Promise<number> {
    const { signal, rest } = splitSignal(options)
    signal?.throwIfAborted()
    const call = this.#countCall(rest)
    return runInTurns(this.#countText('text', unchanging(checkedText('text', text)), call), signal)
  }

  async countBatchAsync(texts: readonly Text[], options?: EncodeAsyncOptions): Promise<NonSharedUint32Array> {
    const { signal, rest } = splitSignal(options)
    signal?.throwIfAborted()
    const call = this.#countCall(rest)
    return runInTurns(this.#countTexts(checkedTexts(texts).map(unchanging), call), signal)
  }

  isWithinLimit(text: Text, limit: number, options?: EncodeOptions): number | false {
    const most = integerIn('limit', limit, 0)
    const count = this.#count('text', text, this.#countCall(options), most)
    return count <= most && count
  }

  /**
   * A stream that takes one text in chunks and gives its ids as soon as they are sure. By the rule `'book'` that is at white space, by `'words'`
   * after some thousand code units; with a RegExp the text is kept to its end, unless an allowed special token cuts it. Indices in
   * messages count UTF-16 code units of all text before.
   */
  encodeStream(options?: EncodeStreamOptions): TransformStream<Text, NonSharedUint32Array> {
    return encodeStreamOf(options, (call) => this.#chunkEncoder(call))
  }

  encodeChunks(
    source: Chunks<Text>,
    options?: EncodeChunksOptions,
  ): AsyncGenerator<NonSharedUint32Array, void, undefined> {
    return encodeChunksOf(source, options, (call) => this.#chunkEncoder(call))
  }

  #chunkEncoder({ maxPieceBytes, rest }: StreamCall): BufferedEncoder {
    const call = this.#encodeCall(rest)
    const { split } = this.vocabulary
    return new BufferedEncoder({
      maxPieceBytes,
      utf8: call.utf8,
      sureUnits: (text, start) => sureWordUnits(text, start, split, call.search),
      encode: (text, start, signal) => {
        const steps = this.#encodeText('the stream', text, call, start)
        return text.length > longPart ? runInTurns(steps, signal) : runToEnd(steps)
      },
    })
  }

  truncate(text: string, maxTokens: number, options?: TruncateOptions): string {
    return truncateCounted(text, maxTokens, options, this.specialTokens, (checked, rest) =>
      runToEnd(this.#counted(checked, this.#countCall(rest))),
    )
  }

  chunk(text: string, options: ChunkOptions): Iterable<Chunk> {
    return chunkCounted(text, options, (checked, rest) => runToEnd(this.#counted(checked, this.#countCall(rest))))
  }

  async chunkAsync(text: string, options: ChunkAsyncOptions): Promise<Iterable<Chunk>> {
    return chunkCountedAsync(text, options, async (checked, rest, signal) => {
      const call = this.#countCall(rest)
      const countLater = (start: number, end: number) =>
        runInTurns(this.#countText('text', checked.slice(start, end), call), signal)
      return { ...(await runInTurns(this.#counted(checked, call), signal)), countLater }
    })
  }

  countIndex(text: string, options?: EncodeOptions): CountIndex {
    const call = this.#countCall(options)
    return countEachPart(string('text', text), (part) => this.#count('text', part, call))
  }

  /** The tokens joined with spaces, without the white space before any of `,.:;?!"()'`. */
  decode(ids: Uint32Array | Iterable<number>, options?: DecodeOptions): string {
    const { skipSpecialTokens } = checkedDecodeOptions(options)
    const words = this.#wordsOf(checkedIds(ids), skipSpecialTokens)
    try {
      return joinWords(words)
    } catch (error) {
      throw tooLong('the text of the ids', error)
    }
  }

  decodeBatch(rows: TokenBatch | readonly (Uint32Array | Iterable<number>)[], options?: DecodeOptions): string[] {
    return decodeRows(this, rows, options)
  }

  decoder(options?: DecodeOptions): TokenDecoder {
    return decoderOf(this.#chunkDecoder(options))
  }

  decodeStream(options?: DecodeOptions): TransformStream<Uint32Array, string> {
    return decodeStreamOf(this.#chunkDecoder(options))
  }

  decodeChunks(
    source: Chunks<number | Iterable<number>>,
    options?: DecodeChunksOptions,
  ): AsyncGenerator<string, void, undefined> {
    return decodeChunksOf(source, options, (rest) => this.#chunkDecoder(rest))
  }

  #chunkDecoder(options: DecodeOptions | undefined): WordChunkDecoder {
    const { skipSpecialTokens } = checkedDecodeOptions(options)
    return new WordChunkDecoder((ids, index) => this.#wordsOf(ids, skipSpecialTokens, index))
  }

  /** The words of `ids`, the first of which is number `first` of all. */
  #wordsOf(ids: Iterable<number>, skipSpecialTokens: boolean, first = 0): string[] {
    const size = skipSpecialTokens ? this.vocabulary.wordCount : this.vocabSize
    const words: string[] = []
    let index = first
    for (const id of ids) {
      const token = typeof id === 'number' && id >>> 0 === id ? this.vocabulary.idToToken(id) : undefined
      if (token === undefined) throw this.#noSuchId(id, index)
      if (id < size) words.push(token)
      index++
    }
    return words
  }

  /** {@link WordTokenizer.decode} as UTF-8. */
  decodeBytes(ids: Uint32Array | Iterable<number>): NonSharedUint8Array {
    return new TextEncoder().encode(this.decode(ids))
  }

  tokenToId(token: Text): number | undefined {
    if (typeof checkedText('token', token) === 'string') return this.vocabulary.tokenToId(token as string)
    try {
      return this.vocabulary.tokenToId(runToEnd(readText('token', token, 'strict')))
    } catch {
      return undefined
    }
  }

  idToToken(id: number): string | undefined {
    return this.vocabulary.idToToken(id)
  }

  idToBytes(id: number): NonSharedUint8Array | undefined {
    const token = this.vocabulary.idToToken(id)
    return token === undefined ? undefined : new TextEncoder().encode(token)
  }

  /**
   * Writes `vocabulary.json`, from which `loadTokenizer` makes an equal tokenizer. The file is complete or not there: it is
   * written beside its place, then renamed.
   *
   * @param path ends in `.json`
   * @throws `ERR_INVALID_FILE` when it cannot be written; what is at `path` is then unchanged.
   */
  async save(path: string | URL): Promise<void> {
    await saveVocabulary(path, this.vocabulary, this.unknown)
  }

  #count(name: string, text: Text, call: Call, limit?: number): number {
    return runToEnd(this.#countText(name, checkedText(name, text), call, limit))
  }

  /** Counts on until there are more than `limit`: then the result is any number above it. */
  *#countText(name: string, text: Text, call: Call, limit = Infinity): Steps<number> {
    const read = yield* readText(name, text, call.utf8)
    refuseDisallowed(read, call.search, 0, subject(name))
    let count = 0
    const { split } = this.vocabulary.splitter
    for (const part of partsOf(read, call.search)) {
      if (part.special) count++
      else
        for (const _ of split(part.text, () => count++)) {
          if (count > limit) break
          yield
        }
      if (count > limit) break
      yield
    }
    return count
  }

  *#countTexts(texts: readonly Text[], call: Call): Steps<NonSharedUint32Array> {
    const counts = new Uint32Array(texts.length)
    for (const [row, text] of texts.entries()) {
      counts[row] = yield* this.#countText(`texts[${row}]`, text, call)
      yield
    }
    return counts
  }

  /** What cutting `text` needs to know; as when counting, no word is unknown. */
  *#counted(text: string, call: Call): Steps<CountedText> {
    const read = wellFormed(text)
    refuseDisallowed(read, call.search)
    const { offsets, ends, specials } = yield* this.#spans(read, call)
    const count = (start: number, end: number) => this.#count('text', text.slice(start, end), call)
    return { text, offsets, ends, isWhole: (index) => specials.has(index), count }
  }

  /** Where the tokens of a well-formed text are. A RegExp without the flag `u` cuts characters: each token then has all of the one that it has a part of. */
  *#spans(text: string, { search }: Call): Steps<WordSpans> {
    const [offsets, ends, specials] = [new IdBuffer(), new IdBuffer(), new Set<number>()]
    for (const part of partsOf(text, search)) {
      const push = (_: string, from: number, to: number, index: number) => {
        const start = part.start + index
        const end = start + to - from
        offsets.push(start - Number(cutsPair(text, start)))
        ends.push(end + Number(cutsPair(text, end)))
      }
      if (part.special) {
        specials.add(ends.length)
        push(part.text, 0, part.text.length, 0)
      } else yield* this.vocabulary.splitter.split(part.text, push)
      yield
    }
    offsets.push(text.length)
    return { offsets: offsets.toArray(), ends: ends.toArray(), specials }
  }

  #countCall(options: EncodeOptions | undefined): Call {
    if (options === undefined) return this.#byDefault.plain
    return this.#call(checkedOptions('options', options, encodeOptionNames), [])
  }

  #encodeCall(options: EncodeOptions | undefined): Call {
    if (options === undefined) return this.#byDefault.encode
    return this.#call(checkedOptions('options', options, encodeOptionNames), 'all')
  }

  #call(options: EncodeOptions, disallowed: 'all' | readonly string[]): Call {
    checkedWhole(options.addSpecialTokens)
    return { search: this.#searches.of(this.#policies.of(options, disallowed)), utf8: checkedUtf8(options.utf8) }
  }

  *#encodeText(name: string, text: Text, call: Call, start = 0): Steps<NonSharedUint32Array> {
    const ids = new IdBuffer()
    yield* this.#encodeInto(ids, name, yield* readText(name, text, call.utf8), call, start)
    return ids.toArray()
  }

  *#encodeTexts(texts: readonly Text[], call: Call): Steps<TokenBatch> {
    const ids = new IdBuffer()
    const rowStarts = new Uint32Array(texts.length + 1)
    for (const [row, text] of texts.entries()) {
      const name = `texts[${row}]`
      yield* this.#encodeInto(ids, name, yield* readText(name, text, call.utf8), call)
      rowStarts[row + 1] = ids.length
      yield
    }
    return new TokenBatch(ids.toArray(), rowStarts)
  }

  /** The ids of `text`, which starts at index `start` of what is called `name`. */
  *#encodeInto(ids: IdBuffer, name: string, text: string, { search }: Call, start = 0): Steps<void> {
    refuseDisallowed(text, search, start, subject(name))
    const { vocabulary } = this
    const unknownId = this.#unknownId
    let partStart = 0
    const pushWord = (source: string, from: number, to: number, index: number) => {
      const id = vocabulary.wordToId(source.slice(from, to)) ?? unknownId
      if (id === undefined) throw this.#unknownWord(source.slice(from, to), name, partStart + index)
      ids.push(id)
    }
    for (const part of partsOf(text, search)) {
      partStart = start + part.start
      if (part.special) ids.push(this.#specialIds.get(part.text) as number)
      else yield* vocabulary.splitter.split(part.text, pushWord)
      yield
    }
  }

  #noSuchId(id: unknown, index: number): TokenmillError {
    if (!Number.isInteger(id)) throw invalid(`ids[${index}]`, 'an integer', id)
    const exist = this.vocabSize === 0 ? 'there are none' : `ids are 0 to ${this.vocabSize - 1}`
    return new TokenmillError(
      'ERR_OUT_OF_RANGE',
      `expected an id of the vocabulary for ids[${index}], received ${id}; ${exist}`,
    )
  }

  #unknownWord(word: string, name: string, index: number): TokenmillError {
    const shown = JSON.stringify(word.length > 60 ? `${word.slice(0, 60)}…` : word)
    const needed = this.#specialIds.has('<|unk|>')
      ? "make the tokenizer with unknown: '<|unk|>'"
      : "make the vocabulary with the special token '<|unk|>'"
    return new TokenmillError(
      'ERR_UNKNOWN_TOKEN',
      `expected words of the vocabulary for ${name}, received ${shown} at index ${index}; to map unknown words to a special token, ${needed}`,
    )
  }
}

/** `text` as it is now, whatever happens to its buffer between two turns of the event loop. */
const unchanging = (text: Text): Text => (typeof text === 'string' ? text : new Uint8Array(text))

/** What a sentence about the text that is the argument `name` begins with. */
const subject = (name: string): string => (name === 'text' ? 'the text' : name)
