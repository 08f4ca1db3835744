import { types } from 'node:util'
import { callNative } from '../errors.ts'
import { filePath } from '../file-path.ts'
import { joinIds } from '../join-ids.ts'
import type { BpeHandle, JsonHandle, SpecialToken } from '../native-binding.d.ts'
import { native } from '../native.ts'
import type { NonSharedUint32Array } from '../non-shared.ts'
import { integerIn, string } from '../validate.ts'
import { refuseOtherIds, withAddedTokens } from './added-tokens.ts'
import { checkedSegments, checkedTexts, checkedWhole, ownChoices } from './arguments.ts'
import { AroundEncoder } from './around-encoder.ts'
import { BpeTokenizer } from './bpe-tokenizer.ts'
import { BufferedEncoder } from './buffered-stream.ts'
import {
  checkedAsyncChunking,
  chunkCounted,
  chunkCountedAsync,
  type Chunk,
  type ChunkAsyncOptions,
  type ChunkOptions,
} from './chunk.ts'
import { countEachPart, type CountIndex } from './count-index.ts'
import { countedBy, countedLaterBy } from './counted-text.ts'
import {
  encodePadded,
  type PaddedOffsetOptions,
  type PaddedBatch,
  type PaddedBatchWithOffsets,
  type PaddedOptions,
  type RowShape,
  type TextOrPair,
} from './encode-padded.ts'
import { HfTokenizer, rowShapeOf } from './hf-tokenizer.ts'
import { copiedLater } from './native-call.ts'
import { splitOffsetOptions, type AllOffsets, type OffsetOptions, type TokenOffsets } from './offsets.ts'
import { PostProcessor, tokenOffsets, tokenOffsetsLater } from './post-processor.ts'
import { saveBytes } from './save-bytes.ts'
import type { SpecialTokenPolicy } from './special-tokens.ts'
import { doParts, doPartsAsync, joinCounts, joinRows } from './split-batch.ts'
import type { ChunkEncoder, StreamCall } from './stream.ts'
import type { EncodeAsyncOptions, EncodeOptions, Segment, Text, TokenBatch } from './tokenizer.ts'
import { truncateCounted, type TruncateOptions } from './truncate.ts'
import { unsharedText } from './unshared.ts'

/** What a tokenizer.json says besides its engine. */
interface JsonParts {
  readonly isNfc: boolean
  /** Whether the engine brings texts to form C; else it gives the ids of those that are in it. */
  readonly normalizes: boolean
  readonly postProcessor: PostProcessor
  readonly rowShape: RowShape
  /** Its bytes. */
  readonly file: () => Uint8Array
  /** Whether they are of another one than was loaded. */
  readonly isChanged: boolean
}

/**
 * The tokenizer of a tokenizer.json with a byte-level BPE, which Tokenmill's own engine runs. Where the file normalizes to form C and
 * looks for tokens in that, Hugging Face's crate has the texts that are not in it, which few are.
 */
export class JsonBpeTokenizer extends BpeTokenizer {
  readonly #json: JsonParts
  #crate: HfTokenizer | undefined
  #nfcFingerprint: string | undefined

  private constructor(name: string, engine: BpeHandle, json: JsonParts) {
    super(name, engine)
    this.#json = json
  }

  /**
   * @internal
   * @param file the bytes of the tokenizer.json, which nobody else has
   */
  static of(name: string, engine: BpeHandle, handle: JsonHandle, file: Uint8Array): JsonBpeTokenizer {
    const [postProcessor, rowShape] = [new PostProcessor(handle.templates()), rowShapeOf(handle)]
    const { isNfc, normalizes } = handle
    return new JsonBpeTokenizer(name, engine, {
      isNfc,
      normalizes,
      postProcessor,
      rowShape,
      file: () => file,
      isChanged: false,
    })
  }

  /** @internal The ids that the post-processor puts before those of one text, and after. */
  ends(): readonly [before: Uint32Array, after: Uint32Array] {
    return this.#json.postProcessor.ends()
  }

  /** @internal */
  override withEngine(name: string, engine: BpeHandle, more: readonly SpecialToken[]): JsonBpeTokenizer {
    const { file: before } = this.#json
    // Made when it is asked for: the file may have many megabytes.
    let file: Uint8Array | undefined
    return new JsonBpeTokenizer(name, engine, {
      ...this.#json,
      file: () => (file ??= withAddedTokens(before(), more)),
      isChanged: true,
    })
  }

  override get fingerprint(): string {
    if (!this.#json.isNfc) return super.fingerprint
    return (this.#nfcFingerprint ??= process
      .getBuiltinModule('node:crypto')
      .createHash('sha256')
      .update(`NFC ${super.fingerprint}`)
      .digest('hex'))
  }

  override engine(special: SpecialTokenPolicy): ReturnType<BpeTokenizer['engine']> {
    return this.#hasCrate ? undefined : super.engine(special)
  }

  override encode(text: Text, options?: EncodeOptions): NonSharedUint32Array {
    if (this.#isOfCrate(text)) return this.#byCrate.encode(text, options)
    const ids = super.encode(text, options)
    return isWhole(options) ? this.#json.postProcessor.around(ids) : ids
  }

  override encodeOrdinary(text: Text): NonSharedUint32Array {
    return this.#isOfCrate(text) ? this.#byCrate.encodeOrdinary(text) : super.encodeOrdinary(text)
  }

  override encodeWithOffsets(text: Text, options?: OffsetOptions): TokenOffsets {
    if (this.#isOfCrate(text)) return this.#byCrate.encodeWithOffsets(text, options)
    if (this.#isNormalized(text)) {
      const { bytes, words, rest } = splitOffsetOptions(options)
      const found = super.normalizedOffsets(text, words, rest)
      return tokenOffsets(found, bytes, isWhole(rest) ? this.#json.postProcessor : undefined)
    }
    if (!isWhole(options)) return super.encodeWithOffsets(text, options)
    const spans = super.encodeWithOffsets(text, { ...options, byteOffsets: true }) as AllOffsets
    const { byteOffsets, byteEnds, ...whole } = this.#json.postProcessor.aroundSpans(spans)
    return options?.byteOffsets === true ? { ...whole, byteOffsets, byteEnds } : whole
  }

  /** @internal {@link JsonBpeTokenizer.encodeWithOffsets} of a string off the event loop, with none of what {@link OffsetOptions} asks for. */
  async offsetsLater(text: string, options: EncodeAsyncOptions): Promise<TokenOffsets> {
    const whole = isWhole(options)
    const found = await super.nativeOffsetsLater(text, this.#json.normalizes, options)
    return tokenOffsetsLater(found, whole ? this.#json.postProcessor : undefined)
  }

  override encodeSegments(segments: readonly Segment[]): NonSharedUint32Array {
    const checked = checkedSegments(segments)
    if (!checked.some(({ text }) => this.#isOfCrate(text))) return super.encodeSegments(checked)
    return joinIds(
      checked.map((segment) =>
        this.#isOfCrate(segment.text) ? this.#byCrate.encodeSegments([segment]) : super.encodeSegments([segment]),
      ),
    )
  }

  override encodeBatch(texts: readonly Text[], options?: EncodeOptions): TokenBatch {
    return doParts(checkedTexts(texts), {
      isOfRest: this.#isOfRest,
      most: (own) => this.#around(super.encodeBatch(own, options), isWhole(options)),
      rest: (others) => this.#byCrate.encodeBatch(others, options),
      join: joinRows,
    })
  }

  override async encodeAsync(text: Text, options?: EncodeAsyncOptions): Promise<NonSharedUint32Array> {
    if (this.#isOfCrate(text)) return this.#byCrate.encodeAsync(text, options)
    const whole = isWhole(options)
    const ids = await super.encodeAsync(text, options)
    return whole ? this.#json.postProcessor.around(ids) : ids
  }

  override async encodeBatchAsync(texts: readonly Text[], options?: EncodeAsyncOptions): Promise<TokenBatch> {
    const whole = isWhole(options)
    return doPartsAsync(checkedTexts(texts), {
      isOfRest: this.#isOfRest,
      most: async (own) => this.#around(await super.encodeBatchAsync(own, options), whole),
      rest: (others) => this.#byCrate.encodeBatchAsync(others, options),
      join: joinRows,
    })
  }

  override encodePadded(inputs: readonly TextOrPair[], options: PaddedOffsetOptions): PaddedBatchWithOffsets
  override encodePadded(inputs: readonly TextOrPair[], options?: PaddedOptions): PaddedBatch
  override encodePadded(inputs: readonly TextOrPair[], options?: PaddedOptions): PaddedBatch {
    const rows = { postProcessor: this.#json.postProcessor, rowShape: this.#json.rowShape }
    return encodePadded(this, inputs, options, rows)
  }

  /** @internal */
  override chunkEncoder(call: StreamCall): ChunkEncoder {
    if (this.#hasCrate) return this.#bufferedEncoder(call)
    const encoder = super.chunkEncoder(call)
    return isWhole(call.rest) ? new AroundEncoder(encoder, this.#json.postProcessor) : encoder
  }

  override count(text: Text, options?: EncodeOptions): number {
    if (this.#isOfCrate(text)) return this.#byCrate.count(text, options)
    return super.count(text, options) + this.#added(options)
  }

  override countBatch(texts: readonly Text[], options?: EncodeOptions): NonSharedUint32Array {
    return doParts(checkedTexts(texts), {
      isOfRest: this.#isOfRest,
      most: (own) => this.#aroundCounts(super.countBatch(own, options), isWhole(options)),
      rest: (others) => this.#byCrate.countBatch(others, options),
      join: joinCounts,
    })
  }

  override async countAsync(text: Text, options?: EncodeAsyncOptions): Promise<number> {
    if (this.#isOfCrate(text)) return this.#byCrate.countAsync(text, options)
    const added = this.#added(options)
    return (await super.countAsync(text, options)) + added
  }

  override async countBatchAsync(texts: readonly Text[], options?: EncodeAsyncOptions): Promise<NonSharedUint32Array> {
    const whole = isWhole(options)
    return doPartsAsync(checkedTexts(texts), {
      isOfRest: this.#isOfRest,
      most: async (own) => this.#aroundCounts(await super.countBatchAsync(own, options), whole),
      rest: (others) => this.#byCrate.countBatchAsync(others, options),
      join: joinCounts,
    })
  }

  override isWithinLimit(text: Text, limit: number, options?: EncodeOptions): number | false {
    if (this.#isOfCrate(text)) return this.#byCrate.isWithinLimit(text, limit, options)
    const most = integerIn('limit', limit, 0)
    const added = this.#added(options)
    const count = super.isWithinLimit(text, Math.max(most - added, 0), options)
    return count !== false && count + added <= most && count + added
  }

  override truncate(text: string, maxTokens: number, options?: TruncateOptions): string {
    if (this.#isOfCrate(text)) return this.#byCrate.truncate(text, maxTokens, options)
    if (!isWhole(options) && !this.#isNormalized(text)) return super.truncate(text, maxTokens, options)
    return truncateCounted(text, maxTokens, options, this.specialTokens, (checked, rest) =>
      countedBy(this, checked, rest),
    )
  }

  override chunk(text: string, options: ChunkOptions): Iterable<Chunk> {
    if (this.#isOfCrate(text)) return this.#byCrate.chunk(text, options)
    if (!isWhole(options) && !this.#isNormalized(text)) return super.chunk(text, options)
    return chunkCounted(text, options, (checked, rest) => countedBy(this, checked, rest))
  }

  override async chunkAsync(text: string, options: ChunkAsyncOptions): Promise<Iterable<Chunk>> {
    const { text: checked, signal, rest } = checkedAsyncChunking(text, options)
    const own = { ...options, ...ownChoices(rest) }
    const { isNfc, normalizes } = this.#json
    const changes = isNfc && !(await copiedLater([checked], signal, (flag) => native().isNfcAsync(checked, flag)))
    if (changes && !normalizes) return this.#byCrate.chunkAsync(checked, own)
    if (!changes && !isWhole(own)) return super.chunkAsync(checked, own)
    return chunkCountedAsync(checked, own, (...all) => countedLaterBy(this, ...all))
  }

  override countIndex(text: string, options?: EncodeOptions): CountIndex {
    if (this.#isOfCrate(text)) return this.#byCrate.countIndex(text, options)
    if (!isWhole(options) && !this.#isNormalized(text)) return super.countIndex(text, options)
    const own = ownChoices(options)
    return countEachPart(string('text', text), (part) => this.count(part, own))
  }

  /** A `.json` file is the one that it was loaded from, with the special tokens that came later. */
  override async save(path: string | URL): Promise<void> {
    if (!filePath('path', path).endsWith('.json')) return super.save(path)
    const file = this.#json.file()
    if (this.#json.isChanged) refuseOtherIds(file)
    await saveBytes(path, file)
  }

  /** Made when a text is met that is not in form C. */
  get #byCrate(): HfTokenizer {
    if (this.#crate !== undefined) return this.#crate
    const file = this.#json.file()
    const handle = callNative(() => native().JsonHandle.withCrate(file))
    return (this.#crate = new HfTokenizer(this.name, handle, file))
  }

  /** Whether the normalizer changes `text`. Whatever is no text is an error of the call that is made then. */
  #changes(text: unknown): boolean {
    if (!this.#json.isNfc) return false
    if (typeof text !== 'string' && !types.isUint8Array(text)) return false
    return !callNative(() => native().isNfc(unsharedText(text)))
  }

  /** Whether the crate gives the ids of texts that the normalizer changes. */
  get #hasCrate(): boolean {
    return this.#json.isNfc && !this.#json.normalizes
  }

  #isOfCrate(text: unknown): boolean {
    return this.#hasCrate && this.#changes(text)
  }

  /** Whether the engine changes `text`, so that its places are not those of what it encodes. */
  #isNormalized(text: unknown): boolean {
    return this.#json.normalizes && this.#changes(text)
  }

  /** Which texts of a batch the crate does. */
  get #isOfRest(): ((text: Text) => boolean) | undefined {
    return this.#hasCrate ? (text) => this.#changes(text) : undefined
  }

  /** What tokens are looked for in depends on all of the text. */
  #bufferedEncoder({ maxPieceBytes, rest }: StreamCall): BufferedEncoder {
    const own = ownChoices(rest)
    // Wrong options are an error of this call.
    super.encode('', own)
    return new BufferedEncoder({
      maxPieceBytes,
      utf8: own?.utf8 ?? 'replace',
      encode: (text, _, signal) => this.encodeAsync(text, { ...own, signal }),
    })
  }

  #around(batch: TokenBatch, whole: boolean): TokenBatch {
    return whole ? this.#json.postProcessor.aroundRows(batch) : batch
  }

  #aroundCounts(counts: NonSharedUint32Array, whole: boolean): NonSharedUint32Array {
    return whole ? this.#json.postProcessor.aroundCounts(counts) : counts
  }

  #added(options: EncodeOptions | undefined): number {
    return isWhole(options) ? this.#json.postProcessor.added(false) : 0
  }
}

/** Only a property of the options themselves counts, as everywhere. */
const isWhole = (options: EncodeOptions | undefined): boolean =>
  typeof options === 'object' &&
  options !== null &&
  Object.hasOwn(options, 'addSpecialTokens') &&
  checkedWhole(options.addSpecialTokens)
