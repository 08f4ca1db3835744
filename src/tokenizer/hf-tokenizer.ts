import { callNative, TokenmillError } from '../errors.ts'
import { native } from '../native.ts'
import type { JsonHandle, TokenRows } from '../native-binding.d.ts'
import { unsharedNumbers } from '../shared-memory.ts'
import { integerIn, options as checkedOptions, string } from '../validate.ts'
import { refuseOtherIds, withAddedTokens } from './added-tokens.ts'
import {
  checkedDecodeOptions,
  checkedNumbers,
  checkedSegments,
  checkedTexts,
  checkedWhole,
  encodeOptionNames,
  idArray,
  mayBeId,
  ownChoices,
  splitSignal,
} from './arguments.ts'
import { AroundEncoder } from './around-encoder.ts'
import { BufferedDecoder, BufferedEncoder } from './buffered-stream.ts'
import { calls, copyFew, scratch } from './calls.ts'
import {
  encodePadded,
  type PaddedOffsetOptions,
  type PaddedBatch,
  type PaddedBatchWithOffsets,
  type PaddedOptions,
  type RowShape,
  type TextOrPair,
} from './encode-padded.ts'
import { chunkCounted, chunkCountedAsync, type Chunk, type ChunkAsyncOptions, type ChunkOptions } from './chunk.ts'
import { countEachPart, type CountIndex } from './count-index.ts'
import { countedBy, countedLaterBy } from './counted-text.ts'
import { decodeRows } from './decode-batch.ts'
import type { NonSharedUint32Array, NonSharedUint8Array } from '../non-shared.ts'
import { callCopied, callLater, explainedOfOne, explaining, type Explain, type TextWork } from './native-call.ts'
import { splitOffsetOptions, type OffsetOptions, type TokenOffsets } from './offsets.ts'
import { NativeChunkDecoder } from './native-decoder.ts'
import { NativeChunkEncoder } from './native-encoder.ts'
import { ofOwnRealm } from '../own-realm.ts'
import { PolicyNumbers } from './policy-numbers.ts'
import { PostProcessor, tokenOffsets, tokenOffsetsLater } from './post-processor.ts'
import { checkedText, checkedUtf8 } from './read-text.ts'
import { saveBytes } from './save-bytes.ts'
import { readOnly, SpecialTokenMap } from './special-token-map.ts'
import {
  checkedSpecialTokens,
  refuseTaken,
  SpecialTokenPolicies,
  type DefaultDisallowed,
  type SpecialTokenList,
  type SpecialTokenPolicy,
} from './special-tokens.ts'
import {
  decodeChunksOf,
  decodeStreamOf,
  decoderOf,
  encodeChunksOf,
  encodeStreamOf,
  type ChunkDecoder,
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
import { truncateCounted, type TruncateOptions } from './truncate.ts'
import { unshared, unsharedText } from './unshared.ts'

/** What the native count of a text is that has more ids than its limit. */
const moreThanLimit = 2 ** 32 - 1
/** No text has as many ids. */
const largestCount = moreThanLimit - 1

/** The checked choices of a call. */
interface CheckedCall {
  readonly special: SpecialTokenPolicy
  readonly strict: boolean
  /** Whether what stands around a whole text is added. */
  readonly whole: boolean
}

interface AsyncCall extends CheckedCall {
  readonly signal: AbortSignal | undefined
}

/**
 * The tokenizer of a tokenizer.json that is no `BpeTokenizer`: WordPiece, Unigram, WordLevel, and BPE that is not byte-level, or whose ids are not in the order
 * of its merges. Its ids are those of Hugging Face's, with Tokenmill's rules for special tokens.
 */
export class HfTokenizer implements Tokenizer {
  readonly name: string
  readonly vocabSize: number
  readonly specialTokens: ReadonlyMap<string, number>
  readonly endOfTextId: number | undefined
  readonly #native: JsonHandle
  /** The number of the native encoder. */
  readonly #encoder: number
  readonly #file: Uint8Array
  /** Whether the file is another one than was loaded. */
  readonly #isChanged: boolean
  readonly #postProcessor: PostProcessor
  readonly #rowShape: RowShape
  readonly #policies: PolicyNumbers
  readonly #special: SpecialTokenPolicies
  /** Calls without options, checked once. */
  #withoutOptions: CheckedCall | undefined
  #plainWithoutOptions: CheckedCall | undefined

  /**
   * @internal
   * @param file the bytes of the tokenizer.json, which nobody else has
   * @param isChanged whether it is one with more special tokens than were loaded
   */
  constructor(name: string, handle: JsonHandle, file: Uint8Array, isChanged = false) {
    this.name = name
    this.#native = handle
    this.#encoder = handle.encoder
    this.#file = file
    this.#isChanged = isChanged
    this.vocabSize = handle.vocabSize
    // Nobody else has it.
    const special = new Map(handle.specialTokens().map(({ token, id }) => [token, id] as const))
    this.#special = new SpecialTokenPolicies(special)
    this.specialTokens = new SpecialTokenMap(special)
    this.endOfTextId = special.get('<|endoftext|>')
    readOnly(this)
    this.#postProcessor = new PostProcessor(handle.templates())
    this.#rowShape = rowShapeOf(handle)
    this.#policies = new PolicyNumbers(handle, () => handle.dropPolicies())
  }

  get fingerprint(): string {
    return this.#native.fingerprint()
  }

  /** @internal The type of the model: WordPiece, Unigram, WordLevel or BPE. */
  get model(): string {
    return this.#native.model
  }

  /** @internal What tokens that go on with a word start with; `undefined` where such are not marked. */
  get continuingPrefix(): string | undefined {
    return this.#native.continuingPrefix ?? undefined
  }

  /** @internal The ids that the post-processor puts before those of one text, and after. */
  ends(): readonly [before: Uint32Array, after: Uint32Array] {
    return this.#postProcessor.ends()
  }

  encode(text: Text, options?: EncodeOptions): NonSharedUint32Array {
    const { policy, strict, whole } = this.#call(options, 'all')
    const ids = this.#encode(checkedText('text', text), strict, policy)
    return whole ? this.#postProcessor.around(ids) : ids
  }

  #encode(text: Text, strict: boolean, policy: number): NonSharedUint32Array {
    if (typeof text !== 'string') return explaining(() => this.#native.encodeBytes(unshared(text), strict, policy))
    const count = explaining(() => calls().encodeJson(this.#encoder, text, policy))
    return count <= scratch.length ? scratch.slice(0, count) : callNative(() => this.#native.takeIds())
  }

  encodeOrdinary(text: Text): NonSharedUint32Array {
    return this.encode(text, { disallowedSpecial: [] })
  }

  encodeWithOffsets(text: Text, options?: OffsetOptions): TokenOffsets {
    const { bytes, words, rest } = splitOffsetOptions(options)
    const { policy, strict, whole } = this.#call(rest, 'all')
    const found = explaining(() =>
      this.#native.encodeWithOffsets(unsharedText(checkedText('text', text)), strict, policy, words),
    )
    return tokenOffsets(found, bytes, whole ? this.#postProcessor : undefined)
  }

  /** @internal {@link HfTokenizer.encodeWithOffsets} of a string off the event loop, with none of what {@link OffsetOptions} asks for. */
  async offsetsLater(text: string, options: EncodeAsyncOptions): Promise<TokenOffsets> {
    const { signal, special, whole } = this.#asyncCall(options, 'all')
    const call = { signal, policy: () => this.#policies.of(special) }
    const found = await callCopied([text], call, (...own) => this.#native.encodeWithOffsetsAsync(text, ...own))
    return tokenOffsetsLater(found, whole ? this.#postProcessor : undefined)
  }

  encodeSegments(segments: readonly Segment[]): NonSharedUint32Array {
    return this.segmentRows(segments).ids
  }

  /** @internal {@link HfTokenizer.encodeSegments}, the ids of each segment in a row. */
  segmentRows(segments: readonly Segment[]): TokenBatch {
    const checked = checkedSegments(segments)
    const [texts, trusted] = [checked.map(({ text }) => text), checked.map((segment) => segment.trusted)]
    return this.#batchOf(
      explaining(() => this.#native.encodeSegments(texts, trusted)),
      false,
    )
  }

  /**
   * A tokenizer that has these special tokens besides its own. It takes as long to make as to load its file, which {@link HfTokenizer.save} writes with them.
   *
   * @throws `ERR_LIMIT` when an id is out of proportion to the number of tokens
   */
  withSpecialTokens(tokens: SpecialTokenList, options?: NewTokenizerOptions): HfTokenizer {
    const { name = this.name } = checkedOptions('options', options, ['name'])
    const list = checkedSpecialTokens('tokens', tokens, this.vocabSize)
    const checkedName = string('options.name', name)
    refuseTaken(list, this)
    const file = withAddedTokens(this.#file, list)
    try {
      return new HfTokenizer(
        checkedName,
        callNative(() => native().JsonHandle.loadSync(file)),
        file,
        true,
      )
    } catch (error) {
      // It was one before.
      if (!(error instanceof TokenmillError) || error.code !== 'ERR_INVALID_FILE') throw error
      throw new TokenmillError('ERR_INVALID_ARGUMENT', `tokens: ${error.message}`, { cause: error })
    }
  }

  encodeBatch(texts: readonly Text[], options?: EncodeOptions): TokenBatch {
    const { policy, strict, whole } = this.#call(options, 'all')
    const checked = checkedTexts(texts)
    return this.#batchOf(
      explaining(() => this.#native.encodeBatch(checked, strict, policy)),
      whole,
    )
  }

  async encodeAsync(text: Text, options?: EncodeAsyncOptions): Promise<NonSharedUint32Array> {
    const call = this.#asyncCall(options, 'all')
    const rows = await this.#encodeLater([checkedText('text', text)], call, explainedOfOne)
    return this.#batchOf(rows, call.whole).ids
  }

  async encodeBatchAsync(texts: readonly Text[], options?: EncodeAsyncOptions): Promise<TokenBatch> {
    const call = this.#asyncCall(options, 'all')
    return this.#batchOf(await this.#encodeLater(checkedTexts(texts), call), call.whole)
  }

  encodePadded(inputs: readonly TextOrPair[], options: PaddedOffsetOptions): PaddedBatchWithOffsets
  encodePadded(inputs: readonly TextOrPair[], options?: PaddedOptions): PaddedBatch
  encodePadded(inputs: readonly TextOrPair[], options?: PaddedOptions): PaddedBatch {
    const rows = { postProcessor: this.#postProcessor, rowShape: this.#rowShape }
    return encodePadded(this, inputs, options, rows)
  }

  count(text: Text, options?: EncodeOptions): number {
    const call = this.#checkedCall(options, [])
    return this.#count(checkedText('text', text), call)
  }

  #count(text: Text, call: CheckedCall): number {
    const count = this.#countWithin(text, largestCount, call)
    if (count === undefined) throw new TokenmillError('ERR_LIMIT', 'the text has more ids than are counted')
    return count + this.#added(call.whole)
  }

  /** The number of ids of `text`, without what stands around them; `undefined` when there are more than `limit`. */
  #countWithin(text: Text, limit: number, { special, strict }: CheckedCall): number | undefined {
    const policy = this.#policies.of(special)
    if (typeof text !== 'string') {
      return explaining(() => this.#native.countBytesWithin(unshared(text), strict, policy, limit)) ?? undefined
    }
    const count = explaining(() => calls().countJson(this.#encoder, text, policy, limit))
    return count === moreThanLimit ? undefined : count
  }

  countBatch(texts: readonly Text[], options?: EncodeOptions): NonSharedUint32Array {
    const { policy, strict, whole } = this.#call(options, [])
    const own = checkedTexts(texts)
    const counts = explaining(() => this.#native.countBatch(own, strict, policy))
    return whole ? this.#postProcessor.aroundCounts(counts) : counts
  }

  async countAsync(text: Text, options?: EncodeAsyncOptions): Promise<number> {
    const call = this.#asyncCall(options, [])
    const counts = await this.#countLater([checkedText('text', text)], call, explainedOfOne)
    return (counts[0] as number) + this.#added(call.whole)
  }

  async countBatchAsync(texts: readonly Text[], options?: EncodeAsyncOptions): Promise<NonSharedUint32Array> {
    const call = this.#asyncCall(options, [])
    const counts = await this.#countLater(checkedTexts(texts), call)
    return call.whole ? this.#postProcessor.aroundCounts(counts) : counts
  }

  isWithinLimit(text: Text, limit: number, options?: EncodeOptions): number | false {
    const most = integerIn('limit', limit, 0)
    const call = this.#checkedCall(options, [])
    const added = this.#added(call.whole)
    const room = Math.min(Math.max(most - added, 0), largestCount)
    const count = this.#countWithin(checkedText('text', text), room, call)
    return count !== undefined && count + added <= most && count + added
  }

  decode(ids: Uint32Array | Iterable<number>, options?: DecodeOptions): string {
    const { strict, skipSpecialTokens } = checkedDecodeOptions(options)
    const numbers = checkedNumbers(ids)
    const count = copyFew(numbers)
    return callNative(() =>
      count === undefined
        ? this.#native.decode(unsharedNumbers(numbers), strict, skipSpecialTokens)
        : calls().decodeJson(this.#encoder, count, strict, skipSpecialTokens),
    )
  }

  decodeBatch(rows: TokenBatch | readonly (Uint32Array | Iterable<number>)[], options?: DecodeOptions): string[] {
    return decodeRows(this, rows, options)
  }

  truncate(text: string, maxTokens: number, options?: TruncateOptions): string {
    return truncateCounted(text, maxTokens, options, this.specialTokens, (checked, rest) =>
      countedBy(this, checked, rest),
    )
  }

  chunk(text: string, options: ChunkOptions): Iterable<Chunk> {
    return chunkCounted(text, options, (checked, rest) => countedBy(this, checked, rest))
  }

  async chunkAsync(text: string, options: ChunkAsyncOptions): Promise<Iterable<Chunk>> {
    return chunkCountedAsync(text, options, (...checked) => countedLaterBy(this, ...checked))
  }

  countIndex(text: string, options?: EncodeOptions): CountIndex {
    const call = this.#checkedCall(options, [])
    return countEachPart(string('text', text), (part) => this.#count(part, call))
  }

  encodeStream(options?: EncodeStreamOptions): TransformStream<Text, NonSharedUint32Array> {
    return encodeStreamOf(options, (call) => this.#chunkEncoder(call))
  }

  encodeChunks(
    source: Chunks<Text>,
    options?: EncodeChunksOptions,
  ): AsyncGenerator<NonSharedUint32Array, void, undefined> {
    return encodeChunksOf(source, options, (call) => this.#chunkEncoder(call))
  }

  /** What some models make of a text may depend on all of it: then all of it is kept until it ends. */
  #chunkEncoder({ maxPieceBytes, rest }: StreamCall): ChunkEncoder {
    const { policy, strict, whole } = this.#call(rest, 'all')
    const { EncodeStreamHandle } = native()
    const handle = callNative(() => EncodeStreamHandle.openJson(this.#native, policy, strict, maxPieceBytes))
    if (handle !== null) {
      const encoder = new NativeChunkEncoder(handle)
      return whole ? new AroundEncoder(encoder, this.#postProcessor) : encoder
    }
    const own = ownChoices(rest)
    return new BufferedEncoder({
      maxPieceBytes,
      utf8: strict ? 'strict' : 'replace',
      encode: (text, _, signal) => this.encodeAsync(text, { ...own, signal }),
    })
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

  /** What some decoders make of ids may depend on all of them: then all are kept until they end. */
  #chunkDecoder(options: DecodeOptions | undefined): ChunkDecoder {
    const { strict, skipSpecialTokens } = checkedDecodeOptions(options)
    const { JsonDecodeStreamHandle } = native()
    const handle = callNative(() => JsonDecodeStreamHandle.open(this.#native, strict, skipSpecialTokens))
    if (handle !== null) return new NativeChunkDecoder(handle)
    return new BufferedDecoder((ids) => this.decode(ids, { errors: strict ? 'strict' : 'replace', skipSpecialTokens }))
  }

  decodeBytes(ids: Uint32Array | Iterable<number>): NonSharedUint8Array {
    const array = idArray(ids)
    return callNative(() => this.#native.decodeBytes(array))
  }

  tokenToId(token: Text): number | undefined {
    const checked = checkedText('token', token)
    if (typeof checked === 'string') return this.#native.tokenToId(checked) ?? undefined
    try {
      const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(unshared(checked))
      return this.#native.tokenToId(text) ?? undefined
    } catch {
      return undefined
    }
  }

  idToToken(id: number): string | undefined {
    return mayBeId(id) ? (this.#native.idToToken(id) ?? undefined) : undefined
  }

  idToBytes(id: number): NonSharedUint8Array | undefined {
    return mayBeId(id) ? (ofOwnRealm(this.#native.idToBytes(id)) ?? undefined) : undefined
  }

  /**
   * Writes the tokenizer.json that it was loaded from. The file is complete or not there: it is written beside its place, then renamed.
   *
   * @param path ends in `.json`
   * @throws `ERR_INVALID_FILE` when it cannot be written; what is at `path` is then unchanged.
   */
  async save(path: string | URL): Promise<void> {
    if (this.#isChanged) refuseOtherIds(this.#file)
    await saveBytes(path, this.#file)
  }

  #encodeLater(texts: readonly Text[], call: AsyncCall, explain?: Explain): Promise<TokenRows> {
    return this.#later(texts, call, explain, {
      texts: (...own) => this.#native.encodeBatchAsync(...own),
      gathered: (...own) => this.#native.encodeGatheredAsync(...own),
    })
  }

  #countLater(texts: readonly Text[], call: AsyncCall, explain?: Explain): Promise<NonSharedUint32Array> {
    return this.#later(texts, call, explain, {
      texts: (...own) => this.#native.countBatchAsync(...own),
      gathered: (...own) => this.#native.countGatheredAsync(...own),
    })
  }

  #later<T>(
    texts: readonly Text[],
    { signal, special, strict }: AsyncCall,
    explain: Explain | undefined,
    work: TextWork<T>,
  ): Promise<T> {
    const call = { signal, policy: () => this.#policies.of(special), explain }
    return callLater(texts.map(unsharedText), strict, call, work)
  }

  #batchOf({ ids, rowStarts }: TokenRows, whole: boolean): TokenBatch {
    const batch = new TokenBatch(ids, rowStarts)
    return whole ? this.#postProcessor.aroundRows(batch) : batch
  }

  #call(options: EncodeOptions | undefined, defaultDisallowed: DefaultDisallowed) {
    const { special, strict, whole } = this.#checkedCall(options, defaultDisallowed)
    return { policy: this.#policies.of(special), strict, whole }
  }

  #asyncCall(options: EncodeAsyncOptions | undefined, defaultDisallowed: DefaultDisallowed): AsyncCall {
    const { signal, rest } = splitSignal(options)
    signal?.throwIfAborted()
    return { signal, ...this.#checkedCall(rest, defaultDisallowed) }
  }

  #added(whole: boolean): number {
    return whole ? this.#postProcessor.added(false) : 0
  }

  #checkedCall(options: EncodeOptions | undefined, defaultDisallowed: DefaultDisallowed): CheckedCall {
    if (options !== undefined) return this.#checked(options, defaultDisallowed)
    if (defaultDisallowed === 'all') return (this.#withoutOptions ??= this.#checked(options, defaultDisallowed))
    return (this.#plainWithoutOptions ??= this.#checked(options, defaultDisallowed))
  }

  #checked(options: EncodeOptions | undefined, defaultDisallowed: DefaultDisallowed): CheckedCall {
    const checked = checkedOptions('options', options, encodeOptionNames)
    const strict = checkedUtf8(checked.utf8) === 'strict'
    const whole = checkedWhole(checked.addSpecialTokens)
    return { special: this.#special.of(checked, defaultDisallowed), strict, whole }
  }
}

/** How the file says that rows are made. */
export const rowShapeOf = (handle: JsonHandle): RowShape => {
  const { maxLength, truncation, truncateStart, stride, padTo, multipleOf, padStart, padId, padTypeId } =
    handle.rowShape()
  const side = (isStart: boolean) => (isStart ? 'start' : 'end')
  return {
    ...(maxLength === undefined ? {} : { maxLength }),
    ...(truncation === undefined ? {} : { truncation }),
    ...(truncateStart === undefined ? {} : { truncationSide: side(truncateStart) }),
    ...(stride === undefined ? {} : { stride }),
    ...(padTo === undefined ? {} : { padTo }),
    ...(multipleOf === undefined ? {} : { padToMultipleOf: multipleOf }),
    ...(padStart === undefined ? {} : { paddingSide: side(padStart) }),
    ...(padId === undefined ? {} : { padId }),
    ...(padTypeId === undefined ? {} : { padTypeId }),
  }
}
