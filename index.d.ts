// Generated from src/ by `npm run api`; do not edit. The public API of Tokenmill in one page.

/**
 * The stable codes of {@link TokenmillError}.
 *
 * - `ERR_INVALID_ARGUMENT`: an argument or option has the wrong type or value.
 * - `ERR_SPECIAL_TOKEN`: text holds a special token that the options do not allow.
 * - `ERR_UNKNOWN_TOKEN`: a word is not in the vocabulary and there is no `<|unk|>` to stand for it.
 * - `ERR_OUT_OF_RANGE`: an id or an index does not exist.
 * - `ERR_INVALID_UTF8`: bytes that must be UTF-8 are not.
 * - `ERR_INVALID_FILE`: a file is not what it should be.
 * - `ERR_LIMIT`: something is larger than what can be allocated or than a stated limit.
 * - `ERR_DEVICE`: the device that was asked for cannot be used.
 * - `ERR_DISPOSED`: the object was disposed.
 * - `ERR_NATIVE`: the native addon of this platform could not be loaded.
 * - `ERR_INTERNAL`: a defect of Tokenmill; please report it.
 */
export type ErrorCode =
  | 'ERR_INVALID_ARGUMENT'
  | 'ERR_SPECIAL_TOKEN'
  | 'ERR_UNKNOWN_TOKEN'
  | 'ERR_OUT_OF_RANGE'
  | 'ERR_INVALID_UTF8'
  | 'ERR_INVALID_FILE'
  | 'ERR_LIMIT'
  | 'ERR_DEVICE'
  | 'ERR_DISPOSED'
  | 'ERR_NATIVE'
  | 'ERR_INTERNAL'

/** Every error that Tokenmill throws or rejects with, except the `reason` of an aborted signal. */
export declare class TokenmillError extends Error {
  /** What went wrong, stable across versions. */
  readonly code: ErrorCode
  constructor(code: ErrorCode, message: string, options?: ErrorOptions)
}

/** Text to tokenize: a string, or bytes that are UTF-8. */
export type Text = string | Uint8Array

/** Which special tokens a call reads as special tokens, and which it refuses: the rules of tiktoken. */
export interface EncodeOptions {
  /**
   * Special tokens that become their id where they stand in the text: `'all'`, or those named here.
   * @default [] (none)
   */
  readonly allowedSpecial?: 'all' | readonly string[] | ReadonlySet<string>
  /**
   * Special tokens that are an `ERR_SPECIAL_TOKEN` where they stand in the text: `'all'` (all but the allowed), or those
   * named here. What is neither allowed nor disallowed is plain text.
   * @default 'all' in `encode*`, [] in `count*`
   */
  readonly disallowedSpecial?: 'all' | readonly string[] | ReadonlySet<string>
  /**
   * What invalid UTF-8 in a `Uint8Array` is: `'replace'` reads each maximal invalid part as U+FFFD, `'strict'` throws
   * `ERR_INVALID_UTF8`. Lone surrogates in a string are always U+FFFD.
   * @default 'replace'
   */
  readonly utf8?: 'replace' | 'strict'
}

/** {@link EncodeOptions} of calls that work off the event loop. */
export interface EncodeAsyncOptions extends EncodeOptions {
  /** Stops the work; the promise is rejected with `signal.reason`. */
  readonly signal?: AbortSignal
}

/** How ids become text. */
export interface DecodeOptions {
  /**
   * What bytes that are not UTF-8 are: `'replace'` reads each maximal invalid part as U+FFFD, `'strict'` throws
   * `ERR_INVALID_UTF8`.
   * @default 'replace'
   */
  readonly errors?: 'replace' | 'strict'
  /**
   * Leaves special tokens out.
   * @default false
   */
  readonly skipSpecialTokens?: boolean
}

/** A stretch of text and whether its author may write special tokens. */
export interface Segment {
  /** What the stretch says. */
  readonly text: string
  /** `true`: every special token in the text is read as one. `false`: all of the text is plain text. */
  readonly trusted: boolean
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
  encode(text: Text, options?: EncodeOptions): Uint32Array
  /** The ids of `text`, every special token in it being plain text. */
  encodeOrdinary(text: Text): Uint32Array
  /** The ids of several stretches as one: special tokens count only in the trusted ones, and never across two. */
  encodeSegments(segments: readonly Segment[]): Uint32Array
  /** The ids of each text. */
  encodeBatch(texts: readonly Text[], options?: EncodeOptions): TokenBatch
  /** {@link Tokenizer.encode} off the event loop. */
  encodeAsync(text: Text, options?: EncodeAsyncOptions): Promise<Uint32Array>
  /** {@link Tokenizer.encodeBatch} off the event loop. */
  encodeBatchAsync(texts: readonly Text[], options?: EncodeAsyncOptions): Promise<TokenBatch>
  /** How many ids `text` has. Special tokens are plain text unless allowed. */
  count(text: Text, options?: EncodeOptions): number
  /**
   * The text of `ids`.
   * @throws `ERR_OUT_OF_RANGE` when an id does not exist.
   */
  decode(ids: Uint32Array | Iterable<number>, options?: DecodeOptions): string
  /** The bytes of `ids`, which may cut a character. */
  decodeBytes(ids: Uint32Array | Iterable<number>): Uint8Array
  /** The id of a token, special tokens too; `undefined` when there is none. */
  tokenToId(token: Text): number | undefined
  /** The text of a token; `undefined` when the id does not exist. Bytes that are not UTF-8 are U+FFFD. */
  idToToken(id: number): string | undefined
  /** The bytes of a token; `undefined` when the id does not exist. */
  idToBytes(id: number): Uint8Array | undefined
}

/** The ids of several texts, row after row in one array. Iterating gives each row as a view of `ids`. */
export declare class TokenBatch implements Iterable<Uint32Array> {
  /** The ids of all rows. */
  readonly ids: Uint32Array
  /** Where each row starts in `ids`, and at last `ids.length`: one entry more than there are rows. */
  readonly rowStarts: Uint32Array
  /** The number of rows. */
  get length(): number
  /** Row `index` as a view of `ids`; `undefined` when there is no such row. */
  at(index: number): Uint32Array | undefined
  [Symbol.iterator](): IterableIterator<Uint32Array>
}
