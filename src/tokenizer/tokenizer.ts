import type { NonSharedUint32Array, NonSharedUint8Array } from '../non-shared.ts'
import type { Chunks, DecodeChunksOptions, EncodeChunksOptions, EncodeStreamOptions, TokenDecoder } from './stream.ts'
import type { Chunk, ChunkAsyncOptions, ChunkOptions } from './chunk.ts'
import type { CountIndex } from './count-index.ts'
import type { OffsetOptions, TokenOffsets } from './offsets.ts'
import type { TruncateOptions } from './truncate.ts'
import type {
  PaddedOffsetOptions,
  PaddedBatch,
  PaddedBatchWithOffsets,
  PaddedOptions,
  TextOrPair,
} from './encode-padded.ts'
import type { SpecialTokenList } from './special-tokens.ts'
import { invalid } from '../validate.ts'

/** Text to tokenize: a string, or bytes that are UTF-8. */
export type Text = string | Uint8Array

/** Which special tokens a call reads as special tokens, and which it refuses: the rules of tiktoken. */
export interface EncodeOptions {
  /**
   * Special tokens that become their id where they stand in the text: `'all'`, or those named here.
   * @default [] (none)
   */
  readonly allowedSpecial?: 'all' | readonly string[] | ReadonlySet<string> | undefined
  /**
   * Special tokens that are an `ERR_SPECIAL_TOKEN` where they stand in the text: `'all'` (all but the allowed), or those
   * named here. What is neither allowed nor disallowed is plain text.
   * @default 'all' in `encode*`, [] in `count*`, `isWithinLimit`, `truncate` and `chunk*`
   */
  readonly disallowedSpecial?: 'all' | readonly string[] | ReadonlySet<string> | undefined
  /**
   * What invalid UTF-8 in a `Uint8Array` is: `'replace'` reads each maximal invalid part as U+FFFD, `'strict'` throws
   * `ERR_INVALID_UTF8`. Lone surrogates in a string are always U+FFFD.
   * @default 'replace'
   */
  readonly utf8?: 'replace' | 'strict' | undefined
  /**
   * Whether the ids that the post-processor of a tokenizer.json puts around a text are added: `[CLS] … [SEP]`. Other tokenizers have none.
   * @default false
   */
  readonly addSpecialTokens?: boolean | undefined
}

/** {@link EncodeOptions} of calls that work off the event loop. */
export interface EncodeAsyncOptions extends EncodeOptions {
  /** Stops the work; the promise is rejected with `signal.reason`. */
  readonly signal?: AbortSignal | undefined
}

/** How ids become text. */
export interface DecodeOptions {
  /**
   * What bytes that are not UTF-8 are: `'replace'` reads each maximal invalid part as U+FFFD, `'strict'` throws
   * `ERR_INVALID_UTF8`.
   * @default 'replace'
   */
  readonly errors?: 'replace' | 'strict' | undefined
  /**
   * Leaves special tokens out.
   * @default false
   */
  readonly skipSpecialTokens?: boolean | undefined
}

/** A stretch of text and whether its author may write special tokens. */
export interface Segment {
  /** What the stretch says. */
  readonly text: string
  /** `true`: every special token in the text is read as one. `false`: all of the text is plain text. */
  readonly trusted: boolean
}

/** What can be said of a tokenizer that is made of another one. */
export interface NewTokenizerOptions {
  /**
   * Its name.
   * @default that of the other one
   */
  readonly name?: string | undefined
}

/** Turns text into token ids and back. All methods are synchronous unless their name ends in `Async`. */
export interface Tokenizer {
  /** The name of the encoding, or of what made it. */
  readonly name: string
  /** The largest id + 1. Ids may have holes. */
  readonly vocabSize: number
  /** Special tokens and their ids. */
  readonly specialTokens: ReadonlyMap<string, number>
  /** The id of `<|endoftext|>`, when there is one. */
  readonly endOfTextId: number | undefined
  /** A hash of all that decides the ids: equal fingerprints, equal ids. */
  readonly fingerprint: string

  /**
   * The ids of `text`.
   * @throws `ERR_SPECIAL_TOKEN` when the text holds a disallowed special token.
   */
  encode(text: Text, options?: EncodeOptions): NonSharedUint32Array
  /** The ids of `text`, every special token in it being plain text. */
  encodeOrdinary(text: Text): NonSharedUint32Array
  /**
   * The ids of `text`, and where in it their tokens are.
   * @throws `ERR_SPECIAL_TOKEN` when the text holds a disallowed special token.
   */
  encodeWithOffsets(text: Text, options?: OffsetOptions): TokenOffsets
  /**
   * The ids of stretches of one text: special tokens count only in the trusted ones, and never across two. What a `tokenizer.json` puts before a text is
   * before the first one alone, and its special tokens take white space of the stretches beside them, if they are made to.
   */
  encodeSegments(segments: readonly Segment[]): NonSharedUint32Array
  /** The ids of each text; byte-level BPE encodes on all cores, and cuts long texts where that changes no id. */
  encodeBatch(texts: readonly Text[], options?: EncodeOptions): TokenBatch
  /** {@link Tokenizer.encode} off the event loop. */
  encodeAsync(text: Text, options?: EncodeAsyncOptions): Promise<NonSharedUint32Array>
  /** {@link Tokenizer.encodeBatch} off the event loop. */
  encodeBatchAsync(texts: readonly Text[], options?: EncodeAsyncOptions): Promise<TokenBatch>
  /**
   * A stream that takes one text in chunks and gives its ids as soon as they are sure: joined, they are those of
   * {@link Tokenizer.encode}, however the text is cut. Characters, surrogate pairs and special tokens may be cut. Of the text no more is
   * kept than the longest piece. It fails with `ERR_LIMIT` when that is longer than `maxPieceBytes`, and as `encode` does; an index in a
   * message is one into the whole stream.
   */
  encodeStream(options?: EncodeStreamOptions): TransformStream<Text, NonSharedUint32Array>
  /** {@link Tokenizer.encodeStream} as a generator: the ids of the chunks of `source`, which is asked for the next one when they are taken. */
  encodeChunks(
    source: Chunks<Text>,
    options?: EncodeChunksOptions,
  ): AsyncGenerator<NonSharedUint32Array, void, undefined>
  /**
   * Texts or pairs of texts as rows of ids of one length, for a model: cut at `maxLength`, padded, and with what the post-processor of a
   * tokenizer.json puts around them.
   * @throws `ERR_SPECIAL_TOKEN` when a text holds a disallowed special token.
   */
  encodePadded(inputs: readonly TextOrPair[], options: PaddedOffsetOptions): PaddedBatchWithOffsets
  encodePadded(inputs: readonly TextOrPair[], options?: PaddedOptions): PaddedBatch
  /** How many ids `text` has. Special tokens are plain text unless allowed. */
  count(text: Text, options?: EncodeOptions): number
  /** {@link Tokenizer.count} of each text; byte-level BPE counts on all cores. */
  countBatch(texts: readonly Text[], options?: EncodeOptions): NonSharedUint32Array
  /** {@link Tokenizer.count} off the event loop. */
  countAsync(text: Text, options?: EncodeAsyncOptions): Promise<number>
  /** {@link Tokenizer.countBatch} off the event loop. */
  countBatchAsync(texts: readonly Text[], options?: EncodeAsyncOptions): Promise<NonSharedUint32Array>
  /**
   * {@link Tokenizer.count} of `text` when that is at most `limit`, else `false`. It stops soon after the limit, however long the text is,
   * unless the options disallow special tokens or ask for strict UTF-8, which are looked for in all of the text.
   */
  isWithinLimit(text: Text, limit: number, options?: EncodeOptions): number | false
  /**
   * The longest start of `text` (or end, with `cut: 'start'`) that has at most `maxTokens` tokens, counted as a text of its own. It never
   * cuts a character: `''` when the first one has more tokens. Special tokens are plain text unless allowed, and then not cut.
   */
  truncate(text: string, maxTokens: number, options?: TruncateOptions): string
  /**
   * `text` in chunks of at most `maxTokens` tokens, each counted as a text of its own and as long as can be. Without overlap the
   * chunks joined are the text; with it each starts with the longest end of the one before it, at a boundary, that has at most `overlap`
   * tokens. Special tokens are plain text unless allowed, and then not cut.
   * @throws `ERR_LIMIT` when one character has more than `maxTokens` tokens.
   */
  chunk(text: string, options: ChunkOptions): Iterable<Chunk>
  /** {@link Tokenizer.chunk} off the event loop. */
  chunkAsync(text: string, options: ChunkAsyncOptions): Promise<Iterable<Chunk>>
  /** Counts of all parts of `text`. Special tokens are plain text unless allowed. */
  countIndex(text: string, options?: EncodeOptions): CountIndex

  /**
   * The text of `ids`.
   * @throws `ERR_OUT_OF_RANGE` when an id does not exist.
   */
  decode(ids: Uint32Array | Iterable<number>, options?: DecodeOptions): string
  /**
   * {@link Tokenizer.decode} of each row, on the calling thread.
   * @throws `ERR_OUT_OF_RANGE` when an id does not exist; the message names the row.
   */
  decodeBatch(rows: TokenBatch | readonly (Uint32Array | Iterable<number>)[], options?: DecodeOptions): string[]
  /**
   * Gives the text of ids that come one by one, as a model makes them, without a promise for each: joined, it is that of {@link Tokenizer.decode}. It never
   * gives a part of a character.
   */
  decoder(options?: DecodeOptions): TokenDecoder
  /**
   * A stream that takes ids in chunks and gives their text as soon as it is sure: joined, it is that of {@link Tokenizer.decode}. It never
   * gives a part of a character.
   */
  decodeStream(options?: DecodeOptions): TransformStream<Uint32Array, string>
  /** {@link Tokenizer.decodeStream} as a generator: the text of the ids that `source` gives, one by one or in chunks. */
  decodeChunks(
    source: Chunks<number | Iterable<number>>,
    options?: DecodeChunksOptions,
  ): AsyncGenerator<string, void, undefined>
  /** The bytes of `ids`, which may cut a character. */
  decodeBytes(ids: Uint32Array | Iterable<number>): NonSharedUint8Array

  /** The id of a token, special tokens too; `undefined` when there is none. */
  tokenToId(token: Text): number | undefined
  /**
   * The text of a token; `undefined` when the id does not exist. Bytes that are not UTF-8 are U+FFFD.
   * @throws `ERR_INVALID_ARGUMENT` when `id` is no integer ≥ 0.
   */
  idToToken(id: number): string | undefined
  /**
   * The bytes of a token; `undefined` when the id does not exist.
   * @throws `ERR_INVALID_ARGUMENT` when `id` is no integer ≥ 0.
   */
  idToBytes(id: number): NonSharedUint8Array | undefined

  /**
   * A tokenizer that has these special tokens besides its own, and its own fingerprint. All else stays.
   *
   * @param tokens ids by token; of an array, the tokens get the ids from {@link Tokenizer.vocabSize} on
   * @throws `ERR_INVALID_ARGUMENT` when a token is a special token already, or its id is that of another token
   */
  withSpecialTokens(tokens: SpecialTokenList, options?: NewTokenizerOptions): Tokenizer

  /** Writes a file, complete or not at all. What it holds goes by the ending of its name: see the tokenizer at hand. */
  save(path: string | URL): Promise<void>
}

/** The ids of several texts, row after row in one array. Iterating gives each row as a view of `ids`. */
export class TokenBatch implements Iterable<NonSharedUint32Array> {
  /** The ids of all rows. */
  readonly ids: NonSharedUint32Array
  /** Where each row starts in `ids`, and at last `ids.length`: one entry more than there are rows. */
  readonly rowStarts: NonSharedUint32Array

  /** @internal */
  constructor(ids: NonSharedUint32Array, rowStarts: NonSharedUint32Array) {
    this.ids = ids
    this.rowStarts = rowStarts
  }

  /** The number of rows. */
  get length(): number {
    return this.rowStarts.length - 1
  }

  /** Row `index` as a view of `ids`; `undefined` when there is no such row. */
  at(index: number): NonSharedUint32Array | undefined {
    if (typeof index !== 'number') throw invalid('index', 'a number', index)
    const row = index < 0 ? index + this.length : index
    const [start, end] = [this.rowStarts[row], this.rowStarts[row + 1]]
    return start === undefined || end === undefined ? undefined : this.ids.subarray(start, end)
  }

  *[Symbol.iterator](): IterableIterator<NonSharedUint32Array> {
    for (let row = 0; row < this.length; row++) yield this.at(row) as NonSharedUint32Array
  }
}
