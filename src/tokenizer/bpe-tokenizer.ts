import { callNative, fromNative } from '../errors.ts'
import { native } from '../native.ts'
import type { BpeHandle, NativeOffsets, SpecialToken, TokenRows } from '../native-binding.d.ts'
import { checkMade, integerIn, isOfClass, options as checkedOptions, string } from '../validate.ts'
import {
  checkedDecodeOptions,
  checkedNumbers,
  checkedSegments,
  checkedTexts,
  checkedWhole,
  encodeOptionNames,
  idArray,
  mayBeId,
  splitSignal,
} from './arguments.ts'
import { calls, copyFew, scratch } from './calls.ts'
import {
  checkedAsyncChunking,
  checkedChunking,
  ChunkList,
  type Chunk,
  type ChunkAsyncOptions,
  type ChunkOptions,
} from './chunk.ts'
import {
  encodePadded,
  type PaddedOffsetOptions,
  type PaddedBatch,
  type PaddedBatchWithOffsets,
  type PaddedOptions,
  type TextOrPair,
} from './encode-padded.ts'
import { ofOwnRealm } from '../own-realm.ts'
import { TextCountIndex, type CountIndex } from './count-index.ts'
import { joinIds } from '../join-ids.ts'
import type { NonSharedUint32Array, NonSharedUint8Array } from '../non-shared.ts'
import { countInParts, encodeInParts, maxPart, moreIds, truncateInParts } from './long-text.ts'
import { callCopied, callLater, explainedOfOne, explaining, type TextWork } from './native-call.ts'
import { NativeChunkDecoder } from './native-decoder.ts'
import { NativeChunkEncoder } from './native-encoder.ts'
import { splitOffsetOptions, wordIdsOf, type OffsetOptions, type TokenOffsets } from './offsets.ts'
import { cutsPair } from './parts.ts'
import { PolicyNumbers } from './policy-numbers.ts'
import { readOnly, SpecialTokenMap } from './special-token-map.ts'
import { saveBpe } from './save-bpe.ts'
import { checkedText, checkedUtf8, textOf, wellFormed } from './read-text.ts'
import { decodeRows } from './decode-batch.ts'
import { explained } from './explained.ts'
import {
  checkedSpecialTokens,
  SpecialTokenPolicies,
  type SpecialTokenList,
  type SpecialTokenPolicy,
  type DefaultDisallowed,
} from './special-tokens.ts'
import {
  decodeChunksOf,
  decodeStreamOf,
  decoderOf,
  encodeChunksOf,
  encodeStreamOf,
  type ChunkEncoder,
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
import { checkedTruncation, type TruncateOptions } from './truncate.ts'
import { unsharedNumbers } from '../shared-memory.ts'
import { unshared, unsharedText } from './unshared.ts'

/** The policies that every handle has, by number: see `BpeHandle`. */
const plain = 0
const refuseAll = 1
const allowAll = 2
/** The default of calls that count. */
const plainCall = { policy: plain, strict: false, refuses: false }

/** The checked choices of a call. */
interface CheckedCall {
  readonly special: SpecialTokenPolicy
  readonly strict: boolean
}

/** A merge of {@link BpeTokenizer.explain}. */
export interface MergeStep {
  /** The left part. */
  readonly left: string
  /** The right part. */
  readonly right: string
  /** What they become. */
  readonly token: string
  /** The ids of the three. */
  readonly ids: readonly [left: number, right: number, token: number]
  /** Where the token starts in the text, in bytes of UTF-8. */
  readonly start: number
}

/** A byte-level BPE tokenizer: what {@link getEncoding} gives, and `loadTokenizer` for files of such a model. */
export class BpeTokenizer implements Tokenizer {
  readonly name: string
  readonly vocabSize: number
  readonly specialTokens: ReadonlyMap<string, number>
  readonly endOfTextId: number | undefined
  readonly #native: BpeHandle
  /** The number of the native encoder, which lives as long as the handle. */
  readonly #encoder: number
  readonly #policies: PolicyNumbers
  /** A call without options, checked once. */
  #withoutOptions: CheckedCall | undefined
  readonly #special: SpecialTokenPolicies
  #fingerprint: string | undefined
  #longestToken: number | undefined

  /** @internal */
  constructor(name: string, handle: BpeHandle) {
    checkMade(isOfClass(handle), 'BpeTokenizer', 'getEncoding, loadTokenizer or trainBpe')
    this.name = name
    this.#native = handle
    this.#encoder = handle.encoder
    this.vocabSize = handle.vocabSize
    // Nobody else has it.
    const special = new Map(handle.specialTokens().map(({ token, id }) => [token, id] as const))
    this.#special = new SpecialTokenPolicies(special)
    this.specialTokens = new SpecialTokenMap(special)
    this.endOfTextId = special.get('<|endoftext|>')
    readOnly(this)
    const names = [...special.keys()]
    handle.addPolicy([], [])
    handle.addPolicy([], names)
    handle.addPolicy(names, [])
    this.#policies = new PolicyNumbers(handle, () => handle.dropPolicies(allowAll + 1))
  }

  /** @internal What gives the ids of texts natively, without what stands around whole texts; absent where texts are changed before. */
  engine(special: SpecialTokenPolicy): { readonly handle: BpeHandle; readonly policy: number } | undefined {
    return { handle: this.#native, policy: this.#policy(special) }
  }

  get fingerprint(): string {
    return (this.#fingerprint ??= this.#native.fingerprint())
  }

  encode(text: Text, options?: EncodeOptions): NonSharedUint32Array {
    if (options === undefined) return this.#encode(text, refuseAll, false)
    const { policy, strict } = this.#encodeCall(options)
    return this.#encode(text, policy, strict)
  }

  encodeOrdinary(text: Text): NonSharedUint32Array {
    return this.#encode(text, plain, false)
  }

  encodeWithOffsets(text: Text, options?: OffsetOptions): TokenOffsets {
    const { bytes, words, rest } = splitOffsetOptions(options)
    const { policy, strict } = this.#encodeCall(rest)
    const checked = checkedText('text', text)
    try {
      const found = ofOwnRealm(
        typeof checked === 'string'
          ? native().encodeWithOffsets(this.#encoder, checked, policy, words)
          : native().encodeBytesWithOffsets(this.#encoder, unshared(checked), strict, policy, words),
      )
      const { ids, offsets, ends, byteEnds } = found
      const wordIds = wordIdsOf(found.words)
      if (!bytes) return { ids, offsets, ends, ...wordIds }
      // Each token starts where the one before it ends.
      const byteOffsets = new Uint32Array(ids.length + 1)
      byteOffsets.set(byteEnds, 1)
      return { ids, offsets, ends, byteOffsets, byteEnds, ...wordIds }
    } catch (error) {
      throw explained(error)
    }
  }

  /** @internal The ids of a text that the normalizer changes, and where they are from. */
  normalizedOffsets(text: Text, words: boolean, options: EncodeOptions | undefined): NativeOffsets {
    const { policy, strict } = this.#encodeCall(options)
    const checked = unsharedText(checkedText('text', text))
    return explaining(() => this.#native.encodeNormalizedWithOffsets(checked, strict, policy, words))
  }

  /** @internal The ids of a text and where they are from, off the event loop; of what the normalizer makes of it where it `normalizes`. */
  async nativeOffsetsLater(text: string, normalizes: boolean, options: EncodeAsyncOptions): Promise<NativeOffsets> {
    const call = this.#asyncCall(options, 'all')
    return callCopied([text], call, (...own) => this.#native.encodeWithOffsetsAsync(text, normalizes, ...own))
  }

  encodeSegments(segments: readonly Segment[]): NonSharedUint32Array {
    return joinIds(
      checkedSegments(segments).map(({ text, trusted }) => this.#encode(text, trusted ? allowAll : plain, false)),
    )
  }

  encodeBatch(texts: readonly Text[], options?: EncodeOptions): TokenBatch {
    const checked = checkedTexts(texts)
    const { policy, strict } = this.#encodeCall(options)
    try {
      return batchOf(ofOwnRealm(this.#native.encodeBatch(checked, strict, policy)))
    } catch (error) {
      throw explained(error)
    }
  }

  async encodeAsync(text: Text, options?: EncodeAsyncOptions): Promise<NonSharedUint32Array> {
    return this.#oneLater(text, options, 'all', {
      texts: ([own], ...call) => this.#native.encodeAsync(own as Text, ...call),
      gathered: async (...call) => (await this.#native.encodeGatheredAsync(...call)).ids,
    })
  }

  async encodeBatchAsync(texts: readonly Text[], options?: EncodeAsyncOptions): Promise<TokenBatch> {
    const rows = await this.#allLater(texts, options, 'all', {
      texts: (...call) => this.#native.encodeBatchAsync(...call),
      gathered: (...call) => this.#native.encodeGatheredAsync(...call),
    })
    return batchOf(rows)
  }

  /**
   * A tokenizer that has these special tokens besides its own, and its own fingerprint. It shares the tables of this one: it costs next to nothing.
   * Those that get the same id are names of one token, which is decoded to the first of them.
   *
   * ```ts
   * const padded = getEncoding('gpt2').withSpecialTokens({ '<|pad|>': 50257 })
   * padded.encode('a<|pad|>', { allowedSpecial: 'all' }) // Uint32Array [64, 50257]
   * ```
   *
   * @param tokens ids by token; of an array, the tokens get the ids from {@link Tokenizer.vocabSize} on
   * @throws `ERR_INVALID_ARGUMENT` when a token is there already, or its id is that of a token of this tokenizer
   * @throws `ERR_LIMIT` when a special token is longer than 4096 bytes, or all are together than 4 MiB
   */
  withSpecialTokens(tokens: SpecialTokenList, options?: NewTokenizerOptions): BpeTokenizer {
    const { name = this.name } = checkedOptions('options', options, ['name'])
    const list = checkedSpecialTokens('tokens', tokens, this.vocabSize)
    const checkedName = string('options.name', name)
    return this.withEngine(
      checkedName,
      callNative(() => this.#native.withSpecialTokens(list)),
      list,
    )
  }

  /** @internal One of the same kind, of an engine that has the special tokens `more` besides. */
  withEngine(name: string, engine: BpeHandle, _more: readonly SpecialToken[]): BpeTokenizer {
    return new BpeTokenizer(name, engine)
  }

  /**
   * The pieces in which `text` is cut, each of which is then merged on its own; joined they are the text. Special tokens in it are plain text, a
   * lone surrogate is U+FFFD.
   *
   * ```ts
   * getEncoding('cl100k_base').preTokenize("It's 12345.") // ['It', "'s", ' ', '123', '45', '.']
   * ```
   */
  preTokenize(text: string): string[] {
    const whole = wellFormed(string('text', text))
    const ends = callNative(() => this.#native.pieceEnds(whole))
    return Array.from(ends, (end, index) => whole.slice(index === 0 ? 0 : ends[index - 1], end))
  }

  encodeStream(options?: EncodeStreamOptions): TransformStream<Text, NonSharedUint32Array> {
    return encodeStreamOf(options, (call) => this.chunkEncoder(call))
  }

  encodeChunks(
    source: Chunks<Text>,
    options?: EncodeChunksOptions,
  ): AsyncGenerator<NonSharedUint32Array, void, undefined> {
    return encodeChunksOf(source, options, (call) => this.chunkEncoder(call))
  }

  /** @internal */
  chunkEncoder({ rest, maxPieceBytes }: StreamCall): ChunkEncoder {
    const { policy, strict } = this.#encodeCall(rest)
    const { EncodeStreamHandle } = native()
    return new NativeChunkEncoder(
      callNative(() => EncodeStreamHandle.open(this.#native, policy, strict, maxPieceBytes)),
    )
  }

  encodePadded(inputs: readonly TextOrPair[], options: PaddedOffsetOptions): PaddedBatchWithOffsets
  encodePadded(inputs: readonly TextOrPair[], options?: PaddedOptions): PaddedBatch
  encodePadded(inputs: readonly TextOrPair[], options?: PaddedOptions): PaddedBatch {
    return encodePadded(this, inputs, options)
  }

  count(text: Text, options?: EncodeOptions): number {
    const { policy, strict } = this.#countCall(options)
    try {
      if (typeof text === 'string' && text.length > maxPart)
        return countInParts(this.#encoder, text, policy, moreIds - 1)
      return typeof text === 'string'
        ? calls().count(this.#encoder, text, policy)
        : calls().countBytes(this.#encoder, unshared(checkedText('text', text) as Uint8Array), strict, policy)
    } catch (error) {
      throw explained(error)
    }
  }

  countBatch(texts: readonly Text[], options?: EncodeOptions): NonSharedUint32Array {
    const checked = checkedTexts(texts)
    const { policy, strict } = this.#countCall(options)
    try {
      return ofOwnRealm(this.#native.countBatch(checked, strict, policy))
    } catch (error) {
      throw explained(error)
    }
  }

  async countAsync(text: Text, options?: EncodeAsyncOptions): Promise<number> {
    return this.#oneLater(text, options, [], {
      texts: ([own], ...call) => this.#native.countAsync(own as Text, ...call),
      gathered: async (...call) => (await this.#native.countGatheredAsync(...call))[0] as number,
    })
  }

  async countBatchAsync(texts: readonly Text[], options?: EncodeAsyncOptions): Promise<NonSharedUint32Array> {
    return this.#allLater(texts, options, [], {
      texts: (...call) => this.#native.countBatchAsync(...call),
      gathered: (...call) => this.#native.countGatheredAsync(...call),
    })
  }

  isWithinLimit(text: Text, limit: number, options?: EncodeOptions): number | false {
    const most = Math.min(integerIn('limit', limit, 0), moreIds - 1)
    const { policy, strict, refuses } = this.#countCall(options)
    const checked = checkedText('text', text)
    // No id stands for more bytes than the longest token has, and no text has fewer bytes than it is long.
    this.#longestToken ??= this.#native.longestToken()
    if (!strict && !refuses && checked.length > most * this.#longestToken) return false
    try {
      const count =
        typeof checked !== 'string'
          ? calls().countBytesWithin(this.#encoder, unshared(checked), strict, policy, most)
          : refuses
            ? calls().countPart(this.#encoder, checked, policy, most, true)
            : countInParts(this.#encoder, checked, policy, most)
      return count === moreIds ? false : count
    } catch (error) {
      throw explained(error)
    }
  }

  truncate(text: string, maxTokens: number, options?: TruncateOptions): string {
    const { text: checked, most, keepsStart, rest } = checkedTruncation(text, maxTokens, options)
    const { policy } = this.#countCall(rest)
    // No code unit has more than three bytes, and no token less than one.
    if (policy === plain && 3 * checked.length <= most) return checked
    try {
      return truncateInParts(this.#encoder, checked, policy, { most, keepsStart, isPlain: policy === plain })
    } catch (error) {
      throw explained(error)
    }
  }

  chunk(text: string, options: ChunkOptions): Iterable<Chunk> {
    const { text: checked, maxTokens, overlap, boundary, rest } = checkedChunking(text, options)
    const { policy } = this.#countCall(rest)
    try {
      return new ChunkList(checked, native().chunkText(this.#encoder, checked, policy, maxTokens, overlap, boundary))
    } catch (error) {
      throw explained(error)
    }
  }

  async chunkAsync(text: string, options: ChunkAsyncOptions): Promise<Iterable<Chunk>> {
    const { signal, text: checked, maxTokens, overlap, boundary, rest } = checkedAsyncChunking(text, options)
    const { special } = this.#checkedCall(rest, [])
    const call = { signal, policy: () => this.#policy(special) }
    const plan = await callCopied([checked], call, (policy, flag) =>
      this.#native.chunkAsync(checked, policy, maxTokens, overlap, boundary, flag),
    )
    return new ChunkList(checked, plan)
  }

  countIndex(text: string, options?: EncodeOptions): CountIndex {
    const checked = string('text', text)
    const { special } = this.#checkedCall(options, [])
    try {
      const index = this.#native.countIndex(checked, this.#policy(special))
      // Half a character is U+FFFD, which the text does not hold.
      return new TextCountIndex(checked.length, index.total, (start, end) =>
        cutsPair(checked, start) || cutsPair(checked, end)
          ? countInParts(this.#encoder, checked.slice(start, end), this.#policy(special), moreIds - 1)
          : callNative(() => index.count(start, end)),
      )
    } catch (error) {
      throw explained(error)
    }
  }

  decode(ids: Uint32Array | Iterable<number>, options?: DecodeOptions): string {
    const { strict, skipSpecialTokens } = checkedDecodeOptions(options)
    const numbers = checkedNumbers(ids)
    const count = copyFew(numbers)
    try {
      if (count === undefined) return this.#native.decode(unsharedNumbers(numbers), strict, skipSpecialTokens)
      return calls().decode(this.#encoder, count, strict, skipSpecialTokens)
    } catch (error) {
      throw fromNative(error)
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

  #chunkDecoder(options: DecodeOptions | undefined): NativeChunkDecoder {
    const { strict, skipSpecialTokens } = checkedDecodeOptions(options)
    const { DecodeStreamHandle } = native()
    return new NativeChunkDecoder(callNative(() => DecodeStreamHandle.open(this.#native, strict, skipSpecialTokens)))
  }

  decodeBytes(ids: Uint32Array | Iterable<number>): NonSharedUint8Array {
    const array = idArray(ids)
    return callNative(() => this.#native.decodeBytes(array))
  }

  tokenToId(token: Text): number | undefined {
    const checked = checkedText('token', token)
    const bytes = typeof checked === 'string' ? new TextEncoder().encode(checked) : unshared(checked)
    return this.#native.tokenToId(bytes) ?? undefined
  }

  idToToken(id: number): string | undefined {
    const bytes = this.idToBytes(id)
    return bytes && textOf(bytes)
  }

  idToBytes(id: number): NonSharedUint8Array | undefined {
    return mayBeId(id) ? (ofOwnRealm(this.#native.idToBytes(id)) ?? undefined) : undefined
  }

  /**
   * The merges that make the tokens of `text`, in their order: what byte-level BPE does, step by step. A text of several pieces has those of its first
   * piece first. Special tokens are plain text. A piece that is a token which no merge reaches has none.
   */
  explain(text: string): MergeStep[] {
    const checked = string('text', text)
    return callNative(() => this.#native.explain(checked)).map(({ left, right, result, start }) => ({
      left: this.idToToken(left) as string,
      right: this.idToToken(right) as string,
      token: this.idToToken(result) as string,
      ids: [left, right, result],
      start,
    }))
  }

  /**
   * Writes a file that other libraries read, and that gives the same ids there.
   *
   * - `*.json`: a tokenizer.json for Hugging Face's `tokenizers`, which reads special tokens in text as such.
   * - `*.tiktoken`: tokens and ids for tiktoken. The form has no place for special tokens and the pattern: pass them on yourself.
   *
   * The file is complete or not there.
   *
   * @throws `ERR_INVALID_ARGUMENT` for another ending, and when a special token is written like an ordinary token in a tokenizer.json, or the pattern
   *   has no form there;
   *   `ERR_INVALID_FILE` when it cannot be written.
   */
  async save(path: string | URL): Promise<void> {
    await saveBpe(path, this.#native)
  }

  #encode(text: Text, policy: number, strict: boolean): NonSharedUint32Array {
    let count: number
    try {
      if (typeof text === 'string' && text.length > maxPart) return this.#encodeLong(text, policy)
      count =
        typeof text === 'string'
          ? calls().encode(this.#encoder, text, policy)
          : calls().encodeBytes(this.#encoder, unshared(checkedText('text', text) as Uint8Array), strict, policy)
    } catch (error) {
      throw explained(error)
    }
    if (count <= scratch.length) return scratch.slice(0, count)
    return callNative(() => native().takeIds(this.#encoder))
  }

  async #oneLater<T>(
    text: Text,
    options: EncodeAsyncOptions | undefined,
    disallowed: DefaultDisallowed,
    work: TextWork<T>,
  ): Promise<T> {
    const { strict, ...call } = this.#asyncCall(options, disallowed)
    const own = unsharedText(checkedText('text', text))
    return callLater([own], strict, { ...call, explain: explainedOfOne }, work)
  }

  async #allLater<T>(
    texts: readonly Text[],
    options: EncodeAsyncOptions | undefined,
    disallowed: DefaultDisallowed,
    work: TextWork<T>,
  ): Promise<T> {
    const { strict, ...call } = this.#asyncCall(options, disallowed)
    return callLater(checkedTexts(texts), strict, call, work)
  }

  /** {@link Tokenizer.encode} of a long string. */
  #encodeLong(text: string, policy: number): NonSharedUint32Array {
    encodeInParts(this.#encoder, text, policy)
    return callNative(() => native().takeIds(this.#encoder))
  }

  #countCall(options: EncodeOptions | undefined) {
    return options === undefined ? plainCall : this.#call(options, [])
  }

  #encodeCall(options: EncodeOptions | undefined) {
    return this.#call(options, 'all')
  }

  #call(options: EncodeOptions | undefined, defaultDisallowed: DefaultDisallowed) {
    const { special, strict } = this.#checkedCall(options, defaultDisallowed)
    return { policy: this.#policy(special), strict, refuses: special.disallowed.size > 0 }
  }

  #asyncCall(options: EncodeAsyncOptions | undefined, defaultDisallowed: DefaultDisallowed) {
    const { signal, rest } = splitSignal(options)
    signal?.throwIfAborted()
    const { special, strict } = this.#checkedCall(rest, defaultDisallowed)
    return { signal, strict, policy: () => this.#policy(special) }
  }

  #checkedCall(options: EncodeOptions | undefined, defaultDisallowed: DefaultDisallowed) {
    if (options !== undefined || defaultDisallowed !== 'all') return this.#checked(options, defaultDisallowed)
    return (this.#withoutOptions ??= this.#checked(options, defaultDisallowed))
  }

  #checked(options: EncodeOptions | undefined, defaultDisallowed: DefaultDisallowed): CheckedCall {
    const checked = checkedOptions('options', options, encodeOptionNames)
    checkedWhole(checked.addSpecialTokens)
    const strict = checkedUtf8(checked.utf8) === 'strict'
    return { special: this.#special.of(checked, defaultDisallowed), strict }
  }

  #policy(policy: SpecialTokenPolicy): number {
    return policy.allowed.size === 0 && policy.disallowed.size === 0 ? plain : this.#policies.of(policy)
  }
}

const batchOf = ({ ids, rowStarts }: TokenRows): TokenBatch => new TokenBatch(ids, rowStarts)
