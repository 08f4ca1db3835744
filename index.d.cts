// Generated from src/ by `npm run api`; do not edit. The public API of Tokenmill in one page.
/// <reference lib="esnext.disposable" />

/**
 * The stable codes of {@link TokenmillError}.
 *
 * - `ERR_INVALID_ARGUMENT`: an argument or option has the wrong type or value.
 * - `ERR_SPECIAL_TOKEN`: text holds a special token that the options do not allow.
 * - `ERR_UNKNOWN_TOKEN`: a word is not in the vocabulary and there is no `<|unk|>` to stand for it, or it has no vector.
 * - `ERR_OUT_OF_RANGE`: an id or an index does not exist.
 * - `ERR_INVALID_UTF8`: bytes that must be UTF-8 are not.
 * - `ERR_INVALID_FILE`: a file is not what it should be, or cannot be read or written.
 * - `ERR_LIMIT`: something is larger than what can be allocated or than a stated limit.
 * - `ERR_CORRUPT_DATASET`: a dataset is not what its manifest says.
 * - `ERR_DEVICE`: the device that was asked for cannot be used.
 * - `ERR_DISPOSED`: the object was disposed or closed, or the memory of an array was transferred while it was read.
 * - `ERR_BUSY`: the object is at work off the event loop, and a synchronous call would have to wait for it.
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
  | 'ERR_CORRUPT_DATASET'
  | 'ERR_DEVICE'
  | 'ERR_DISPOSED'
  | 'ERR_BUSY'
  | 'ERR_NATIVE'
  | 'ERR_INTERNAL'

/** Every error that Tokenmill throws or rejects with, except the `reason` of an aborted signal, and what a callback, iterable or getter of the caller throws. */
export declare class TokenmillError extends Error {
  /** What went wrong, stable across versions. */
  readonly code: ErrorCode
  constructor(code: ErrorCode, message: string, options?: ErrorOptions)
}

/** Bytes on memory of their own, which may be transferred: `Uint8Array<ArrayBuffer>` where array types have an argument (TypeScript from 5.7 on). */
export type NonSharedUint8Array = ReturnType<Uint8ArrayConstructor['from']>

/** `Uint16Array<ArrayBuffer>`, as {@link NonSharedUint8Array}. */
export type NonSharedUint16Array = ReturnType<Uint16ArrayConstructor['from']>

/** `Uint32Array<ArrayBuffer>`, as {@link NonSharedUint8Array}. */
export type NonSharedUint32Array = ReturnType<Uint32ArrayConstructor['from']>

/** `Int32Array<ArrayBuffer>`, as {@link NonSharedUint8Array}. */
export type NonSharedInt32Array = ReturnType<Int32ArrayConstructor['from']>

/** `Float32Array<ArrayBuffer>`, as {@link NonSharedUint8Array}. */
export type NonSharedFloat32Array = ReturnType<Float32ArrayConstructor['from']>

/** `Float64Array<ArrayBuffer>`, as {@link NonSharedUint8Array}. */
export type NonSharedFloat64Array = ReturnType<Float64ArrayConstructor['from']>

/** {@link EncodeOptions} of texts that come in chunks. */
export interface EncodeStreamOptions extends EncodeOptions {
  /**
   * The most bytes of UTF-8 that are kept because no id is sure yet: more without a place to cut are an `ERR_LIMIT`.
   * @default 67108864 (64 MiB)
   */
  readonly maxPieceBytes?: number | undefined
}

/** {@link EncodeStreamOptions}, and a signal that ends the work. */
export interface EncodeChunksOptions extends EncodeStreamOptions {
  /** Ends the work; the generator throws `signal.reason`. */
  readonly signal?: AbortSignal | undefined
}

/** {@link DecodeOptions}, and a signal that ends the work. */
export interface DecodeChunksOptions extends DecodeOptions {
  /** Ends the work; the generator throws `signal.reason`. */
  readonly signal?: AbortSignal | undefined
}

/** Chunks that come one after the other: an array, a generator, a stream of Node or a `ReadableStream`. A string is none. */
export type Chunks<T> = (Iterable<T> & object) | AsyncIterable<T>

/** Makes text of the ids of a model as they come, at once: see {@link Tokenizer.decoder}. */
export interface TokenDecoder {
  /**
   * The text that is sure after these ids; `''` while they end in a part of a character.
   * @throws `ERR_OUT_OF_RANGE` when an id does not exist, `ERR_DISPOSED` after {@link TokenDecoder.end}
   */
  push(ids: number | Uint32Array | Iterable<number>): string
  /**
   * The rest of it, if any.
   * @throws `ERR_INVALID_UTF8` with `errors: 'strict'` when that is part of a character, `ERR_DISPOSED` when it was called before
   */
  end(): string
}

/** What chunks end at: see {@link ChunkOptions.boundary}. */
export type Boundary = 'token' | 'word' | 'sentence' | 'paragraph' | 'markdown'

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

/** Knows how many tokens every part of a text has. */
export interface CountIndex {
  /** The number of tokens of the whole text. */
  readonly total: number
  /**
   * The number of tokens of `text.slice(start, end)`, as a text of its own. Byte-level BPE encodes only what is next to the two cuts.
   *
   * @param start in UTF-16 code units; 0 unless given
   * @param end in UTF-16 code units; the length of the text unless given
   */
  count(start?: number, end?: number): number
}

/** {@link EncodeOptions}, and what else to tell of the tokens. */
export interface OffsetOptions extends EncodeOptions {
  /**
   * Whether the result has `byteOffsets` and `byteEnds`.
   * @default false
   */
  readonly byteOffsets?: boolean | undefined
  /**
   * Whether the result has `wordIds`.
   * @default false
   */
  readonly wordIds?: boolean | undefined
}

/**
 * Ids and where in the text their tokens are: in UTF-16 code units for a string, in bytes for a `Uint8Array`.
 *
 * `text.slice(offsets[i], ends[i])` is what token `i` is of, and never cuts a character: tokens that share a character both have all of it.
 */
export interface TokenOffsets {
  /** The ids. */
  readonly ids: NonSharedUint32Array
  /** For each token the start of the first character that it has a part of; one entry more, the length of the text. */
  readonly offsets: NonSharedUint32Array
  /** For each token the end of the last character that it has a part of. */
  readonly ends: NonSharedUint32Array
  /** With `byteOffsets: true`: for each token the byte where it starts in the text as UTF-8, be it inside a character; one entry more, the length. */
  readonly byteOffsets?: NonSharedUint32Array
  /** With `byteOffsets: true`: for each token the byte where it ends in the text as UTF-8. */
  readonly byteEnds?: NonSharedUint32Array
  /**
   * With `wordIds: true`: for each token the number of its word, from 0 on; -1 for what a post-processor adds. Words are the parts in which a
   * text is cut before its tokens are made; a special or added token is one of its own.
   */
  readonly wordIds?: NonSharedInt32Array
}

/** {@link EncodeOptions}, and which end of the text is cut off. */
export interface TruncateOptions extends EncodeOptions {
  /**
   * `'end'` keeps the start of the text, `'start'` its end.
   * @default 'end'
   */
  readonly cut?: 'end' | 'start' | undefined
}

/** A row of `encodePadded`: a text, or two that belong together. */
export type TextOrPair = Text | readonly [Text, Text]

/** {@link EncodeOptions}, and how rows are made equally long. */
export interface PaddedOptions extends EncodeOptions {
  /**
   * The most ids of a row, with those that the post-processor adds: longer texts are cut.
   * @default what the tokenizer.json says, else no limit
   */
  readonly maxLength?: number | undefined
  /**
   * The least ids of a row: shorter rows are padded with `padId`. Rows are as long as the longest of them in any case.
   * @default what the tokenizer.json says, else 0
   */
  readonly padTo?: number | undefined
  /**
   * Rows are as long as a multiple of this.
   * @default what the tokenizer.json says, else 1
   */
  readonly padToMultipleOf?: number | undefined
  /**
   * Which text of a pair is cut: `'longest-first'` the longer one until both are equally long, then both; else always the same one.
   * @default what the tokenizer.json says, else 'longest-first'
   */
  readonly truncation?: 'longest-first' | 'only-first' | 'only-second' | undefined
  /**
   * Where texts are cut.
   * @default what the tokenizer.json says, else 'end'
   */
  readonly truncationSide?: 'start' | 'end' | undefined
  /**
   * Whether what does not fit a row goes on in further rows, which follow it, and is not lost: `return_overflowing_tokens` of Hugging Face's.
   * {@link PaddedBatch.inputOf} says of which input a row is.
   * @default false
   */
  readonly overflow?: boolean | undefined
  /**
   * With `overflow`, how many ids of a text each further row has in common with the row before.
   * @default what the tokenizer.json says, else 0
   */
  readonly stride?: number | undefined
  /**
   * The side on which rows are padded.
   * @default what the tokenizer.json says, else 'end'
   */
  readonly paddingSide?: 'start' | 'end' | undefined
  /**
   * The id of padding.
   * @default what the tokenizer.json says, else that of `[PAD]`, `<pad>`, `<|pad|>` or `<|endoftext|>`, the first of them that the tokenizer
   * has, else 0
   */
  readonly padId?: number | undefined
  /**
   * The type id of padding.
   * @default what the tokenizer.json says, else 0
   */
  readonly padTypeId?: number | undefined
  /**
   * Whether the post-processor of a tokenizer.json adds its ids. Other tokenizers have none to add.
   * @default true
   */
  readonly addSpecialTokens?: boolean | undefined
  /**
   * Whether the batch says where its tokens are from: it is then a {@link PaddedBatchWithOffsets}.
   * @default false
   */
  readonly offsets?: boolean | undefined
}

/** {@link PaddedOptions} that ask for a {@link PaddedBatchWithOffsets}. */
export type PaddedOffsetOptions = PaddedOptions & {
  readonly offsets: true
}

/** Rows of ids, all equally long, one after the other: row `i` is `ids.subarray(i * shape[1], (i + 1) * shape[1])`. */
export interface PaddedBatch {
  /** The ids, `shape[0] * shape[1]` of them. */
  readonly ids: NonSharedUint32Array
  /** 1 for each id, 0 for padding. */
  readonly attentionMask: NonSharedUint8Array
  /** 1 for each id that the post-processor adds and for padding, 0 for ids of the texts, also for special tokens in them. */
  readonly specialTokensMask: NonSharedUint8Array
  /** 0 for the first text and 1 for the second, unless the post-processor says otherwise. */
  readonly typeIds: NonSharedUint32Array
  /** Rows and ids of each. */
  readonly shape: readonly [number, number]
  /** Of each row the index of its input: with `overflow` several rows may be of one. */
  readonly inputOf: NonSharedUint32Array
}

/**
 * A {@link PaddedBatch}, and where each of its ids is from, in arrays that are as long as `ids`. What is of no text, as padding and ids that the
 * post-processor adds, is of text -1 and word -1, at 0 to 0.
 */
export interface PaddedBatchWithOffsets extends PaddedBatch {
  /** Where the first character of the token starts in its text: see `TokenOffsets`. */
  readonly offsets: NonSharedUint32Array
  /** Where the last character of the token ends in its text. */
  readonly ends: NonSharedUint32Array
  /** The number of the token's word in its text: see `TokenOffsets`. */
  readonly wordIds: NonSharedInt32Array
  /** 0 for tokens of the first text of an input, 1 for those of the second. */
  readonly sequenceIds: Int8Array
}

/** Special tokens and their ids, or special tokens that get the next free ids in their order. */
export type SpecialTokenList = Readonly<Record<string, number>> | ReadonlyMap<string, number> | readonly string[]

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
export declare class TokenBatch implements Iterable<NonSharedUint32Array> {
  protected constructor()
  /** The ids of all rows. */
  readonly ids: NonSharedUint32Array
  /** Where each row starts in `ids`, and at last `ids.length`: one entry more than there are rows. */
  readonly rowStarts: NonSharedUint32Array
  /** The number of rows. */
  get length(): number
  /** Row `index` as a view of `ids`; `undefined` when there is no such row. */
  at(index: number): NonSharedUint32Array | undefined
  [Symbol.iterator](): IterableIterator<NonSharedUint32Array>
}

/** A function that the model may call. */
export interface ChatFunction {
  /** Its name, as in `get_weather`. */
  readonly name: string
  /** What it does, for the model to read. */
  readonly description?: string | undefined
  /** A JSON schema of the arguments. */
  readonly parameters?: object | null | undefined
}

/** A {@link ChatFunction}, bare or as the `tools` of the chat API wrap it. */
export type ChatTool =
  | ChatFunction
  | {
      readonly type: 'function'
      readonly function: ChatFunction
    }

/** The fields of a {@link ChatContentPart} that are read here. */
export interface ChatContentPartFields {
  /** What the part is: `text`, `image_url`, … */
  readonly type: string
  /** What a part of type `text` says. */
  readonly text?: string | undefined
}

/** One part of the content of a message. */
export type ChatContentPart =
  | ChatContentPartFields
  | (ChatContentPartFields & {
      readonly [field: string]: unknown
    })

/** A call of a function, as the assistant asked for it. */
export interface ChatFunctionCall {
  /** The name of the function. */
  readonly name: string
  /** The arguments: JSON as text (OpenAI), or a value (templates). */
  readonly arguments?: unknown
}

/** The fields of a {@link ChatToolCall} that are read here. */
export interface ChatToolCallFields {
  /** Which call it is. */
  readonly id?: string | undefined
  /** What is called: `function`, … */
  readonly type?: string | undefined
  /** The function, where it is one. */
  readonly function?: ChatFunctionCall | undefined
}

/** A call of a tool, as the assistant asked for it. */
export type ChatToolCall =
  | ChatToolCallFields
  | (ChatToolCallFields & {
      readonly [field: string]: unknown
    })

/** The fields of a {@link ChatMessage} that are read here. */
export interface ChatMessageFields {
  /** Who speaks: `system`, `developer`, `user`, `assistant`, `tool`, … */
  readonly role: string
  /** What is said: a string, or parts. */
  readonly content?: string | readonly ChatContentPart[] | null | undefined
  /** The name of the speaker. */
  readonly name?: string | undefined
  /** The function that the assistant asks to call. */
  readonly function_call?: ChatFunctionCall | null | undefined
  /** The functions that the assistant asks to call. */
  readonly tool_calls?: readonly ChatToolCall[] | null | undefined
  /** Which call a message of role `tool` answers. */
  readonly tool_call_id?: string | undefined
  /** Harmony: what the message is of, as in `analysis`, `commentary` and `final`. */
  readonly channel?: string | null | undefined
  /** Harmony: who the message is to, as in `functions.get_weather`. */
  readonly recipient?: string | null | undefined
  /** Harmony: what the content is, as in `<|constrain|>json`. */
  readonly content_type?: string | null | undefined
}

/**
 * One message of a chat, in the form of the chat APIs, whose own types are of this one. Formats read the fields that they have a place for and refuse
 * those that they have none for; a template reads whatever it likes.
 */
export type ChatMessage =
  | ChatMessageFields
  | (ChatMessageFields & {
      readonly [field: string]: unknown
    })

/**
 * Whether, and which, function the model is told to call. What `'required'` adds is not known: it counts as `'auto'` does. Nor is how
 * a choice of several functions, OpenAI's `allowed_tools`, is written: it is none here.
 */
export type ToolChoice =
  | 'auto'
  | 'none'
  | 'required'
  | {
      readonly name: string
    }
  | {
      readonly type: 'function'
      readonly function: {
        readonly name: string
      }
    }

/** Special tokens by the names that a template has for them, as in `{ bos_token: '<s>' }`. */
export type NamedTokens = Readonly<Record<string, string | readonly string[]>>

/** What a template comes with. */
export interface ChatTemplateOptions {
  /**
   * Special tokens by the names that the template has for them. They are trusted, as the template is.
   * @default none
   */
  readonly tokens?: NamedTokens | ReadonlyMap<string, string | readonly string[]> | undefined
}

/** What a template is given besides the messages. */
export interface RenderOptions {
  /**
   * Whether the head of the answer follows the messages, as in the prompt that a model completes.
   * @default true
   */
  readonly addGenerationPrompt?: boolean | undefined
  /**
   * Functions that the model may call, as the template wants them.
   * @default none
   */
  readonly tools?: readonly object[] | undefined
  /**
   * Documents to answer from, as the template wants them.
   * @default none
   */
  readonly documents?: readonly object[] | undefined
  /**
   * Other values that the template reads, as in `{ enable_thinking: false }`. They are plain text, as messages are.
   * @default none
   */
  readonly variables?: Readonly<Record<string, unknown>> | undefined
  /**
   * The time that `strftime_now` tells, in the zone of this machine. Without it there is no `strftime_now`: what a template writes does not depend
   * on when it is asked.
   * @default none
   */
  readonly now?: Date | undefined
  /**
   * Which template, when there are several.
   * @default 'tool_use' when there are tools and it is there, else 'default'
   */
  readonly name?: string | undefined
}

/** A chat that a template wrote. */
export interface RenderedChat {
  /** The text, as `apply_chat_template` of transformers gives it. */
  readonly text: string
  /** The text in parts, for `encodeSegments`: each special token that the template wrote, and the text between them. */
  readonly segments: readonly Segment[]
  /** What stands in `{% generation %}` blocks, which is what an assistant learns to write: start and end in `text`. */
  readonly generations: readonly {
    readonly start: number
    readonly end: number
  }[]
}

/**
 * The chat template of a model, in Jinja as transformers has it. What it writes is traced back to where it comes from: a special token is one only
 * when the template itself wrote it, never when a message, a tool or another value did, whatever the template does with them.
 *
 * ```ts
 * const template = new ChatTemplate("{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}")
 * template.render([{ role: 'user', content: 'Hi' }]).text // '<|user|>Hi<|end|>'
 * ```
 */
export declare class ChatTemplate {
  #private
  /** The names of the templates that there are. */
  readonly names: readonly string[]
  /** Special tokens by name. */
  readonly tokens: NamedTokens
  /**
   * @param source the template, or several by name
   * @throws `ERR_INVALID_FILE` when a template cannot be read; the message says in which line.
   * @throws `ERR_LIMIT` when a template is longer than 128 KiB.
   */
  constructor(source: string | Readonly<Record<string, string>>, options?: ChatTemplateOptions)
  /**
   * Writes a chat. `specialTokens` are those that the segments tell apart.
   *
   * @param specialTokens special tokens of a tokenizer
   * @throws `ERR_INVALID_ARGUMENT` when the template refuses the messages, or a value is none of JSON.
   * @throws `ERR_INVALID_FILE` when the template fails; the message says in which line.
   * @throws `ERR_LIMIT` when the template works too long, writes too much or nests too deep.
   */
  render(messages: readonly ChatMessage[], options?: RenderOptions, specialTokens?: Iterable<string>): RenderedChat
}

/** How {@link encodeChat} writes a chat for a model of OpenAI. */
export interface ModelChatOptions {
  /** The model, as in `gpt-4o`. */
  readonly model: string
  /**
   * Whether the head of the answer follows the messages, as in the prompt that a model completes.
   * @default true
   */
  readonly addGenerationPrompt?: boolean | undefined
}

/** How {@link countChat} counts a chat for a model of OpenAI. */
export interface ModelCountOptions {
  /** The model, as in `gpt-4o`. */
  readonly model: string
  /**
   * Functions that the model may call: what they add is an estimate.
   * @default none
   */
  readonly tools?: readonly ChatTool[] | undefined
  /**
   * Whether, and which, function the model is told to call.
   * @default 'auto'
   */
  readonly toolChoice?: ToolChoice | undefined
}

/** How {@link encodeChat} and {@link countChat} write a chat in the harmony format, for gpt-oss. */
export interface HarmonyChatOptions {
  /** The model, as in `gpt-oss-120b`. */
  readonly model: string
  /**
   * Whether `<|start|>assistant` follows the messages, as in the prompt that a model completes.
   * @default true, and false for `training`
   */
  readonly addGenerationPrompt?: boolean | undefined
  /**
   * Whether messages of the channel `analysis` before the first of the channel `final` stay, although the last message of the assistant is of `final`.
   * @default false
   */
  readonly keepAnalysis?: boolean | undefined
  /**
   * Whether a message of the channel `final` at the end ends in `<|return|>`, as the model learns to end it, and not in `<|end|>`.
   * @default false
   */
  readonly training?: boolean | undefined
}

/** How {@link encodeChat} and {@link countChat} write a chat by a template. */
export interface TemplateChatOptions extends RenderOptions {
  /** The template, read or as text. To write many chats, make a {@link ChatTemplate} once. */
  readonly template: ChatTemplate | string
  /** The tokenizer of the model. */
  readonly tokenizer: Tokenizer
}

/**
 * The ids of a chat, as a model is given it. No text of a message becomes a special token, whatever it says.
 *
 * ```ts
 * encodeChat([{ role: 'user', content: 'Hello' }], { model: 'gpt-4o' })
 * // <|im_start|>user<|im_sep|>Hello<|im_end|><|im_start|>assistant<|im_sep|>
 * ```
 *
 * With a `template`, the chat is what the template writes, by the rules of {@link ChatTemplate}. With a `model` of OpenAI, the ids of `<|im_start|>`,
 * `<|im_end|>` and `<|im_sep|>` are gpt-tokenizer's, for they are not published. They are no ids of the encoding: its `decode` refuses them. For gpt-oss,
 * the ids are those of openai-harmony, and messages have a `channel`, a `recipient` and a `content_type` as there.
 *
 * @throws `ERR_INVALID_ARGUMENT` when the model is not known or is none for chats, or a message has what its format has no place for.
 * @throws whatever {@link ChatTemplate.render} does.
 */
export declare const encodeChat: (
  messages: readonly ChatMessage[],
  options: ModelChatOptions | HarmonyChatOptions | TemplateChatOptions,
) => NonSharedUint32Array

/**
 * How many tokens a chat is. For a `model` of OpenAI, as many as it is billed as, the head of the answer included: the rule of OpenAI's cookbook; for
 * messages of text without names, calls and tools that is the length of {@link encodeChat}. With a `template`, and for gpt-oss, it always is.
 *
 * @throws what {@link encodeChat} does.
 */
export declare const countChat: (
  messages: readonly ChatMessage[],
  options: ModelCountOptions | HarmonyChatOptions | TemplateChatOptions,
) => number

/**
 * The chat template of a model: of a folder that has its files, of its `tokenizer_config.json`, or of a `chat_template.jinja`; or of what a
 * `tokenizer_config.json` says, parsed. A `chat_template.jinja` beside the file counts before what stands in it, as in transformers; templates in
 * `additional_chat_templates/` are named after their files. `bos_token` and its like, and those that `extra_special_tokens` names, come from the
 * `tokenizer_config.json`.
 *
 * @param source the path or `file:` URL of a file or folder, or a parsed `tokenizer_config.json`
 * @throws `ERR_INVALID_FILE` when there is no template, or a file cannot be read or is not what it should be.
 */
export declare const loadChatTemplate: (source: string | URL | object) => Promise<ChatTemplate>

/** A tool that a model of the harmony format may call. */
export interface HarmonyTool {
  /** Its name, as in `get_weather`. */
  readonly name: string
  /** What it does, for the model to read. */
  readonly description: string
  /** A JSON schema of the arguments. */
  readonly parameters?: object | null | undefined
}

/** Tools that share a namespace: those of `functions` are called with the recipient `functions.NAME`. */
export interface HarmonyToolNamespace {
  /** The name of the namespace. */
  readonly name: string
  /** What the tools are for. */
  readonly description?: string | null | undefined
  /** The tools, in the order that they are told in. */
  readonly tools: readonly HarmonyTool[]
}

/** What a system message tells a model of the harmony format. A field that is missing has its default, one that is `null` is left out. */
export interface HarmonySystemContent extends ChatContentPartFields {
  readonly type: 'system_content'
  /**
   * Who the model is.
   * @default 'You are ChatGPT, a large language model trained by OpenAI.'
   */
  readonly model_identity?: string | null | undefined
  /**
   * How much it thinks.
   * @default 'Medium'
   */
  readonly reasoning_effort?: 'Low' | 'Medium' | 'High' | null | undefined
  /**
   * The day on which the chat began, as in `'2026-02-03'`. It is never taken from the clock.
   * @default none
   */
  readonly conversation_start_date?: string | null | undefined
  /**
   * Until when the model knows the world.
   * @default '2024-06'
   */
  readonly knowledge_cutoff?: string | null | undefined
  /**
   * The channels that the model may write to, and whether every message has to name one.
   * @default { valid_channels: ['analysis', 'commentary', 'final'], channel_required: true }
   */
  readonly channel_config?:
    | {
        readonly valid_channels: readonly string[]
        readonly channel_required: boolean
      }
    | null
    | undefined
  /**
   * Tools that are built in, by their namespaces.
   * @default none
   */
  readonly tools?: Readonly<Record<string, HarmonyToolNamespace>> | null | undefined
}

/** What a developer message tells a model of the harmony format. */
export interface HarmonyDeveloperContent extends ChatContentPartFields {
  readonly type: 'developer_content'
  /**
   * What chat APIs call the system prompt.
   * @default none
   */
  readonly instructions?: string | null | undefined
  /**
   * Tools by their namespaces, as in `{ functions: { name: 'functions', tools: [] } }`.
   * @default none
   */
  readonly tools?: Readonly<Record<string, HarmonyToolNamespace>> | null | undefined
}

/**
 * How text becomes words.
 *
 * - `'book'`: at each of `,.:;?_!"()'`, at `--` and at white space; the marks and `--` are words.
 * - `'words'`: by `Intl.Segmenter`, which knows the words of Chinese, Japanese, Thai and other languages without spaces;
 *   punctuation is kept. The dictionaries are those of the running Node. More than 4,096 characters without a space,
 *   line end or CJK punctuation are cut there.
 * - a RegExp: as `text.split(regExp)`, so what its capture groups capture is kept. It runs as it is: one that backtracks
 *   without end on some text does so here too.
 *
 * Whatever the rule, words are trimmed and the empty ones dropped.
 */
export type SplitRule = 'book' | 'words' | RegExp

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
export declare class BpeTokenizer implements Tokenizer {
  protected constructor()
  #private
  readonly name: string
  readonly vocabSize: number
  readonly specialTokens: ReadonlyMap<string, number>
  readonly endOfTextId: number | undefined
  get fingerprint(): string
  encode(text: Text, options?: EncodeOptions): NonSharedUint32Array
  encodeOrdinary(text: Text): NonSharedUint32Array
  encodeWithOffsets(text: Text, options?: OffsetOptions): TokenOffsets
  encodeSegments(segments: readonly Segment[]): NonSharedUint32Array
  encodeBatch(texts: readonly Text[], options?: EncodeOptions): TokenBatch
  encodeAsync(text: Text, options?: EncodeAsyncOptions): Promise<NonSharedUint32Array>
  encodeBatchAsync(texts: readonly Text[], options?: EncodeAsyncOptions): Promise<TokenBatch>
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
  withSpecialTokens(tokens: SpecialTokenList, options?: NewTokenizerOptions): BpeTokenizer
  /**
   * The pieces in which `text` is cut, each of which is then merged on its own; joined they are the text. Special tokens in it are plain text, a
   * lone surrogate is U+FFFD.
   *
   * ```ts
   * getEncoding('cl100k_base').preTokenize("It's 12345.") // ['It', "'s", ' ', '123', '45', '.']
   * ```
   */
  preTokenize(text: string): string[]
  encodeStream(options?: EncodeStreamOptions): TransformStream<Text, NonSharedUint32Array>
  encodeChunks(
    source: Chunks<Text>,
    options?: EncodeChunksOptions,
  ): AsyncGenerator<NonSharedUint32Array, void, undefined>
  encodePadded(inputs: readonly TextOrPair[], options: PaddedOffsetOptions): PaddedBatchWithOffsets
  encodePadded(inputs: readonly TextOrPair[], options?: PaddedOptions): PaddedBatch
  count(text: Text, options?: EncodeOptions): number
  countBatch(texts: readonly Text[], options?: EncodeOptions): NonSharedUint32Array
  countAsync(text: Text, options?: EncodeAsyncOptions): Promise<number>
  countBatchAsync(texts: readonly Text[], options?: EncodeAsyncOptions): Promise<NonSharedUint32Array>
  isWithinLimit(text: Text, limit: number, options?: EncodeOptions): number | false
  truncate(text: string, maxTokens: number, options?: TruncateOptions): string
  chunk(text: string, options: ChunkOptions): Iterable<Chunk>
  chunkAsync(text: string, options: ChunkAsyncOptions): Promise<Iterable<Chunk>>
  countIndex(text: string, options?: EncodeOptions): CountIndex
  decode(ids: Uint32Array | Iterable<number>, options?: DecodeOptions): string
  decodeBatch(rows: TokenBatch | readonly (Uint32Array | Iterable<number>)[], options?: DecodeOptions): string[]
  decoder(options?: DecodeOptions): TokenDecoder
  decodeStream(options?: DecodeOptions): TransformStream<Uint32Array, string>
  decodeChunks(
    source: Chunks<number | Iterable<number>>,
    options?: DecodeChunksOptions,
  ): AsyncGenerator<string, void, undefined>
  decodeBytes(ids: Uint32Array | Iterable<number>): NonSharedUint8Array
  tokenToId(token: Text): number | undefined
  idToToken(id: number): string | undefined
  idToBytes(id: number): NonSharedUint8Array | undefined
  /**
   * The merges that make the tokens of `text`, in their order: what byte-level BPE does, step by step. A text of several pieces has those of its first
   * piece first. Special tokens are plain text. A piece that is a token which no merge reaches has none.
   */
  explain(text: string): MergeStep[]
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
  save(path: string | URL): Promise<void>
}

/**
 * How text is split into pieces, which are then merged each on its own: the name of a published pattern, or a regular expression as a string.
 *
 * Names are those of models and encodings: `'gpt2'`, `'cl100k'`, `'o200k'`, `'llama3'`, `'qwen2'`, `'deepseek-v3'`, …; an unknown one lists them. An expression is
 * one of Rust's `fancy-regex`: look-around, possessive and lazy quantifiers, `\\p{…}`. Text between two matches is a piece as well. Those of published tokenizers,
 * and their relatives, run as fast as named ones; others are bounded, and `ERR_LIMIT` where a text takes too long.
 */
export type PatternSource = string

/** What a `.tiktoken` file does not say. */
export interface TiktokenOptions {
  /**
   * How text is split into pieces: a `.tiktoken` file does not say it, and none is guessed. Only for `.tiktoken` files, which need it.
   */
  readonly pattern?: PatternSource | undefined
  /**
   * Special tokens and their ids; those of an array follow the largest id of the file. Those with the same id are names of one token, which is
   * decoded to the first of them. Only for `.tiktoken` files.
   * @default none
   */
  readonly specialTokens?: SpecialTokenList | undefined
  /**
   * The name of the tokenizer. Only for `.tiktoken` files.
   * @default that of the file, without `.tiktoken`; `'tiktoken'` for bytes
   */
  readonly name?: string | undefined
}

/** How {@link loadTokenizer} reads a file. */
export interface LoadOptions extends TiktokenOptions {
  /**
   * The split rule of a vocabulary.json. It must be that of the file, and must be passed when that is a RegExp: a RegExp
   * that only stands in a file is never run.
   * @default the rule of the file
   */
  readonly split?: SplitRule | undefined
}

/**
 * The tokenizer of a file: a `tokenizer.json` of Hugging Face's tokenizers, whatever its model, a `vocabulary.json` of
 * {@link WordTokenizer.save}, or a `.tiktoken` file with its `pattern`.
 *
 * Every field is checked: a file is trusted as little as any other input. At most 256 MiB are read, of a tokenizer.json 64 MiB.
 *
 * @param source the path or `file:` URL of a file, or of a folder that holds a `tokenizer.json`, as those of models do; or the bytes of a file
 * @throws `ERR_INVALID_FILE` when the file cannot be read or is not what it should be; the message says where.
 * @throws `ERR_LIMIT` when the file is larger than that, or something in it has no bound in proportion to it.
 * @throws `ERR_INVALID_ARGUMENT` when `options.split` is not the rule of the file, or is missing though that is a RegExp; when a
 *   `.tiktoken` file comes without a pattern; when an option is for another kind of file.
 */
export declare const loadTokenizer: (source: string | URL | Uint8Array, options?: LoadOptions) => Promise<Tokenizer>

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

/**
 * Words and their ids: the words first, from 0 without holes, then the special tokens. Immutable.
 *
 * ```ts
 * const vocabulary = Vocabulary.fromText('Hello, world. Hello!')
 * vocabulary.tokenToId('Hello') // 3, after '!', ',' and '.'
 * vocabulary.size // 7: five words, <|endoftext|>, <|unk|>
 * ```
 */
export declare class Vocabulary {
  #private
  /** The number of words, which is the id of the first special token. */
  readonly wordCount: number
  private constructor()
  /**
   * The vocabulary of one text (a string) or of several.
   *
   * Words are told apart by case; see {@link VocabularyOptions} for how they are split, chosen and ordered. Several texts
   * are read one after the other and not kept.
   *
   * @throws `ERR_INVALID_ARGUMENT` when a text is not a string, or an option is wrong.
   * @throws `ERR_LIMIT` at more than 16,000,000 different words, or 16,777,215 words and special tokens.
   */
  static fromText(texts: string | Iterable<string>, options?: VocabularyOptions): Vocabulary
  /**
   * The vocabulary of a list of words: the ids are their places in the list.
   *
   * @throws `ERR_INVALID_ARGUMENT` when a word is empty, not a string, there twice or equal to a special token.
   * @throws `ERR_LIMIT` at more than 16,000,000 words, or 16,777,215 words and special tokens.
   */
  static fromWords(words: Iterable<string> & object, options?: WordListOptions): Vocabulary
  /** The number of tokens, special tokens too. */
  get size(): number
  /** How text becomes words. */
  get split(): SplitRule
  /** The special tokens and their ids. */
  get specialTokens(): ReadonlyMap<string, number>
  /**
   * The id of a word or special token; `undefined` when there is none.
   * @throws `ERR_INVALID_ARGUMENT` when `token` is not a string.
   */
  tokenToId(token: string): number | undefined
  /**
   * The id of a word, special tokens not being words; `undefined` when there is none.
   * @throws `ERR_INVALID_ARGUMENT` when `word` is not a string.
   */
  wordToId(word: string): number | undefined
  /**
   * The word or special token of an id; `undefined` when the id does not exist.
   * @throws `ERR_INVALID_ARGUMENT` when `id` is no integer ≥ 0.
   */
  idToToken(id: number): string | undefined
  /** Each token with its id, in the order of the ids. */
  entries(): IterableIterator<[token: string, id: number]>
  [Symbol.iterator](): IterableIterator<[token: string, id: number]>
}

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

/**
 * A tokenizer whose tokens are the words of a {@link Vocabulary}.
 *
 * ```ts
 * const tokenizer = new WordTokenizer(Vocabulary.fromText('Hello, world.'))
 * tokenizer.encode('Hello, moon.') // Uint32Array [2, 0, 5, 1]: ',' is 0, '.' is 1, moon is <|unk|>
 * tokenizer.decode([2, 0, 3, 1]) // 'Hello, world.'
 * ```
 */
export declare class WordTokenizer implements Tokenizer {
  #private
  readonly name: string
  /** The words and special tokens. */
  readonly vocabulary: Vocabulary
  /** What stands for unknown words; `null`: they are an error. */
  readonly unknown: string | null
  readonly specialTokens: ReadonlyMap<string, number>
  /**
   * @throws `ERR_INVALID_ARGUMENT` when `unknown` is not a special token of the vocabulary.
   * @throws `ERR_LIMIT` when a special token is longer than 4096 code units, or all are together than 4 Mi.
   */
  constructor(vocabulary: Vocabulary, options?: WordTokenizerOptions)
  get vocabSize(): number
  get endOfTextId(): number | undefined
  /**
   * SHA-256 of the words, the special tokens, the split rule and what stands for unknown words. With the rule `'words'` the
   * ids are also decided by the dictionaries of the running Node, which are not part of it.
   */
  get fingerprint(): string
  encode(text: Text, options?: EncodeOptions): NonSharedUint32Array
  encodeOrdinary(text: Text): NonSharedUint32Array
  /** Ids of a {@link Vocabulary} have no holes: the tokens have the next ones. */
  withSpecialTokens(tokens: SpecialTokenList, options?: NewTokenizerOptions): WordTokenizer
  encodeSegments(segments: readonly Segment[]): NonSharedUint32Array
  /** White space between words is of no token: `offsets[i + 1]` may be greater than `ends[i]`. */
  encodeWithOffsets(text: Text, options?: OffsetOptions): TokenOffsets
  encodeBatch(texts: readonly Text[], options?: EncodeOptions): TokenBatch
  encodeAsync(text: Text, options?: EncodeAsyncOptions): Promise<NonSharedUint32Array>
  encodeBatchAsync(texts: readonly Text[], options?: EncodeAsyncOptions): Promise<TokenBatch>
  encodePadded(inputs: readonly TextOrPair[], options: PaddedOffsetOptions): PaddedBatchWithOffsets
  encodePadded(inputs: readonly TextOrPair[], options?: PaddedOptions): PaddedBatch
  /** How many ids `text` has. Words that `encode` refuses as unknown are counted too: counting throws for no word. */
  count(text: Text, options?: EncodeOptions): number
  countBatch(texts: readonly Text[], options?: EncodeOptions): NonSharedUint32Array
  countAsync(text: Text, options?: EncodeAsyncOptions): Promise<number>
  countBatchAsync(texts: readonly Text[], options?: EncodeAsyncOptions): Promise<NonSharedUint32Array>
  isWithinLimit(text: Text, limit: number, options?: EncodeOptions): number | false
  /**
   * A stream that takes one text in chunks and gives its ids as soon as they are sure. By the rule `'book'` that is at white space, by `'words'`
   * after some thousand code units; with a RegExp the text is kept to its end, unless an allowed special token cuts it. Indices in
   * messages count UTF-16 code units of all text before.
   */
  encodeStream(options?: EncodeStreamOptions): TransformStream<Text, NonSharedUint32Array>
  encodeChunks(
    source: Chunks<Text>,
    options?: EncodeChunksOptions,
  ): AsyncGenerator<NonSharedUint32Array, void, undefined>
  truncate(text: string, maxTokens: number, options?: TruncateOptions): string
  chunk(text: string, options: ChunkOptions): Iterable<Chunk>
  chunkAsync(text: string, options: ChunkAsyncOptions): Promise<Iterable<Chunk>>
  countIndex(text: string, options?: EncodeOptions): CountIndex
  /** The tokens joined with spaces, without the white space before any of `,.:;?!"()'`. */
  decode(ids: Uint32Array | Iterable<number>, options?: DecodeOptions): string
  decodeBatch(rows: TokenBatch | readonly (Uint32Array | Iterable<number>)[], options?: DecodeOptions): string[]
  decoder(options?: DecodeOptions): TokenDecoder
  decodeStream(options?: DecodeOptions): TransformStream<Uint32Array, string>
  decodeChunks(
    source: Chunks<number | Iterable<number>>,
    options?: DecodeChunksOptions,
  ): AsyncGenerator<string, void, undefined>
  /** {@link WordTokenizer.decode} as UTF-8. */
  decodeBytes(ids: Uint32Array | Iterable<number>): NonSharedUint8Array
  tokenToId(token: Text): number | undefined
  idToToken(id: number): string | undefined
  idToBytes(id: number): NonSharedUint8Array | undefined
  /**
   * Writes `vocabulary.json`, from which `loadTokenizer` makes an equal tokenizer. The file is complete or not there: it is
   * written beside its place, then renamed.
   *
   * @param path ends in `.json`
   * @throws `ERR_INVALID_FILE` when it cannot be written; what is at `path` is then unchanged.
   */
  save(path: string | URL): Promise<void>
}

/**
 * Several samples, row after row. Its arrays are fresh, unless the caller gave them.
 *
 * What is there depends on the dataset: windows of a text have `inputs` and `targets`; ragged examples an `attentionMask`,
 * packed documents `positionIds` and `segmentIds`.
 */
export interface Batch {
  /** Token ids, `shape[0] * shape[1]` of them, row after row. */
  readonly inputs: NonSharedUint32Array
  /**
   * What the model should answer, in the same places; -100 is ignored by the loss. Where a whole row has one answer (its class), one
   * per row.
   */
  readonly targets: NonSharedInt32Array
  /** Rows and ids per row. */
  readonly shape: readonly [rows: number, columns: number]
  /** 1 where an input belongs to the sample, 0 for padding. */
  readonly attentionMask?: NonSharedUint8Array
  /** The place of each input in its document, from 0. */
  readonly positionIds?: NonSharedUint32Array
  /** Which document of its row each input belongs to, from 1; 0 for padding. */
  readonly segmentIds?: NonSharedUint32Array
  /**
   * Where each segment of the batch starts in the row of all its inputs, and at last their number: `cu_seqlens` of attention over
   * sequences of different lengths. The padding of a row is a segment too.
   */
  readonly cuSeqlens?: NonSharedInt32Array
}

/**
 * Arrays for a batch to be written into: at least `batchSize * columns` long, apart from one another and from the tokens of the dataset, and not of a
 * `SharedArrayBuffer`.
 */
export interface BatchArrays {
  /** For {@link Batch.inputs}. */
  readonly inputs: NonSharedUint32Array
  /** For {@link Batch.targets}. */
  readonly targets: NonSharedInt32Array
}

/**
 * A stretch of an example: its text or its ids, and whether the model is asked for them. Where an example is cut, what is `kept` stays, and the end of
 * the rest is left out.
 */
export type ExamplePart =
  | {
      readonly text: string
      readonly scored: boolean
      readonly kept?: boolean | undefined
    }
  | {
      readonly ids: Uint32Array | readonly number[]
      readonly scored: boolean
      readonly kept?: boolean | undefined
    }

/** What a record is to the model. */
export interface Example {
  /** Stretches that follow one another. Each is encoded on its own, its special tokens being plain text. */
  readonly parts: readonly ExamplePart[]
  /** The class of the whole example. The model is then asked for it, and for no token. */
  readonly label?: number | undefined
}

/** What an {@link ExampleDataset} makes of a record. */
export interface ExampleObjective<Record = unknown> {
  /** What messages call it. */
  readonly name: string
  /** The example of a record; `index` is its number, for messages. */
  example(record: Record, index: number, tokenizer: Tokenizer): Example
}

/** Where a text of a record is: the name of a field, or what makes it. */
export type Field<Record> = string | ((record: Record) => string)

/** How {@link completion} reads records. */
export interface CompletionOptions<Record> {
  /**
   * What the model is given.
   * @default 'prompt'
   */
  readonly prompt?: Field<Record> | undefined
  /**
   * What it should go on with.
   * @default 'completion'
   */
  readonly completion?: Field<Record> | undefined
  /**
   * The id after the completion, which the model is asked for too; `null` for none.
   * @default tokenizer.endOfTextId
   */
  readonly endId?: number | null | undefined
}

/**
 * Go on after a prompt: the loss is of the completion and its end alone, the prompt is -100 in the targets. For instructions,
 * summaries and translations, `prompt` is a function that writes the record down.
 */
export declare const completion: <Record = unknown>(options?: CompletionOptions<Record>) => ExampleObjective<Record>

/** How {@link classification} reads records. */
export interface ClassificationOptions<Record> {
  /** The classes; the target is the place of a label among them. */
  readonly labels: readonly string[]
  /**
   * The text.
   * @default 'text'
   */
  readonly text?: Field<Record> | undefined
  /**
   * Its label.
   * @default 'label'
   */
  readonly label?: Field<Record> | undefined
  /**
   * Whether the ids that the post-processor of a tokenizer.json puts around a text are added, as `[CLS] … [SEP]` for BERT. They stay where a text is
   * cut. Other tokenizers have none.
   * @default false
   */
  readonly addSpecialTokens?: boolean | undefined
}

/** Tell the class of a text: a batch has one target for each row. */
export declare const classification: <Record = unknown>(
  options: ClassificationOptions<Record>,
) => ExampleObjective<Record>

/** How {@link chat} reads records. */
export interface ChatObjectiveOptions<Record> {
  /** How a chat is written: a template, or its text. */
  readonly template: ChatTemplate | string
  /**
   * The messages of a record: the name of a field, or what makes them.
   * @default 'messages'
   */
  readonly messages?: (string | ((record: Record) => readonly ChatMessage[])) | undefined
  /**
   * What the template is given besides the messages.
   * @default none
   */
  readonly render?: Omit<RenderOptions, 'addGenerationPrompt'> | undefined
}

/**
 * Answer as the assistant: the loss is of what the assistant wrote, all else is -100 in the targets. That is what stands in the
 * `{% generation %}` blocks of the template; without any, all that follows the head of an answer up to the next message, for which the chat is
 * written once more up to each answer and up to the end of each: blocks take time in proportion to a long chat, this by its square. No text of a
 * message becomes a special token.
 *
 * An answer starts with a new token, as it does when a model writes it (but for a tokenizer.json that only Hugging Face's crate runs, whose tokens may
 * have parts of both sides).
 */
export declare const chat: <Record = unknown>(options: ChatObjectiveOptions<Record>) => ExampleObjective<Record>

/** One training sample: views of the data rather than copies where that is possible. */
export interface Sample {
  /** What the model reads. */
  readonly inputs: Uint32Array
  /** What it should answer at each place, -100 being ignored by the loss; or one answer for all of the sample. */
  readonly targets: Int32Array
  /** 1 where an input belongs to the sample, 0 for padding. */
  readonly attentionMask?: Uint8Array | undefined
  /** The place of each input in its document, from 0. */
  readonly positionIds?: Uint32Array | undefined
  /** Which document each input belongs to, from 1; 0 for padding. */
  readonly segmentIds?: Uint32Array | undefined
}

/** What may decide a sample besides its index. */
export interface SampleOptions {
  /**
   * The epoch, for datasets whose samples differ from one to the next.
   * @default 0
   */
  readonly epoch?: number | undefined
}

/** What may decide a batch besides the indices of its samples. */
export interface BatchOptions extends SampleOptions {
  /** Where to write it, rather than into fresh arrays. */
  readonly out?: BatchArrays | undefined
  /** The samples of the batch that will be asked for next, for a dataset that is faster when it knows. */
  readonly next?: Float64Array | undefined
}

/**
 * Samples by index: what a `DataLoader` reads. `length` and `get` are enough; the other members make it faster, or say what rows
 * of different lengths are padded with.
 */
export interface Dataset {
  /** The number of samples. */
  readonly length: number
  /** The id that shorter samples of a batch are padded with. Without it all samples of a batch must be equally long. */
  readonly paddingId?: number | undefined
  /** The sample at `index`, 0 ≤ index < length. The same arguments give the same sample. */
  get(index: number, options?: SampleOptions): Sample
  /** The samples at `indices` as one batch: what collating the samples of {@link Dataset.get} gives. */
  batch?(indices: Float64Array, options?: BatchOptions): Batch
  /** Has what the samples at `indices` are made of in memory, off the event loop, so that `get` and `batch` wait for no disk. */
  readAhead?(indices: Float64Array, options?: SampleOptions): Promise<void>
  /** {@link Dataset.batch} off the event loop, for datasets whose samples take long to make. */
  batchAsync?(indices: Float64Array, options?: SampleOptions): Promise<Batch>
}

/** How far a `DataLoader` has read: plain data, for a checkpoint. */
export interface LoaderState {
  /** Of this form of state. */
  readonly version: 1
  /** The epoch that is being read. */
  readonly epoch: number
  /** How many samples of it all ranks together have been given. */
  readonly sample: number
  /** The seed of the order. */
  readonly seed: number
  /** Whether the order is shuffled. */
  readonly shuffle: boolean
  /** The samples of the dataset. */
  readonly samples: number
}

/** How {@link DataLoader} makes batches. */
export interface DataLoaderOptions {
  /** Samples in one batch of one rank. */
  readonly batchSize: number
  /**
   * Reads the samples in an order that `seed` and the epoch decide, rather than that of the dataset.
   * @default false
   */
  readonly shuffle?: boolean | undefined
  /**
   * Decides the order together with the epoch; an integer ≥ 0.
   * @default 0
   */
  readonly seed?: number | undefined
  /**
   * Leaves out the last batch when it is smaller than the others.
   * @default false
   */
  readonly dropLast?: boolean | undefined
  /**
   * The epoch to start with; an integer ≥ 0.
   * @default 0
   */
  readonly epoch?: number | undefined
  /**
   * Which of several processes that train together this is, from 0: each reads other samples, and as many as the others.
   * @default 0
   */
  readonly rank?: number | undefined
  /**
   * How many processes train together.
   * @default 1
   */
  readonly worldSize?: number | undefined
  /**
   * Batches that `for await` has under way ahead of the one it gave, at least, when the dataset makes them or reads their files off the event loop.
   * @default 2
   */
  readonly prefetch?: number | undefined
}

/**
 * Batches of a dataset, by `for` or `for await`. The latter lets timers and input in between batches.
 *
 * The order is a pure function of (seed, epoch, index), the same on every machine, and takes no memory; docs/datasets.md of the
 * repository has its definition. Each iteration that runs to its end advances `epoch`; one that is left early does not, so the next starts the same
 * epoch over. Iterations over one loader do not disturb each other.
 *
 * ```ts
 * const loader = new DataLoader(dataset, { batchSize: 8, shuffle: true, seed: 1 })
 * for await (const { inputs, targets, shape } of loader) train(inputs, targets, shape)
 * ```
 */
export declare class DataLoader implements Iterable<Batch>, AsyncIterable<Batch> {
  #private
  /** Where the samples come from. */
  readonly dataset: Dataset
  /** Samples in one batch of one rank. */
  readonly batchSize: number
  /** Whether the samples are read in another order than that of the dataset. */
  readonly shuffle: boolean
  /** Decides the order together with the epoch. */
  readonly seed: number
  /** Whether a last batch that is smaller than the others is left out. */
  readonly dropLast: boolean
  /** Which of `worldSize` processes this is. */
  readonly rank: number
  /** How many processes read the dataset together. */
  readonly worldSize: number
  /** Batches under way ahead of the one that was given. */
  readonly prefetch: number
  /** Batches of the samples of `dataset`. @throws `ERR_INVALID_ARGUMENT` when it is none, or an option is wrong. */
  constructor(dataset: Dataset, options: DataLoaderOptions)
  /** The epoch that the next iteration reads. */
  get epoch(): number
  /** The number of batches of this rank in one whole epoch. */
  get length(): number
  /**
   * Where reading is: what {@link DataLoader.load} needs to go on after the batch that was given last, in another process, with
   * another batch size or number of ranks too. Batches that are only under way do not count. It is plain data, for a checkpoint.
   */
  state(): LoaderState
  /**
   * Lets the next iteration go on where `state` was taken; when nothing is left of that epoch, with the next one.
   *
   * @throws `ERR_INVALID_ARGUMENT` when it is no state, or that of another order: another seed, shuffling or length of the dataset.
   */
  load(state: LoaderState): void
  /**
   * The batches of the next epoch, one after the other: what `for` reads. With `out`, every batch is written into those arrays, so
   * that reading allocates nothing: the next batch then overwrites the last one.
   *
   * @throws `ERR_INVALID_ARGUMENT` when the arrays are too small, or have memory in common with one another or with the tokens of the dataset.
   */
  batches(options?: { readonly out?: BatchArrays | undefined }): Generator<Batch, void, undefined>
  [Symbol.iterator](): Generator<Batch, void, undefined>
  [Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined>
}

/** How {@link ExampleDataset} reads records. */
export interface ExampleOptions<Record> {
  /** What makes ids of their texts. */
  readonly tokenizer: Tokenizer
  /** The most inputs of an example. */
  readonly maxLength: number
  /** What the model is asked for, as `completion()`, `chat()` or `classification()` say. */
  readonly objective: ExampleObjective<Record>
  /**
   * What becomes of longer examples; `cutExamples` and `droppedExamples` count them:
   *
   * - `'cut'`: their end is left out, but for what the objective keeps, as special tokens around a text
   * - `'drop'`: they are left out
   * - `'error'`: the first one is an `ERR_LIMIT`
   * @default 'cut'
   */
  readonly tooLong?: 'cut' | 'drop' | 'error' | undefined
  /**
   * What shorter rows of a batch are padded with; their targets are -100.
   * @default tokenizer.endOfTextId, else 0
   */
  readonly paddingId?: number | undefined
}

/**
 * Records as examples of a task, for fine-tuning. All are encoded at once, on all cores; text of a record never becomes a special
 * token. Examples differ in length: a `DataLoader` fills the rows of a batch up to the longest, with an `attentionMask`.
 *
 * ```ts
 * const dataset = new ExampleDataset(records, { tokenizer, maxLength: 512, objective: completion() })
 * dataset.get(0) // the prompt is -100 in the targets
 * ```
 */
export declare class ExampleDataset<Record = unknown> implements Dataset {
  #private
  /** The number of examples. */
  readonly length: number
  /** What shorter rows of a batch are padded with. */
  readonly paddingId: number
  /** The most inputs of an example. */
  readonly maxLength: number
  /** What the model is asked for. */
  readonly objective: ExampleObjective<Record>
  /** Examples whose end is left out. */
  readonly cutExamples: number
  /** Examples that are left out, as they are longer than `maxLength` or have no input. */
  readonly droppedExamples: number
  /** Examples that ask for nothing: all of their targets are -100, as the cut left the prompt alone. */
  readonly unscoredExamples: number
  /** The examples that `records` are. @throws `ERR_INVALID_ARGUMENT` when a record has not what the objective reads, there is no example, or an option is wrong. */
  constructor(records: Iterable<Record>, options: ExampleOptions<Record>)
  /**
   * Example `index`.
   * @throws `ERR_OUT_OF_RANGE` when there is no such example.
   */
  get(index: number): Sample
}

/** The ids of a dataset as both types of array, over one memory. */
export interface TokenViews {
  /** As unsigned numbers. */
  readonly ids: Uint32Array
  /** The same as signed numbers. */
  readonly signed: Int32Array
}

/** Which window a sample is of. */
export interface WindowPlace {
  /** The index of the window in its dataset. */
  readonly index: number
  /** The epoch, for objectives whose samples differ from one to the next. */
  readonly epoch: number
}

/** What a window asks of the model: how many ids it reads, and what it makes of them. */
export interface Objective {
  /** What messages call it. */
  readonly name: string
  /** The ids that a window of `contextLength` inputs reads. */
  idsPerWindow(contextLength: number): number
  /** The sample of `contextLength` inputs that starts at `start`; `place` says which one of the dataset it is. */
  sample(tokens: TokenViews, start: number, contextLength: number, place: WindowPlace): Sample
}

/**
 * Predict the next token: the targets are the inputs shifted by one, so a window reads `contextLength + 1` ids.
 */
export declare const nextToken: () => Objective

/** How {@link maskedTokens} hides tokens. */
export interface MaskedTokensOptions {
  /** The id that stands for a hidden token, such as that of `[MASK]`. */
  readonly maskId: number
  /** Says which ids there are, which of them are special, and where words start. */
  readonly tokenizer?: Tokenizer | undefined
  /**
   * The ids that may take the place of a token are below this; with `tokenizer` those that a token has.
   * @default tokenizer.vocabSize
   */
  readonly vocabSize?: number | undefined
  /**
   * Ids that are never chosen, and never take the place of another. The mask is always one of them.
   * @default those of tokenizer.specialTokens
   */
  readonly specialIds?: Iterable<number> | undefined
  /**
   * How likely a token, or a word, is chosen: what the model must find out.
   * @default 0.15
   */
  readonly probability?: number | undefined
  /**
   * The share of chosen tokens that become the mask.
   * @default 0.8
   */
  readonly maskShare?: number | undefined
  /**
   * The share of chosen tokens that become any other token. The rest stay as they are.
   * @default 0.1
   */
  readonly randomShare?: number | undefined
  /**
   * Chooses words rather than tokens. With `true` the texts of the tokenizer's tokens tell them: tokens with `##`, or what else the file of a WordPiece
   * marks them with, continue a word; elsewhere a word is a run of letters, marks and digits with the blank before it, every other token one of its
   * own, and each token of a word vocabulary and of Chinese, Japanese, Thai, Lao, Khmer and Burmese too. A function says whether a token continues the
   * word of the token before it.
   * @default false
   */
  readonly wholeWords?: (boolean | ((id: number) => boolean)) | undefined
  /**
   * Decides the choice together with the epoch and the window; an integer ≥ 0.
   * @default 0
   */
  readonly seed?: number | undefined
}

/**
 * Fill the blanks, as BERT is trained (Devlin et al. 2018, section 3.1): some tokens are chosen, and the targets are those, all
 * others -100. Of the chosen ones 80 % become the mask, 10 % another token, 10 % stay. The choice differs from epoch to epoch, and is
 * the same on every machine for the same (seed, epoch, window).
 *
 * @throws `ERR_INVALID_ARGUMENT` when an option is wrong, or neither `tokenizer` nor `vocabSize` says which ids there are.
 */
export declare const maskedTokens: (options: MaskedTokensOptions) => Objective

/** A dataset and how much of a mixture it is. */
export interface MixturePart {
  /** Where its samples come from. */
  readonly dataset: Dataset
  /** Its share, beside the weights of the others; a number above 0. */
  readonly weight: number
}

/** How {@link MixedDataset} reads its parts. */
export interface MixtureOptions {
  /**
   * The samples of an epoch.
   * @default that of all parts together
   */
  readonly length?: number | undefined
  /**
   * Decides the order in which each part is read; an integer ≥ 0.
   * @default 0
   */
  readonly seed?: number | undefined
}

/**
 * Several datasets as one, in which each has a share by its weight: of any number of neighbouring samples, to within one, and one more for
 * each part before it.
 *
 * Every part is read through, in an order that is its own in each pass, before a sample of it comes again; the next epoch goes on
 * where the last one ended. So a part of small weight gives other samples in each epoch, and one of large weight several times the
 * same ones.
 *
 * Definition. With g = epoch * length + index, the first part has the samples at which floor(g * w / 2^52) rises to the next g, w being
 * its weight in 2^52ths of all weights, rounded; the value before is the number of the sample among its own. What is left is divided among
 * the other parts in the same way. Sample n of part p, of m samples, is `Permutation(m, seed, p, pass).at(n mod m)`, pass = floor(n / m),
 * which is also the epoch that the part is told. Nothing is stored.
 */
export declare class MixedDataset implements Dataset {
  #private
  /** The samples of an epoch. */
  readonly length: number
  /** What shorter samples of a batch are padded with: that of the parts, which have the same one. */
  readonly paddingId?: number
  /** Has what the samples at `indices` of an epoch are made of in memory, off the event loop; there where a part has it. */
  readonly readAhead?: (indices: Float64Array, options?: SampleOptions) => Promise<void>
  /** @throws `ERR_INVALID_ARGUMENT` when a part is no dataset, is empty, or an option is wrong. */
  constructor(parts: readonly MixturePart[], options?: MixtureOptions)
  /**
   * The sample at `index` of an epoch.
   * @throws `ERR_OUT_OF_RANGE` when there is no such sample.
   */
  get(index: number, options?: SampleOptions): Sample
  /** Samples `indices` as one batch. */
  batch(indices: Float64Array, options?: BatchOptions): Batch
  /**
   * Which part sample `index` of an epoch is of, and its number among all samples of that part since epoch 0.
   * @throws `ERR_OUT_OF_RANGE` when there is no such sample.
   */
  placeOf(
    index: number,
    epoch: number,
  ): {
    readonly part: number
    readonly number: number
  }
}

/**
 * What an input file holds:
 *
 * - `'text'`: one document
 * - `'lines'`: a document per line, without its line end
 * - `{ separator }`: documents with this string between them
 * - `'jsonl'`: an object per line, of which one field is the document
 * - `'parquet'`: a row per document, of which one column is the text
 */
export type InputFormat =
  | 'text'
  | 'lines'
  | 'jsonl'
  | 'parquet'
  | {
      readonly separator: string
    }

/** A form in which `prepare` writes ids; each but `raw` in a folder of its own. */
export type DatasetFormat =
  /** Shards of ids and nothing else, `train-00000.bin`: what {@link TokenStore} opens, and `numpy.memmap`. */
  | 'raw'
  /** `nanogpt/train.bin`, as nanoGPT reads it; for vocabularies of at most 65,536. */
  | 'nanogpt'
  /** `llmc/train_000000.bin`, as llm.c reads it. */
  | 'llmc'
  /** `megatron/train.bin` and `train.idx`, as Megatron-LM reads it. */
  | 'megatron'
  /** `npy/train-00000.npy`, as `numpy.load` reads it. */
  | 'npy'

/** A split of a dataset. */
export type SplitName = 'train' | 'val'

/** A file of a dataset. */
export interface DatasetFile {
  /** Its name in the folder of the manifest. */
  readonly file: string
  /** Its length. */
  readonly bytes: number
  /** The BLAKE3 of its bytes, in hexadecimal. */
  readonly blake3: string
}

/** One split of a dataset. */
export interface SplitManifest {
  /** Its documents. */
  readonly documents: number
  /** Its ids, with separators. */
  readonly tokens: number
  /** Where each document starts: little-endian 64-bit numbers, counted in ids. */
  readonly documentStarts: DatasetFile
  /** The raw shards in order, when `raw` is among the formats. */
  readonly shards: readonly {
    readonly file: string
    readonly tokens: number
    readonly blake3: string
  }[]
  /** The files of the other formats. */
  readonly others: Readonly<Partial<Record<DatasetFormat, readonly DatasetFile[]>>>
}

/** What a dataset holds: its `manifest.json`. Nothing in it depends on when, where or on how many threads it was made. */
export interface Manifest {
  /** `tokenmill-dataset`. */
  readonly kind: string
  /** 1. */
  readonly version: number
  /** Whose ids they are. */
  readonly tokenizer: {
    readonly name: string
    readonly fingerprint: string
    readonly vocabSize: number
  }
  /** The special tokens that documents may hold as such, sorted; absent where all are plain text. */
  readonly allowedSpecial?: readonly string[]
  /** How the raw shards hold an id. */
  readonly dtype: 'uint16' | 'uint32'
  /** The id between documents. */
  readonly separator: {
    readonly id: number
    readonly position: 'before' | 'after'
  } | null
  /** Ids in a shard; the last of a split may have fewer. */
  readonly shardTokens: number
  /** The share of documents in `val`, and the seed that decides which. */
  readonly validation: {
    readonly share: number
    readonly seed: number
  } | null
  /** Whether documents that came before were left out. */
  readonly deduplicated: boolean
  /** What was read. */
  readonly inputs: {
    readonly files: number
    readonly bytes: number
    /** The BLAKE3 of the names of the files, without folders, and of how long each is; absent in datasets of earlier versions. */
    readonly digest?: string
  }
  /** How it was read, and in which forms it was written; absent in datasets of earlier versions. */
  readonly preparation?: PreparationFacts
  /** What became of it. */
  readonly counts: DatasetCounts
  /** Each split. */
  readonly splits: Readonly<Partial<Record<SplitName, SplitManifest>>>
}

/** The options of `prepare` that a manifest does not tell otherwise. */
export interface PreparationFacts {
  /** What the files hold; `'detect'`: by the name of each. */
  readonly inputFormat: InputFormat | 'detect'
  /** The field or column that is the text. */
  readonly field: string
  /** The most bytes of a document. */
  readonly maxDocumentBytes: number
  /** What became of lines and values without a document. */
  readonly onMalformed: 'error' | 'skip'
  /** What became of bytes that are not UTF-8. */
  readonly onInvalidUtf8: 'error' | 'skip' | 'replace'
  /** What became of documents that are too large. */
  readonly onTooLarge: 'error' | 'skip'
  /** The forms of the result, sorted. */
  readonly format: readonly DatasetFormat[]
}

/** What became of the documents of the inputs. */
export interface DatasetCounts {
  /** Those that were written. */
  readonly documents: number
  /** Their ids, with separators. */
  readonly tokens: number
  /** The bytes of their text. */
  readonly bytes: number
  /** Documents without text, which are left out. */
  readonly empty: number
  /** Documents that were left out as they came before. */
  readonly duplicates: number
  /** Lines and values that were skipped as they hold no document. */
  readonly malformed: number
  /** Documents that were skipped as they are not UTF-8. */
  readonly invalidUtf8: number
  /** Documents that were skipped as they are too large. */
  readonly tooLarge: number
}

/** How far {@link TokenStore.verify} is. */
export interface VerifyProgress {
  /** Bytes of files that are found to be right. */
  readonly bytes: number
  /** The bytes of all files. */
  readonly bytesTotal: number
}

/** Options of {@link TokenStore.verify}. */
export interface VerifyOptions {
  /** Stops the work; the promise is rejected with `signal.reason`. */
  readonly signal?: AbortSignal | undefined
  /** Called some times a second. */
  readonly onProgress?: ((progress: VerifyProgress) => void) | undefined
}

/** How {@link TokenStore.open} opens a dataset or a file. */
export interface TokenStoreOptions {
  /**
   * Which split of a dataset.
   * @default 'train'
   */
  readonly split?: SplitName | undefined
  /** A dataset whose ids are another tokenizer's is then an `ERR_INVALID_ARGUMENT`. */
  readonly tokenizer?: Pick<Tokenizer, 'name' | 'fingerprint'> | undefined
  /**
   * - `'map'`: the files are mapped into memory, which is the fastest; when somebody truncates one meanwhile, the system ends the process
   * - `'read'`: they are read by position, and a truncated one is an `ERR_CORRUPT_DATASET`
   * @default 'map'
   */
  readonly mode?: 'map' | 'read' | undefined
  /** How a file that is not in a dataset holds its ids: needed for a file, refused for a folder. */
  readonly dtype?: 'uint16' | 'uint32' | undefined
}

/** Where the documents of a {@link TokenStore} start. */
export interface StoreDocuments {
  /** The number of documents. */
  readonly length: number
  /** The place of the first id of document `index`. */
  start(index: number): number
  /** {@link StoreDocuments.start} of `count` documents from `first` on. */
  starts(first: number, count: number): NonSharedFloat64Array
  /** The document that the id at `place` belongs to. */
  at(place: number): number
}

/**
 * The ids of a split of a dataset that {@link prepare} made, or of a file of ids. They stay in their files: what is asked for is copied out, and no array
 * is a view of a file. There may be more than 2^32.
 *
 * ```ts
 * const store = await TokenStore.open('data', { split: 'train' })
 * store.length           // all ids of the split
 * store.slice(0, 1024)   // Uint32Array(1024)
 * ```
 */
export declare class TokenStore {
  #private
  /** The number of ids. */
  readonly length: number
  /** How the files hold an id. */
  readonly dtype: 'uint16' | 'uint32'
  /** What the dataset holds; absent for a file. */
  readonly manifest: Manifest | undefined
  /** Where documents start; absent for a file. */
  readonly documents: StoreDocuments | undefined
  private constructor()
  /**
   * Opens the dataset in a folder, or a file of ids without a header.
   *
   * @param path the path or `file:` URL of a folder with a `manifest.json`, or of a file
   * @throws `ERR_INVALID_FILE` when there is none, or its preparation is not finished; when a file has the header of numpy, llm.c or Megatron-LM.
   * @throws `ERR_CORRUPT_DATASET` when a file is not there or not as long as the manifest says, or the manifest contradicts itself.
   * @throws `ERR_INVALID_ARGUMENT` when the ids are another tokenizer's, or there is no such split.
   */
  static open(path: string | URL, options?: TokenStoreOptions): Promise<TokenStore>
  /** The id at `index`; from the end when it is negative. `undefined` when there is none, as in arrays. */
  at(index: number): number | undefined
  /** The ids from `start` up to and without `end`; as in arrays, negative places count from the end, and what is past it is left out. */
  slice(start?: number, end?: number): NonSharedUint32Array
  /**
   * The rows of `length` ids from each of `starts` on, one after the other; into `out` when it is given, which must be as long as they are.
   *
   * @throws `ERR_OUT_OF_RANGE` when a row reaches past the last id; nothing is then written.
   */
  gather(starts: Float64Array, length: number, out?: NonSharedUint32Array): NonSharedUint32Array
  /** Reads what {@link TokenStore.gather} will copy into the memory of the system, off the event loop. */
  readAhead(starts: Float64Array, length: number): Promise<void>
  /** {@link TokenStore.gather} off the event loop. */
  gatherAsync(starts: Float64Array, length: number): Promise<NonSharedUint32Array>
  /**
   * Windows of `columns` inputs from each of `starts` on, with the next ids as targets, in one call.
   *
   * @throws `ERR_OUT_OF_RANGE` when a window reaches past the last id; nothing is then written. Also for an id of 2^31 or more, which is no target.
   */
  windows(starts: Float64Array, columns: number, out?: BatchArrays): Batch
  /**
   * Hashes every file of the dataset, of all splits and formats, on all cores.
   *
   * @throws `ERR_CORRUPT_DATASET` names the first file that is not what the manifest says.
   */
  verify(options?: VerifyOptions): Promise<void>
  /** Lets the files go; other calls are then `ERR_DISPOSED`. */
  close(): void
  /** {@link TokenStore.close}. */
  [Symbol.dispose](): void
}

/** Token ids: below 2^31, so that an id is never mistaken for the -100 of ignored targets. */
export type TokenArray = Uint32Array | Uint16Array | readonly number[]

/** Token ids in one row, a list of documents, or a store of them on disk. */
export type TokensOrDocuments = TokenArray | readonly TokenArray[] | TokenStore

/** How {@link PackedDataset} fills windows. */
export interface PackingOptions {
  /** Inputs in one window, at most 2^25: a place takes 17 bytes in its five arrays. */
  readonly contextLength: number
  /**
   * Which window a document goes into, the longest first: the fullest that has room for it, or the first.
   * @default 'bestFit'
   */
  readonly strategy?: 'bestFit' | 'firstFit' | undefined
  /**
   * What a document asks of the model.
   * @default nextToken()
   */
  readonly objective?: Objective | undefined
  /**
   * What windows are padded with.
   * @default 0
   */
  readonly paddingId?: number | undefined
}

/**
 * Whole documents side by side in windows of one length, so that little of a batch is padding.
 *
 * A document longer than a window is cut into several pieces, each of which goes on where the one before ended: no prediction is
 * lost. Samples have `segmentIds` (which piece, from 1; 0 is padding), `positionIds` that start at 0 in each piece and an
 * `attentionMask`; batches have `cuSeqlens` too. A model that looks at them keeps documents apart, as if each were alone.
 */
export declare class PackedDataset implements Dataset {
  #private
  /** Inputs in one window. */
  readonly contextLength: number
  /** What a document asks of the model. */
  readonly objective: Objective
  /** The number of windows. */
  readonly length: number
  /** What windows are padded with. */
  readonly paddingId: number
  /** Places of all windows that are padding. */
  readonly paddedPlaces: number
  /** Documents that were cut, since they are longer than a window. */
  readonly cutDocuments: number
  /** Documents that are in no window: too short to predict anything. */
  readonly droppedDocuments: number
  /** Rows of whole `documents`. @throws `ERR_INVALID_ARGUMENT` when no document predicts anything, or an id or option is wrong. */
  constructor(documents: TokensOrDocuments, options: PackingOptions)
  /**
   * Window `index`.
   * @throws `ERR_OUT_OF_RANGE` when there is no such window.
   */
  get(index: number, options?: SampleOptions): Sample
  /** Windows `indices` as one batch. */
  batch(indices: Float64Array, options?: BatchOptions): Batch
}

/** How far {@link prepare} is. */
export interface PrepareProgress {
  /** Bytes that were read from the inputs, as they are on disk; of Parquet files those of the rows so far, with all columns. */
  readonly bytesRead: number
  /** The bytes of all inputs on disk; standard input counts as 0. */
  readonly bytesTotal: number
  /** Documents that were written. */
  readonly documents: number
  /** Ids that were written. */
  readonly tokens: number
  /** The bytes of their text. */
  readonly textBytes: number
  /** Ids per second since this call began. */
  readonly tokensPerSecond: number
  /** Bytes of text per second since this call began. */
  readonly bytesPerSecond: number
  /** Seconds until the end, at the rate so far; `undefined` while nobody can tell. */
  readonly secondsLeft: number | undefined
}

/** What {@link prepare} makes of which files. */
export interface PrepareOptions {
  /**
   * Paths, `file:` URLs and globs (`*`, `?`, `[a-z]`, `**` for any depth, without links to folders; names that begin with `.` only where the glob does, too), `-` for standard input, in the order in which they are read; the files
   * of a glob are sorted by name. Files may be compressed with gzip or Zstandard.
   */
  readonly inputs: readonly (string | URL)[]
  /** Whose ids are written. What it puts around a whole text, as in BERT's `[CLS]`, is left out: the separator is what tells documents apart. */
  readonly tokenizer: Tokenizer
  /**
   * Special tokens that a document may hold as such. Only for documents whose authors may end a document.
   * @default none
   */
  readonly allowedSpecial?: EncodeOptions['allowedSpecial'] | undefined
  /**
   * Special tokens in a document that are an `ERR_SPECIAL_TOKEN`, which names file and line; those that are in neither option are plain text.
   * @default none
   */
  readonly disallowedSpecial?: EncodeOptions['disallowedSpecial'] | undefined
  /** The folder of the dataset; it is made. */
  readonly outDir: string | URL
  /**
   * What the files hold.
   * @default by the name of each file: `.txt` is 'text', `.jsonl`, `.ndjson` and `.json` are 'jsonl', `.parquet` is 'parquet', also with `.gz` or `.zst` after it
   */
  readonly inputFormat?: InputFormat | undefined
  /**
   * The field of a JSON object, or the column, that is the document.
   * @default 'text'
   */
  readonly field?: string | undefined
  /**
   * In which forms ids are written.
   * @default ['raw']
   */
  readonly format?: DatasetFormat | readonly DatasetFormat[] | undefined
  /**
   * The share of documents that are for validation. Which ones depends on each document and the seed alone, so that files that are added move none. A
   * document is in one split as a whole: of few documents, a split may be empty.
   * @default no validation split
   */
  readonly split?:
    | {
        readonly validation: number
        readonly seed?: number | undefined
      }
    | undefined
  /**
   * The id that is put between documents: the id of end of text, another one, or none.
   * @default the tokenizer's `endOfTextId`; a tokenizer that has none needs a choice
   */
  readonly separator?: number | null | undefined
  /**
   * Whether the separator follows each document or stands before it.
   * @default 'after'
   */
  readonly separatorPosition?: 'before' | 'after' | undefined
  /**
   * Ids in a shard, exactly; the last has fewer. Documents may span shards.
   * @default 100,000,000
   */
  readonly shardTokens?: number | undefined
  /**
   * Leaves documents out whose text came before, byte for byte.
   * @default false
   */
  readonly deduplicate?: boolean | undefined
  /**
   * Bytes of memory for recognizing documents that came before, 16 bytes for each with some room; beyond it they are looked up in a file.
   * @default 256 MiB
   */
  readonly memoryLimit?: number | undefined
  /**
   * The most bytes of a document, or of the line that holds it.
   * @default 256 MB (2^28)
   */
  readonly maxDocumentBytes?: number | undefined
  /**
   * Lines and values that hold no document, and compressed files that are damaged: an error that names file and line, or they are left out and counted.
   * @default 'error'
   */
  readonly onMalformed?: 'error' | 'skip' | undefined
  /**
   * Bytes that are not UTF-8: an error, or the document is left out and counted, or each maximal invalid part becomes U+FFFD.
   * @default 'error'
   */
  readonly onInvalidUtf8?: 'error' | 'skip' | 'replace' | undefined
  /**
   * Documents above `maxDocumentBytes`.
   * @default 'error'
   */
  readonly onTooLarge?: 'error' | 'skip' | undefined
  /**
   * Threads that read and encode. It never changes the result.
   * @default that of {@link setThreads}
   */
  readonly concurrency?: number | undefined
  /**
   * Whether an interrupted call with the same options and inputs goes on where it was; otherwise it begins again.
   * @default true
   */
  readonly resume?: boolean | undefined
  /**
   * Seconds of work that an interruption costs at most.
   * @default 5
   */
  readonly checkpointSeconds?: number | undefined
  /** Called some times a second. What it throws stops the work, as `signal` does. */
  readonly onProgress?: ((progress: PrepareProgress) => void) | undefined
  /** Called with each document that was left out, in words that name file and line; with the first hundred, after the work. */
  readonly onSkipped?: ((message: string) => void) | undefined
  /**
   * Stops the work; the promise is rejected with `signal.reason` when it has ended, soon, also where it waits for a pipe, and the same call goes on later.
   * On Windows a thread that waits for standard input ends only when something comes; the promise does not wait for it.
   */
  readonly signal?: AbortSignal | undefined
}

/**
 * Reads documents, encodes them and writes a dataset that {@link TokenStore} opens. Memory does not grow with the corpus. After any interruption, also `kill -9`, the
 * same call goes on; the files are those of an undisturbed one, whatever the number of threads. The folder is complete when it has a `manifest.json`.
 *
 * ```ts
 * const manifest = await prepare({ inputs: ['corpus/*.jsonl.zst'], tokenizer: getEncoding('gpt2'), outDir: 'data', split: { validation: 0.01 } })
 * manifest.counts.tokens
 * ```
 *
 * @throws `ERR_INVALID_FILE` when an input is not there, cannot be read or is not what its format says; the message names file and line.
 * @throws `ERR_SPECIAL_TOKEN`, `ERR_UNKNOWN_TOKEN` for documents that hold what the tokenizer or `disallowedSpecial` refuses; the message names file and line.
 * @throws `ERR_INVALID_UTF8`, `ERR_LIMIT` for documents that are not UTF-8 or too large, unless they are skipped.
 * @throws `ERR_INVALID_ARGUMENT` for options that cannot be, as a glob that no file matches, a folder among the inputs or a file whose format nothing tells, and when
 * `outDir` holds another dataset.
 */
export declare const prepare: (options: PrepareOptions) => Promise<Manifest>

/** How {@link WindowDataset} cuts tokens into windows. */
export interface WindowOptions {
  /** Inputs in one window, at most 2^27. */
  readonly contextLength: number
  /**
   * Tokens from one window start to the next. At the default no input is in two windows; with less, windows overlap;
   * with more, tokens are skipped.
   * @default contextLength
   */
  readonly stride?: number | undefined
  /**
   * What a window asks of the model.
   * @default nextToken()
   */
  readonly objective?: Objective | undefined
  /**
   * - `'cross'`: the documents are one row of tokens, and windows run over their ends
   * - `'within'`: every window is of one document
   * @default 'cross'
   */
  readonly boundaries?: 'cross' | 'within' | undefined
  /**
   * What becomes of tokens at the end, of each document where windows stay within them, that fill no window:
   *
   * - `'drop'`: they are left out; `droppedTokens` counts them
   * - `'keep'`: they are a window that is padded with `paddingId`, and -100 in its targets; batches then have an `attentionMask`
   * @default 'drop'
   */
  readonly tails?: 'drop' | 'keep' | undefined
  /**
   * What kept tails are padded with.
   * @default 0
   */
  readonly paddingId?: number | undefined
}

/**
 * Sliding windows over token ids, for the next token `ceil((tokens - contextLength) / stride)` of them.
 *
 * Nothing is copied: samples are views of the tokens, so whoever writes into one writes into all that overlap it. Samples of
 * objectives that change tokens, and kept tails, are copies.
 *
 * ```ts
 * const dataset = new WindowDataset(Uint32Array.of(10, 11, 12, 13, 14, 15), { contextLength: 3, stride: 2 })
 * dataset.length // 2
 * dataset.get(1) // { inputs: [12, 13, 14], targets: [13, 14, 15] }
 * ```
 */
export declare class WindowDataset implements Dataset {
  #private
  /** Inputs in one window. */
  readonly contextLength: number
  /** Tokens from one window start to the next. */
  readonly stride: number
  /** What a window asks of the model. */
  readonly objective: Objective
  /** Whether windows run over the ends of documents. */
  readonly boundaries: 'cross' | 'within'
  /** What becomes of tokens that fill no window. */
  readonly tails: 'drop' | 'keep'
  /** What kept tails are padded with. */
  readonly tailPaddingId: number
  /** The number of windows. */
  readonly length: number
  /** Tokens at ends that are in no window. Those that a stride above `contextLength` skips are not counted. */
  readonly droppedTokens: number
  /** Documents of which there is no window. */
  readonly droppedDocuments: number
  /** Has the windows `indices` in memory, off the event loop; there where the tokens are in a store. */
  readonly readAhead?: (indices: Float64Array) => Promise<void>
  /**
   * @param tokens ids below 2^31, a list of documents, or a store. A `Uint32Array` is used in place, other kinds of array are copied; the ids of a
   *   store stay in their files until they are asked for.
   * @throws `ERR_INVALID_ARGUMENT` when there are fewer tokens than one window reads, or an id or option is wrong.
   */
  constructor(tokens: TokensOrDocuments, options: WindowOptions)
  /**
   * Window `index`, its arrays being views of the tokens.
   *
   * @throws `ERR_OUT_OF_RANGE` when there is no such window.
   * @throws `ERR_DISPOSED` when the tokens were transferred to another thread, or their buffer was resized.
   */
  get(index: number, options?: SampleOptions): Sample
  /** Windows `indices` as one batch. */
  batch(indices: Float64Array, options?: BatchOptions): Batch
}

/** The name of an encoding that {@link getEncoding} knows. */
export type EncodingName =
  'gpt2' | 'r50k_base' | 'p50k_base' | 'p50k_edit' | 'cl100k_base' | 'o200k_base' | 'o200k_harmony'

/** All names that {@link getEncoding} knows. */
export declare const encodingNames: readonly EncodingName[]

/**
 * The tokenizer of a published encoding. Its ids equal those of tiktoken. It is read from this package, never from the network, at
 * the first call; later calls give the same object.
 *
 * ```ts
 * getEncoding('o200k_base').encode('hello world') // Uint32Array [24912, 2375]
 * ```
 *
 * @throws `ERR_INVALID_ARGUMENT` when there is no such encoding; the message lists near names.
 */
export declare const getEncoding: (name: EncodingName | (string & {})) => BpeTokenizer

/** Where the texts of a training come from. */
export type TrainSource =
  /**
   * Files: paths, `file:` URLs, and globs (`*`, `?`, `[a-z]`, `**` for any depth, without links to folders; names that begin with `.` only where the glob
   * does, too). A URL is no glob.
   */
  | readonly (string | URL)[]
  | {
      /** The texts themselves; each is a text of its own. Strings, or bytes that are UTF-8. */
      readonly texts: (Iterable<Text> & object) | AsyncIterable<Text>
    }

/** How texts of a training are read, and how it is stopped. */
export interface TrainSourceOptions {
  /**
   * What the files hold: `'text'` one text each, `'lines'` a text per line, without its line end, `'jsonl'` a text per line in a field of a JSON object,
   * `'parquet'` a text per row; each may be packed by gzip or Zstandard. `'auto'` goes by their names. `{ texts }` have no other.
   * @default 'auto'
   */
  readonly format?: 'auto' | 'text' | 'lines' | 'jsonl' | 'parquet' | undefined
  /**
   * The field or column of files with the text.
   * @default 'text'
   */
  readonly field?: string | undefined
  /**
   * What bytes that are not UTF-8 are: `'strict'` an `ERR_INVALID_UTF8`, `'replace'` U+FFFD for each maximal invalid part.
   * @default 'strict'
   */
  readonly utf8?: 'replace' | 'strict' | undefined
  /** Stops the training; the promise is rejected with `signal.reason`. */
  readonly signal?: AbortSignal | undefined
}

/** What a training has read. */
export interface TrainSourceProgress {
  /** Texts that were taken. */
  readonly texts: number
  /** Their bytes, as UTF-8. */
  readonly bytes: number
  /** Bytes that were read from files, as they are on disk; of Parquet files those of the rows so far, with all columns. */
  readonly bytesRead: number
  /** Bytes that there are to read; 0 when the source is not files. */
  readonly bytesToRead: number
}

/** What {@link trainBpe} makes, and how. */
export interface TrainBpeOptions extends TrainSourceOptions {
  /**
   * How many tokens: the special ones, the 256 bytes, and those that merges make. There are fewer when the texts have no more pairs that are
   * frequent enough: `training.missing` of the tokenizer says how many.
   */
  readonly vocabSize: number
  /**
   * How texts are split into pieces, over whose ends nothing is merged: by the name of a pattern, also `'llama3'`, `'qwen2'` and others, or by a regular
   * expression of your own, in the syntax of Rust's `fancy-regex`. Text between two matches is a piece too.
   * @default 'gpt2'
   */
  readonly pattern?: 'gpt2' | 'cl100k' | 'o200k' | 'llama3' | 'qwen2' | (string & {}) | undefined
  /**
   * They get the ids from 0 on, in this order. Where they stand in the texts of the training they are plain text.
   * @default []
   */
  readonly specialTokens?: readonly string[] | undefined
  /**
   * Pairs that stand in the texts less often are not merged.
   * @default 1
   */
  readonly minFrequency?: number | undefined
  /**
   * Tokens of more than two bytes are shorter than this, in bytes: the `max_token_length` of Hugging Face's trainer, which is exclusive.
   * @default none, but no token has more than 4096 bytes
   */
  readonly maxTokenLength?: number | undefined
  /**
   * Bytes of memory for counts of pieces and for their merging. What does not fit goes to temporary files; nothing is dropped, and the result is the
   * same.
   * @default 2 ** 30
   */
  readonly memoryLimit?: number | undefined
  /**
   * The folder for temporary files. They have no name there, and are gone when the training or the process ends. One that is named must be there, and be
   * writable, also when nothing comes to it.
   * @default os.tmpdir()
   */
  readonly tempDir?: string | undefined
  /**
   * The name of the tokenizer.
   * @default 'trainBpe'
   */
  readonly name?: string | undefined
  /** Is called some times a second, and at the end of each phase. What it throws stops the training. */
  readonly onProgress?: ((progress: TrainProgress) => void) | undefined
}

/** How far a training is. */
export interface TrainProgress extends TrainSourceProgress {
  /** `'count'`: texts are read and their pieces counted. `'merge'`: tokens are made. */
  readonly phase: 'count' | 'merge'
  /** Merges that were made. */
  readonly merges: number
  /** Merges that `vocabSize` asks for. */
  readonly mergesToMake: number
}

/** What a training was made of. */
export interface TrainSummary {
  /** Texts. */
  readonly texts: number
  /** Bytes of all texts. */
  readonly bytes: number
  /** Distinct pieces of all texts. */
  readonly pieces: number
  /** Merges: tokens that are neither special nor single bytes. */
  readonly merges: number
  /** How many tokens fewer there are than `vocabSize` asked for. */
  readonly missing: number
}

/** A tokenizer that {@link trainBpe} has made. */
export declare class TrainedTokenizer extends BpeTokenizer {
  protected constructor()
  /** What it was made of. */
  readonly training: TrainSummary
}

/**
 * Trains a byte-level BPE tokenizer on all cores. The merges are those of Hugging Face's `BpeTrainer` with the byte-level alphabet and the same
 * settings, ties included: of pairs that are equally frequent, the one whose left token has the smaller id is merged first, then the one whose right
 * token has. They depend neither on the number of threads nor on the order of the texts nor on the memory.
 *
 * Ids are given to the special tokens first, then to the 256 bytes, then to merged tokens in the order in which they are made.
 *
 * ```ts
 * const tokenizer = await trainBpe({ texts: ['low low low lower lowest'] }, { vocabSize: 260 })
 * tokenizer.encode('lowest')
 * ```
 *
 * @param source paths and globs of files, or `{ texts }`. No piece goes from one text into another.
 * @throws `ERR_INVALID_ARGUMENT`, `ERR_INVALID_FILE`, `ERR_INVALID_UTF8`; `ERR_LIMIT` when a limit or the disk for temporary files is reached.
 */
export declare const trainBpe: (source: TrainSource, options: TrainBpeOptions) => Promise<TrainedTokenizer>

/** All models that {@link encodingForModel} knows by name; it knows families of dated and fine-tuned models besides. */
export declare const modelNames: readonly string[]

/**
 * The tokenizer of a model of OpenAI, as tiktoken's `encoding_for_model`.
 *
 * ```ts
 * encodingForModel('gpt-4o').name // 'o200k_base'
 * ```
 *
 * @throws `ERR_INVALID_ARGUMENT` when the model is not known; the message lists near names. No encoding is guessed.
 */
export declare const encodingForModel: (model: string) => BpeTokenizer

/**
 * Where to compute:
 *
 * - `'auto'`: a CUDA device where there is one that can do it, else the processor
 * - `'cpu'`: the processor
 * - `'cuda'`, `{ cuda: n }`: the first CUDA device, or number n, of the package `tokenmill-cuda-linux-x64-gnu`, which is added by name;
 *   `ERR_DEVICE` says what is missing for it
 */
export type Device =
  | 'auto'
  | 'cpu'
  | 'cuda'
  | {
      readonly cuda: number
    }

/** The device that something is on. */
export type DeviceName = 'cpu' | `cuda:${number}`

/** A device that can be used, or a kind of device that cannot. */
export type DeviceInfo =
  | {
      readonly kind: 'cpu'
      readonly available: true
      /** Hardware threads. */
      readonly cores: number
      /** Vector extensions of the processor, such as `avx2` and `fma`. */
      readonly features: readonly string[]
    }
  | {
      readonly kind: 'cuda'
      readonly available: true
      /** What `{ cuda: index }` names. */
      readonly index: number
      /** Its name by its maker. */
      readonly name: string
      /** Memory in bytes. */
      readonly memory: number
      /** Compute capability, such as `'9.0'`. */
      readonly computeCapability: string
    }
  | {
      readonly kind: 'cuda'
      readonly available: false
      /** What is missing, and what to do. */
      readonly reason: string
    }

/**
 * What this machine and this installation can compute on: the processor, then each CUDA device, or why there is none. It loads the package with
 * CUDA where that is installed.
 */
export declare const devices: () => readonly DeviceInfo[]

/**
 * The type of the numbers in a table or tensor:
 *
 * - `'f32'`: 32-bit floats, as `Float32Array`
 * - `'bf16'`: the upper half of a 32-bit float, whose bits are in a `Uint16Array`
 * - `'f16'`: 16-bit floats of IEEE 754, whose bits are in a `Uint16Array`
 *
 * Sums are computed in 32 bits whatever it is, and rounded to the nearest number of the type, ties to even.
 */
export type DType = 'f32' | 'bf16' | 'f16'

/** The array that holds numbers of a type. */
export type Values = NonSharedFloat32Array | NonSharedUint16Array

/** Which tokenizer it is: all tokenizers, and what manifests say of them, are one. */
export type TokenizerIdentity = Pick<Tokenizer, 'name' | 'fingerprint'>

/** A row-sparse gradient: row `ids[i]` of the table has row `i` of `values`, and all others have none. */
export interface RowGradient {
  /** Ascending. */
  readonly ids: NonSharedUint32Array
  /** As many values per row as the table has. */
  readonly values: NonSharedFloat32Array
}

/**
 * A table of an embedding that training changes, and its gradient. It reads the table as it is now; it holds no copy.
 *
 * When the embedding is disposed or gets other tables by `resize`, everything but name, shape and type throws `ERR_DISPOSED`.
 */
export declare class Parameter {
  #private
  /** Its name in files. */
  readonly name: string
  /** Rows and values per row; of a vector, its values. */
  readonly shape: readonly number[]
  /** The type of the values. Gradients are 32-bit floats. */
  readonly dtype: DType
  /** Where the values are. */
  readonly device: DeviceName
  private constructor()
  /**
   * A copy of the values, row after row, made off the event loop: a `Float32Array`, or the bits of `bf16` and `f16` values in a
   * `Uint16Array`.
   * @throws `ERR_DISPOSED` when the embedding was disposed.
   */
  data(): Promise<Values>
  /**
   * {@link Parameter.data}, at once.
   * @throws `ERR_DISPOSED` when the embedding was disposed.
   */
  dataSync(): Values
  /**
   * A copy of the values as 32-bit floats, whatever {@link Parameter.dtype} is.
   * @throws `ERR_DISPOSED` when the embedding was disposed.
   */
  toFloat32(): NonSharedFloat32Array
  /**
   * Gives it these values, row after row, each rounded to its type. A padding row stays zero.
   * @throws `ERR_DISPOSED` when the embedding was disposed; `ERR_BUSY` while it is saved, or changed by a step off the event loop.
   */
  set(values: Float32Array): void
  /**
   * A copy of the gradient: the sum of those of all backward passes since `zeroGrad`, or `undefined` when there was none.
   * @throws `ERR_DISPOSED` when the embedding was disposed.
   */
  grad(): RowGradient | undefined
  /** Whether backward passes give it a gradient, and steps change it. Set it to `false` to freeze the parameter. */
  get trainable(): boolean
  set trainable(trainable: boolean)
}

/**
 * Numbers in a shape, in native memory. {@link Tensor.dispose} frees it, and so does the end of a `using` block. A tensor
 * that is only forgotten is freed after the garbage collector has found it: between turns of the event loop, and one of a megabyte or more also by the next
 * `forward`. The embedding that made it uses the memory again for its next output.
 *
 * After `dispose`, reading values throws `ERR_DISPOSED`; `shape`, `dtype` and `device` stay.
 */
export declare class Tensor {
  #private
  /** The size of each dimension; the last one is the fastest in {@link Tensor.dataSync}. */
  readonly shape: readonly number[]
  /** The type of the values. */
  readonly dtype: DType
  /** Where the values are. */
  readonly device: DeviceName
  private constructor()
  /**
   * A copy of the values, row after row, made off the event loop: a `Float32Array`, or the bits of `bf16` and `f16` values in a
   * `Uint16Array`.
   */
  data(): Promise<Values>
  /** {@link Tensor.data}, at once. */
  dataSync(): Values
  /** A copy of the values as 32-bit floats, whatever {@link Tensor.dtype} is. */
  toFloat32(): NonSharedFloat32Array
  /** Whether the memory was freed. */
  get disposed(): boolean
  /** Frees the memory, and what was recorded for a backward pass. The second call does nothing. */
  dispose(): void
  /** {@link Tensor.dispose}, for `using`. */
  [Symbol.dispose](): void
}

/** Token ids: each the number of a row. */
export type TokenIds = Uint32Array | readonly number[]

/** What an embedding reads of a batch of a `DataLoader`. */
export interface BatchInputs {
  /** Token ids, row after row. */
  readonly inputs: Uint32Array
  /** Rows, and ids in each row. */
  readonly shape: readonly number[]
  /** The place of each input in its document, where rows hold several. */
  readonly positionIds?: Uint32Array | undefined
}

/** Where a table is and of what type. */
export interface TableOptions {
  /**
   * Where to compute.
   * @default 'auto'
   */
  readonly device?: Device | undefined
  /**
   * The type of the values.
   * @default 'f32'
   */
  readonly dtype?: DType | undefined
}

/** How a table is trained. */
export interface LearningOptions {
  /**
   * An id whose row is zeros and has no gradient.
   * @default none
   */
  readonly paddingId?: number | undefined
  /**
   * Whether backward passes give the table a gradient, and steps change it; `parameters()[0].trainable` says so later.
   * @default true
   */
  readonly trainable?: boolean | undefined
}

/** Whose ids a table is for. */
export interface MadeForOptions {
  /** The tokenizer whose ids the table is for. Safetensors files keep its name and fingerprint, and `load` compares them. */
  readonly tokenizer?: TokenizerIdentity | undefined
}

/** A table of given values. */
export interface EmbeddingSize extends TableOptions, LearningOptions, MadeForOptions {
  /** Rows: ids are 0 to count - 1. */
  readonly count: number
  /** Values per row. */
  readonly dimensions: number
}

/** A table of initial values. */
export interface EmbeddingOptions extends EmbeddingSize {
  /**
   * How rows start: `'normal'` is N(0, 1), `{ std }` a normal distribution with that standard deviation.
   * @default 'normal'
   */
  readonly init?:
    | 'normal'
    | 'zeros'
    | {
        readonly std: number
      }
    | undefined
  /**
   * The seed of the initial values. The same seed gives the same values on every machine.
   * @default 0
   */
  readonly seed?: number | undefined
}

/** How {@link Embedding.forward} reads ids. */
export interface LookupOptions {
  /**
   * The shape of the ids. A batch has its own.
   * @default [ids.length]
   */
  readonly shape?: readonly number[] | undefined
}

/**
 * A table of one row per id, like torch's `nn.Embedding`.
 *
 * After {@link Embedding.dispose}, everything but its sizes throws `ERR_DISPOSED`.
 */
export declare class Embedding {
  #private
  /** Rows: ids are 0 to count - 1. */
  readonly count: number
  /** Values per row. */
  readonly dimensions: number
  /** The type of the values. */
  readonly dtype: DType
  /** Where the table is. */
  readonly device: DeviceName
  /** The tokenizer whose ids it is for, when whoever made it said so, or its file does. */
  readonly tokenizer: TokenizerIdentity | undefined
  private constructor()
  /**
   * A table of initial values.
   * @throws `ERR_LIMIT` when the table does not fit into memory.
   */
  static create(options: EmbeddingOptions): Embedding
  /** {@link Embedding.create} off the event loop. */
  static createAsync(options: EmbeddingOptions): Promise<Embedding>
  /** A table of the values `data`, row after row, which are copied, and rounded to the type of the table. */
  static fromArray(data: Float32Array | readonly number[], size: EmbeddingSize): Embedding
  /**
   * Reads a table, whose values are rounded to `dtype`; in `'f32'`, the default, that loses nothing. A name that ends in `.npy` is a
   * matrix of `float32` or `float16` that numpy saved. Any other is safetensors, and the table the matrix `key` of F32, F16 or BF16 values: a
   * file, a `model.safetensors.index.json` of several, or the folder of one of these.
   * @throws `ERR_INVALID_FILE` says what is wrong with the file; `ERR_LIMIT` when a table does not fit into memory;
   * `ERR_OUT_OF_RANGE` when the padding row does not exist; `ERR_INVALID_ARGUMENT` when the file says that it was made for another tokenizer than
   * `options.tokenizer`.
   */
  static load(
    path: string | URL,
    key?: string,
    options?: TableOptions & LearningOptions & MadeForOptions,
  ): Promise<Embedding>
  /**
   * The rows of `ids`, as a tensor of the shape of the ids and then `dimensions`. With `out`, they are written into that
   * array, which is returned, and nothing is recorded for {@link Embedding.backward}: a `Float32Array`, or for the bits of halves a
   * `Uint16Array`.
   * @throws `ERR_OUT_OF_RANGE` names the first id that is not in the table.
   */
  forward<Out extends Values>(
    ids: BatchInputs | TokenIds,
    options: LookupOptions & {
      readonly out: Out
    },
  ): Out
  forward(ids: BatchInputs | TokenIds, options?: LookupOptions): Tensor
  /** {@link Embedding.forward} off the event loop. The ids are copied first. */
  forwardAsync(input: BatchInputs | TokenIds, options?: LookupOptions): Promise<Tensor>
  /**
   * Adds to the gradient of the table what `grad`, the gradient of `output`, makes of it. Each output of {@link Embedding.forward} can
   * be used once.
   * @throws `ERR_INVALID_ARGUMENT` for an output of another embedding, for the second time, and for a gradient of another size; nothing
   * is changed then.
   */
  backward(output: Tensor, grad: Tensor | Float32Array): void
  /** The table, named `weight`. */
  parameters(): readonly Parameter[]
  /**
   * Writes the table under the name `key` into a safetensors file; or, when the name of the file ends in `.npy`, as numpy saves a matrix.
   * It replaces an older file in one step, so that nobody ever reads half of it. Steps of optimisers wait until it is written, or are `ERR_BUSY`.
   * @throws `ERR_INVALID_FILE` when the file cannot be written; numpy has no `bf16`.
   */
  save(path: string | URL, key?: string): Promise<void>
  /** Whether the memory was freed. */
  get disposed(): boolean
  /** Frees the table. Tensors that came out of it stay. The second call does nothing. */
  dispose(): void
  /** {@link Embedding.dispose}, for `using`. */
  [Symbol.dispose](): void
}

/**
 * How the position of a token enters its embedding:
 *
 * - `'learned'`: a trained row per position is added (GPT-2)
 * - `'sinusoidal'`: a fixed row of sines and cosines per position is added (Vaswani et al., "Attention Is All You Need", 2017)
 * - `'none'`: nothing is added
 */
export type Position = 'learned' | 'sinusoidal' | 'none'

/** What an {@link InputEmbedding} is made of. */
export interface InputEmbeddingOptions extends TableOptions {
  /** Rows of the token table: ids are 0 to vocabSize - 1. */
  readonly vocabSize: number
  /** Positions: the most tokens of one row of input. */
  readonly contextLength: number
  /** Values per token. */
  readonly dimensions: number
  /**
   * How the position of a token enters.
   * @default 'learned'
   */
  readonly position?: Position | undefined
  /**
   * Factor of the token rows before positions are added: `true` is √dimensions (Vaswani et al.,
   * section 3.4), `false` is 1.
   * @default false
   */
  readonly scale?: boolean | number | undefined
  /**
   * Rows of a table of token types, which is added too: BERT has 2, and tells two sentences apart by them. 0 is no such table.
   * @default 0
   */
  readonly tokenTypes?: number | undefined
  /**
   * Whether the sum is normalised (Ba, Kiros and Hinton, "Layer Normalization", 2016), as in BERT; `true` is `{ epsilon: 1e-5 }`, as in
   * torch, and BERT has 1e-12.
   * @default false
   */
  readonly layerNorm?:
    | boolean
    | {
        readonly epsilon: number
      }
    | undefined
  /**
   * Dropout rate in training; the other values are scaled by 1 / (1 - dropout). At least 0 and less than 1.
   * @default 0
   */
  readonly dropout?: number | undefined
  /**
   * An id whose row of the token table is zeros and has no gradient.
   * @default none
   */
  readonly paddingId?: number | undefined
  /**
   * Random seed of the initial values, which are N(0, 0.02) as in GPT-2, and of dropout. The same seed gives the same
   * values on every machine.
   * @default 0
   */
  readonly seed?: number | undefined
  /** The tokenizer whose ids it is for. Files keep its name and fingerprint, and {@link InputEmbedding.load} compares them. */
  readonly tokenizer?: TokenizerIdentity | undefined
}

/** How {@link InputEmbedding.load} reads. */
export interface InputEmbeddingLoadOptions extends TableOptions {
  /** The tokenizer whose ids are to be read. Weights that are known to be made for another one are refused. */
  readonly tokenizer?: TokenizerIdentity | undefined
}

/** How {@link InputEmbedding.forward} reads ids. */
export interface ForwardOptions extends LookupOptions {
  /**
   * The position of the first id of each row: what was read before it, when a text is read in pieces.
   * @default 0
   */
  readonly positionOffset?: number | undefined
  /**
   * The position of each id, where a row holds several texts. A batch of packed documents has its own.
   * @default positionOffset and the following, along each row
   */
  readonly positionIds?: Uint32Array | undefined
  /**
   * The type of each id, of an embedding with `tokenTypes`.
   * @default 0 for all
   */
  readonly typeIds?: Uint32Array | undefined
  /**
   * Whether dropout is applied. Each such pass has another mask, made from the seed and the number of passes before, which `save` keeps.
   * @default false
   */
  readonly training?: boolean | undefined
}

/** How {@link InputEmbedding.save} writes. */
export interface SaveOptions {
  /**
   * What the tables are called: `'gpt2'` is `wte.weight` and `wpe.weight`, `'bert'` is `bert.embeddings.word_embeddings.weight` and so on.
   * @default 'gpt2'
   */
  readonly names?: 'gpt2' | 'bert' | undefined
}

/** How {@link InputEmbedding.resize} makes new rows. */
export interface ResizeOptions {
  /**
   * The seed of the new rows: they are what `create` with this seed would give them.
   * @default the seed of the embedding; 0 when it was loaded from a file that has none, which is one without dropout
   */
  readonly seed?: number | undefined
}

/**
 * What a language model reads: a row of a token table plus a row of a position table,
 * `out[b, t] = scale * token[ids[b, t]] + position[positionOffset + t]`. Where asked for, rows of token types are added, the sum is
 * normalised, and in training values are left out.
 *
 * After {@link InputEmbedding.dispose}, everything but its sizes throws `ERR_DISPOSED`.
 */
export declare class InputEmbedding {
  #private
  /** Positions: the most tokens of one row of input. */
  readonly contextLength: number
  /** Values per token. */
  readonly dimensions: number
  /** How the position of a token enters. */
  readonly position: Position
  /** Factor of the token rows, as a 32-bit float. */
  readonly scale: number
  /** Rows of the table of token types; 0 where there is none. */
  readonly tokenTypes: number
  /** Dropout rate in training. */
  readonly dropout: number
  /** The type of the values. */
  readonly dtype: DType
  /** Where the tables are. */
  readonly device: DeviceName
  private constructor()
  /** Rows of the token table. */
  get vocabSize(): number
  /** The tokenizer whose ids it is for, when whoever made it said so. After {@link InputEmbedding.resize} it is not known. */
  get tokenizer(): TokenizerIdentity | undefined
  /**
   * Tables of initial values.
   * @throws `ERR_LIMIT` when the tables do not fit into memory.
   */
  static create(options: InputEmbeddingOptions): InputEmbedding
  /** {@link InputEmbedding.create} off the event loop. */
  static createAsync(options: InputEmbeddingOptions): Promise<InputEmbedding>
  /**
   * Reads what {@link InputEmbedding.save} wrote, or the tables of a GPT-2 or a BERT in safetensors, by their names, with and without
   * the prefix of the whole model: positions of such files are learned, and nothing is scaled; those of BERT have token types, and a
   * normalisation. `path` is a file, a `model.safetensors.index.json` of several, or the folder of one of these. Values are rounded to `dtype`; in `'f32'`, the default, that loses nothing.
   * @throws `ERR_INVALID_FILE` says what is wrong with the file; `ERR_LIMIT` when a table does not fit into memory; `ERR_INVALID_ARGUMENT` when the
   *   file says that it was made for another tokenizer than `options.tokenizer`.
   */
  static load(path: string | URL, options?: InputEmbeddingLoadOptions): Promise<InputEmbedding>
  /**
   * The embeddings of a batch or of ids, as a tensor of the shape of the ids and then `dimensions`. The last size of the
   * shape is the row of input along which positions count. With `out`, they are written into that array, which is returned, and nothing
   * is recorded for {@link InputEmbedding.backward}: a `Float32Array`, or for the bits of halves a `Uint16Array`.
   * @throws `ERR_OUT_OF_RANGE` names the first id that is not in the table, or says how long a row can be.
   */
  forward<Out extends Values>(
    input: BatchInputs | TokenIds,
    options: ForwardOptions & {
      readonly out: Out
    },
  ): Out
  forward(input: BatchInputs | TokenIds, options?: ForwardOptions): Tensor
  /** {@link InputEmbedding.forward} off the event loop. The ids are copied first. */
  forwardAsync(input: BatchInputs | TokenIds, options?: ForwardOptions): Promise<Tensor>
  /**
   * Adds to the gradients of the parameters what `grad`, the gradient of `output`, makes of them. Each output of
   * {@link InputEmbedding.forward} can be used once.
   * @throws `ERR_INVALID_ARGUMENT` for an output of another embedding, for the second time, for a gradient of another size, and where sums
   * that were normalised are of tables that have changed since; `ERR_DISPOSED` when the tables were replaced. Nothing is changed then.
   */
  backward(output: Tensor, grad: Tensor | Float32Array): void
  /**
   * What training changes, named as in GPT-2 and BERT: `wte.weight`, `wpe.weight` when positions are learned,
   * `token_type_embeddings.weight` with token types, `LayerNorm.weight` and `LayerNorm.bias` with a normalisation.
   */
  parameters(): readonly Parameter[]
  /**
   * Changes the number of tokens. Rows of ids that stay keep their values. All parameters from before, gradients and optimisers of them are
   * gone: they throw `ERR_DISPOSED`.
   * @throws `ERR_LIMIT` when the table does not fit into memory, `ERR_OUT_OF_RANGE` when the padding row would go, `ERR_BUSY` while the embedding
   * is saved, or changed by a step off the event loop; nothing is changed then.
   */
  resize(vocabSize: number, options?: ResizeOptions): void
  /**
   * Writes the parameters, as they are between two steps, and how they are used, into a safetensors file. It replaces an older file in one
   * step, so that nobody ever reads half of it. Steps of optimisers wait until it is written, or are `ERR_BUSY`.
   * @throws `ERR_INVALID_FILE` when the file cannot be written.
   */
  save(path: string | URL, options?: SaveOptions): Promise<void>
  /** Whether the memory was freed. */
  get disposed(): boolean
  /** Frees the tables. Tensors that came out of them stay. The second call does nothing. */
  dispose(): void
  /** {@link InputEmbedding.dispose}, for `using`. */
  [Symbol.dispose](): void
}

/**
 * The slopes of attention with linear biases (Press et al., "Train short, test long", 2022): the score of head `h` between a query and a
 * key that is `n` positions before it is made smaller by `n * slopes[h]`. They are `2 ** (-8 / heads)` and its powers; where `heads` is no
 * power of two, in the order of the paper's code, which is also that of BLOOM.
 */
export declare const alibiSlopes: (heads: number) => NonSharedFloat32Array

/** Checkpoints of a training, to resume after an interruption. */
export interface TrainingCheckpoint {
  /** A safetensors file; it also is what `InputEmbedding.load` reads. */
  readonly path: string | URL
  /**
   * Steps between two checkpoints. One more is written at the end, and when the training is stopped by its signal.
   * @default 1000
   */
  readonly everySteps?: number | undefined
  /**
   * Whether to resume from an existing file. With `false` it is replaced.
   * @default true
   */
  readonly resume?: boolean | undefined
}

/** How far a training is. */
export interface EmbeddingTrainingProgress {
  /** Steps that were made. */
  readonly step: number
  /** All steps. */
  readonly steps: number
  /** The epoch of the last batch, from 0. */
  readonly epoch: number
  /** Targets that were learned from. */
  readonly targets: number
  /** Mean loss of the targets since the previous report, in nats; `NaN` when there was none. */
  readonly loss: number
  /** Learning rate of the last step. */
  readonly learningRate: number
  /** Mean loss of the validation dataset, when it was just measured. */
  readonly validationLoss?: number
}

/** What {@link trainEmbedding} trains, and how. */
export interface TrainEmbeddingOptions {
  /**
   * What is predicted:
   *
   * - `'nextToken'`: the next token, from those before it (GPT); for a dataset of `nextToken()`
   * - `'masked'`: masked tokens, from both sides (BERT); for a dataset of `maskedTokens()`
   */
  readonly objective: 'nextToken' | 'masked'
  /** Rows of the token table: ids are 0 to vocabSize - 1. */
  readonly vocabSize: number
  /** Values per token. */
  readonly dimensions: number
  /**
   * Positions: the most tokens of one row of input.
   * @default those of the first sample
   */
  readonly contextLength?: number | undefined
  /**
   * How the position of a token enters.
   * @default 'learned'
   */
  readonly position?: Position | undefined
  /**
   * Dropout rate.
   * @default 0
   */
  readonly dropout?: number | undefined
  /**
   * Context tokens on each side that a token is predicted from (with `'nextToken'`, only those before it).
   * @default 8, or contextLength where that is less
   */
  readonly neighbours?: number | undefined
  /**
   * Candidates per sampled-softmax step, drawn by frequency, instead of the whole vocabulary: for large vocabularies.
   * @default 'all' up to 8192 ids, else 4096
   */
  readonly candidates?: number | 'all' | undefined
  /**
   * Samples per step.
   * @default 32
   */
  readonly batchSize?: number | undefined
  /**
   * Passes over the dataset.
   * @default 1
   */
  readonly epochs?: number | undefined
  /**
   * Peak learning rate: linear warmup over the first 5 % of the steps, then linear decay to 0.
   * @default 0.003
   */
  readonly learningRate?: number | undefined
  /**
   * Decoupled weight decay of AdamW.
   * @default 0.01
   */
  readonly weightDecay?: number | undefined
  /** The validation dataset, of the same objective. */
  readonly validation?: Dataset | undefined
  /**
   * Steps between two validations; one more is made at the end.
   * @default at the end only
   */
  readonly validateEverySteps?: number | undefined
  /**
   * Random seed of the initial weights, the order of the samples, dropout and candidates.
   * @default 0
   */
  readonly seed?: number | undefined
  /** The tokenizer of the dataset. Checkpoints and files of the embedding keep its name and fingerprint: see `InputEmbedding.load`. */
  readonly tokenizer?: TokenizerIdentity | undefined
  /** Where checkpoints are written. */
  readonly checkpoint?: TrainingCheckpoint | undefined
  /** Stops the training after the step that is under way; the promise is rejected with `signal.reason`. */
  readonly signal?: AbortSignal | undefined
  /** Is called some times a second, and with each measured loss. What it throws stops the training. */
  readonly onProgress?: ((progress: EmbeddingTrainingProgress) => void) | undefined
}

/** What {@link trainEmbedding} has made. Losses are means, in nats. */
export interface EmbeddingTraining {
  /** The trained embedding. */
  readonly embedding: InputEmbedding
  /** Steps that were made, in all parts of an interrupted training. */
  readonly steps: number
  /** Targets that were learned from. */
  readonly targets: number
  /** The loss over the last epoch, as it was before each step; `NaN` when hiding tokens left that without a target. */
  readonly loss: number
  /** The loss of the validation dataset, when there is one. */
  readonly validationLoss?: number
  /**
   * The loss, on the validation dataset or else the dataset, of a unigram model: ids predicted by their frequency in the dataset alone, and ids that
   * only the validation dataset has by the share of those that the dataset has once.
   */
  readonly frequencyLoss: number
}

/**
 * Trains an embedding with a small model: a token is predicted from a weighted sum of the embeddings of its neighbours, and the logit of an id
 * is the product of that sum and the id's own row of the token table (tied weights). What is learned is thus nearly all in the embedding: ids
 * of similar contexts get similar rows. The same seed gives the same weights on the same machine with one thread.
 *
 * ```ts
 * const { embedding, validationLoss } = await trainEmbedding(dataset, { objective: 'nextToken', vocabSize, dimensions: 64, validation })
 * ```
 *
 * @throws `ERR_INVALID_ARGUMENT` when an option is wrong or does not fit the dataset, and when a dataset has no target; `ERR_OUT_OF_RANGE` for an id that is not below `vocabSize`;
 *   `ERR_INVALID_FILE` when the checkpoint is that of another training (of other options, for another tokenizer, or of a dataset with other frequencies of ids; `epochs`,
 *   `learningRate`, `batchSize` and `validation` may change); `ERR_LIMIT` when there is not enough memory.
 */
export declare const trainEmbedding: (dataset: Dataset, options: TrainEmbeddingOptions) => Promise<EmbeddingTraining>

/** How the frequencies of a model are changed, so that it reads more positions than it was first trained with. */
export type RopeScaling =
  /** All are divided by `factor` (Chen et al., "Extending context window … via positional interpolation", 2023). */
  | {
      readonly type: 'linear'
      readonly factor: number
    }
  /** Llama 3.1's: only slow ones are divided. */
  | {
      readonly type: 'llama3'
      readonly factor: number
      /**
       * Pairs that turn less often in the original context are divided by all of `factor`.
       * @default 1
       */
      readonly lowFrequency?: number | undefined
      /**
       * Pairs that turn more often are left alone.
       * @default 4
       */
      readonly highFrequency?: number | undefined
      /** Positions that the model was first trained with. */
      readonly originalContextLength: number
    }
  /** Peng et al., "YaRN", 2023. */
  | {
      readonly type: 'yarn'
      readonly factor: number
      /**
       * Pairs that turn more often in the original context are left alone.
       * @default 32
       */
      readonly betaFast?: number | undefined
      /**
       * Pairs that turn less often are divided by all of `factor`.
       * @default 1
       */
      readonly betaSlow?: number | undefined
      /** Positions that the model was first trained with. */
      readonly originalContextLength: number
      /**
       * Whether the first and the last pair that is divided in part are whole ones, as in the code of the paper; gpt-oss has `false`.
       * @default true
       */
      readonly truncate?: boolean | undefined
      /**
       * Factor of all values.
       * @default 0.1 ln(factor) + 1
       */
      readonly attentionFactor?: number | undefined
    }

/** What a {@link ropeTable} is made of. */
export interface RopeTableOptions {
  /** Rows: positions. */
  readonly contextLength: number
  /** The dimensions of a head that are turned, two at a time; even. */
  readonly headDimensions: number
  /**
   * Pair `i` turns by `base ** (-2 * i / headDimensions)` radians for each position; above 1.
   * @default 10000
   */
  readonly base?: number | undefined
  /**
   * The position of the first row.
   * @default 0
   */
  readonly positionOffset?: number | undefined
  /**
   * How the model was stretched over more positions than it was first trained with.
   * @default none
   */
  readonly scaling?: RopeScaling | undefined
}

/** Cosines and sines of angles, row after row. */
export interface RopeTable {
  /** Cosines. */
  readonly cos: NonSharedFloat32Array
  /** Sines. */
  readonly sin: NonSharedFloat32Array
  /** Rows, which are positions, and columns, one for each pair of dimensions. */
  readonly shape: readonly [contextLength: number, pairs: number]
}

/**
 * The table of rotary positions (Su et al., "RoFormer", 2021): `cos` and `sin` of `(positionOffset + row) * base ** (-2 * pair / headDimensions)`,
 * computed in 64-bit floats and rounded once. Attention turns pair `(x, y)` of queries and keys to
 * `(x * cos - y * sin, x * sin + y * cos)`; in Llama and GPT-NeoX pair `i` is of dimensions `i` and `i + headDimensions / 2`, in GPT-J and the
 * paper of `2 * i` and `2 * i + 1`.
 *
 * @throws `ERR_INVALID_ARGUMENT` names the option that is wrong; `ERR_LIMIT` when the table does not fit into memory.
 */
export declare const ropeTable: (options: RopeTableOptions) => RopeTable

/** What both rules have. */
export interface OptimizerOptions {
  /** Learning rate. */
  readonly learningRate: number
  /**
   * Whether a step updates rows without a gradient too, as torch's dense optimisers do: their moments decay, their weights decay, and the
   * moments still move them. Without it a step costs no more than the rows that were looked up.
   * @default false
   */
  readonly dense?: boolean | undefined
}

/** Options of {@link Optimizer.adamW}. */
export interface AdamWOptions extends OptimizerOptions {
  /**
   * Decay rates (β1, β2) of the moment estimates, each at least 0 and less than 1.
   * @default [0.9, 0.999]
   */
  readonly betas?: readonly [number, number] | undefined
  /**
   * Added to the denominator for numerical stability.
   * @default 1e-8
   */
  readonly epsilon?: number | undefined
  /**
   * Decoupled weight decay.
   * @default 0.01
   */
  readonly weightDecay?: number | undefined
}

/** Options of {@link Optimizer.sgd}. */
export interface SgdOptions extends OptimizerOptions {
  /**
   * Momentum factor.
   * @default 0
   */
  readonly momentum?: number | undefined
  /**
   * Weight decay (L2 penalty).
   * @default 0
   */
  readonly weightDecay?: number | undefined
  /**
   * Whether to use Nesterov momentum.
   * @default false
   */
  readonly nesterov?: boolean | undefined
}

/** What an optimiser keeps; it survives `structuredClone`. */
export interface OptimizerState {
  /** The rule. */
  readonly rule: 'adamW' | 'sgd'
  /** Learning rate. */
  readonly learningRate: number
  /** For each parameter, in order. */
  readonly parameters: readonly ParameterState[]
}

/** What an optimiser keeps for one parameter. */
export interface ParameterState {
  /** Its name. */
  readonly name: string
  /** Steps that changed it. */
  readonly steps: number
  /** Its moments, each with as many values as the parameter has; none before the first step. AdamW keeps two, SGD with momentum one. */
  readonly moments: readonly Float32Array[]
}

/**
 * Changes parameters by their gradients.
 *
 * Gradients of embeddings have few rows. A step changes those rows alone, and their moments: the rule of torch's `SparseAdam`, where
 * weights of these rows decay too. With `dense: true`, a step changes all rows, as torch's `AdamW` and `SGD`. A parameter without a gradient
 * and one that is frozen are left out.
 *
 * The same steps give the same bits, on every processor and for any number of threads.
 *
 * Calls that return a promise are made one after the other. While one is under way, those that do not are an `ERR_BUSY`: they would have to wait
 * for it.
 */
export declare class Optimizer {
  #private
  private constructor()
  /**
   * Adam with decoupled weight decay (Loshchilov and Hutter, 2019).
   * @throws `ERR_DISPOSED` when an embedding was disposed.
   */
  static adamW(parameters: readonly Parameter[], options: AdamWOptions): Optimizer
  /**
   * Stochastic gradient descent.
   * @throws `ERR_DISPOSED` when an embedding was disposed.
   */
  static sgd(parameters: readonly Parameter[], options: SgdOptions): Optimizer
  /** Learning rate. It can be set at any time, for the steps that are asked for after it. */
  get learningRate(): number
  set learningRate(learningRate: number)
  /**
   * Changes the parameters by their gradients, which stay until {@link Optimizer.zeroGrad}.
   * @throws `ERR_DISPOSED` when an embedding was disposed or resized, `ERR_BUSY` while one is saved; nothing is changed then.
   */
  step(): void
  /**
   * {@link Optimizer.step} off the event loop, once embeddings that are saved are so. A pass over an embedding reads all of its tables as they were before a
   * step, or as they are after it; `forward` and `backward` on the event loop wait for the step that is under way.
   */
  stepAsync(): Promise<void>
  /**
   * Makes the norm of all gradients together at most `maxNorm`, by multiplying each of them by `maxNorm / (norm + 1e-6)` where that is below 1: torch's
   * `clip_grad_norm_`, called between `backward` and {@link Optimizer.step}. A row that was looked up several times has one gradient, their sum. Parameters
   * that a step leaves out are left out here. `maxNorm` of `Infinity` changes nothing.
   *
   * @returns the norm before: the square root of the sum of the squares of all values. Where it is `NaN` or `Infinity`, gradients are then not numbers
   *   either; leave the step out.
   * @throws `ERR_DISPOSED` when an embedding was disposed or resized.
   */
  clipGradNorm(maxNorm: number): number
  /**
   * {@link Optimizer.clipGradNorm} off the event loop. `forward` and `backward` on the event loop wait for it, and a {@link Optimizer.stepAsync} that is asked for
   * meanwhile comes after it.
   */
  clipGradNormAsync(maxNorm: number): Promise<number>
  /** Lets the gradients of all parameters go. */
  zeroGrad(): void
  /** A copy of what it keeps, to go on from with {@link Optimizer.load}. The values of the parameters are not in it. */
  state(): OptimizerState
  /**
   * Goes on from the state of an optimiser of the same rule and of parameters of the same names and sizes.
   * @throws `ERR_INVALID_ARGUMENT` says what does not fit; nothing is changed then.
   */
  load(state: OptimizerState): void
  /**
   * Writes what {@link Optimizer.state} gives into a safetensors file, which replaces an older one in one step. Keep the parameters beside
   * it, with `save` of their embedding.
   * @throws `ERR_INVALID_FILE` when the file cannot be written.
   */
  save(path: string | URL): Promise<void>
  /**
   * {@link Optimizer.load} of a file that {@link Optimizer.save} wrote. Training then goes on as if it had not been interrupted, to the last
   * bit.
   * @throws `ERR_INVALID_FILE` says what is wrong with the file, `ERR_INVALID_ARGUMENT` what does not fit; nothing is changed then.
   */
  loadFile(path: string | URL): Promise<void>
  /** Whether the memory was freed. */
  get disposed(): boolean
  /** Frees the moments; the parameters stay. The second call does nothing. */
  dispose(): void
  /** {@link Optimizer.dispose}, for `using`. */
  [Symbol.dispose](): void
}

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
export declare class WordVectors {
  protected constructor()
  #private
  /** How many words there are. */
  readonly size: number
  /** Dimensions of the vectors. */
  readonly dimensions: number
  /**
   * Reads a file by the end of its name, in capitals or not: `*.txt` and `*.vec` hold a word and its numbers on each line, as word2vec and GloVe write them (words have spaces only where no first line says how many numbers there are); `*.bin` is word2vec's
   * binary form; `*.safetensors` what {@link WordVectors.save} writes. Of several equal words the first one counts.
   *
   * @throws `ERR_INVALID_FILE` says what is wrong, and in which line or word; `ERR_LIMIT` when there is not enough memory.
   */
  static load(path: string | URL, options?: WordVectorsLoadOptions): Promise<WordVectors>
  /**
   * The vectors of `words`: `dimensions` numbers of `data` for each, one row after the other, which are copied.
   *
   * @throws `ERR_INVALID_ARGUMENT`, also when a word is there twice or a number is not finite.
   */
  static fromArray(
    words: readonly string[],
    data: Float32Array | readonly number[],
    options: {
      readonly dimensions: number
    },
  ): WordVectors
  /** The words, in the order of their rows. */
  get words(): readonly string[]
  /** Whether there is a vector of `word`. */
  has(word: string): boolean
  /** The row of `word`, from 0 on; undefined when there is none. */
  indexOf(word: string): number | undefined
  /** A copy of the vector of `word`; undefined when there is none. */
  get(word: string): NonSharedFloat32Array | undefined
  /** A copy of all vectors, row after row: `size × dimensions` numbers. */
  toFloat32(): NonSharedFloat32Array
  /**
   * Cosine similarity of the vectors of two words: from -1 to 1.
   * @throws `ERR_UNKNOWN_TOKEN` when one of them has no vector.
   */
  similarity(a: string, b: string): number
  /**
   * The `count` words with the highest cosine similarity to `to`, the nearest first, without `to` itself. Of words that are equally near the
   * one of the smaller row is first. The search is exact: all rows are scored, on all threads.
   *
   * @param to a word, or a vector of `dimensions` numbers
   * @throws `ERR_UNKNOWN_TOKEN` when the word has no vector.
   */
  nearest(to: string | Float32Array | readonly number[], count?: number): NearWord[]
  /** {@link WordVectors.nearest} off the event loop. */
  nearestAsync(to: string | Float32Array | readonly number[], count?: number): Promise<NearWord[]>
  /**
   * What is to `c` as `b` is to `a`: the `count` words nearest to b - a + c, of normalized vectors, without the three themselves.
   * `analogy('man', 'king', 'woman')` asks for the queen.
   *
   * @throws `ERR_UNKNOWN_TOKEN` when one of them has no vector.
   */
  analogy(a: string, b: string, c: string, count?: number): NearWord[]
  /** {@link WordVectors.analogy} off the event loop. */
  analogyAsync(a: string, b: string, c: string, count?: number): Promise<NearWord[]>
  /**
   * Writes a file in the form that its name tells, as {@link WordVectors.load} reads it; reading it gives the same numbers. It replaces an older file in
   * one step.
   *
   * @throws `ERR_INVALID_FILE` when it cannot be written; also what {@link WordVectors.load} would not read: no word at all, more than 65,536 dimensions, and in
   *   the forms of word2vec a word that is empty, has white space, or is longer than 65,536 bytes.
   */
  save(path: string | URL): Promise<void>
  /** Whether the memory was freed. */
  get disposed(): boolean
  /** Frees the vectors. The second call does nothing. */
  dispose(): void
  /** {@link WordVectors.dispose}, for `using`. */
  [Symbol.dispose](): void
}

/** How {@link trainWordVectors} trains. The defaults are those of gensim, but for the objective and the threads. */
export interface TrainWordVectorsOptions extends TrainSourceOptions {
  /**
   * Dimensions of the vectors, from 1 to 65536.
   * @default 100
   */
  readonly dimensions?: number | undefined
  /**
   * Maximum distance between a word and its context words, from 1 to 1000. For each word the window is drawn from 1 to this.
   * @default 5
   */
  readonly window?: number | undefined
  /**
   * Negative samples per word, from 1 to 1000.
   * @default 5
   */
  readonly negatives?: number | undefined
  /**
   * - `'skipgram'`: a word is predicted from each of its context words; better for rare words
   * - `'cbow'`: from the mean of all of them; several times faster
   * @default 'skipgram'
   */
  readonly objective?: 'skipgram' | 'cbow' | undefined
  /**
   * Subsampling threshold of frequent words, as a share of all words: words above it are dropped at random, the more frequent the more often. 0 drops none.
   * @default 0.001
   */
  readonly subsample?: number | undefined
  /**
   * Passes over the texts.
   * @default 5
   */
  readonly epochs?: number | undefined
  /**
   * Initial learning rate, from 0 to 10.
   * @default 0.025
   */
  readonly learningRate?: number | undefined
  /**
   * Final learning rate, after linear decay.
   * @default 0.0001, or learningRate where that is less
   */
  readonly minLearningRate?: number | undefined
  /**
   * Words with a lower count are ignored, as if they were not there.
   * @default 5
   */
  readonly minFrequency?: number | undefined
  /**
   * Number of threads, from 1 to 1024. With one, the result is the same for the same seed, options, texts, build and processor; several write into the
   * same rows, in no fixed order.
   * @default as many as setThreads says
   */
  readonly threads?: number | undefined
  /**
   * Random seed.
   * @default 0
   */
  readonly seed?: number | undefined
  /**
   * What the words of a line are: `'words'` those of Unicode (UAX #29) that have a letter or a number, `'spaces'` what stands between white space, for texts
   * that are split already.
   * @default 'words'
   */
  readonly split?: 'words' | 'spaces' | undefined
  /**
   * Whether words are lowercased.
   * @default false
   */
  readonly lowerCase?: boolean | undefined
  /** Is called some times a second, and at the end of each phase. What it throws stops the training. */
  readonly onProgress?: ((progress: TrainWordVectorsProgress) => void) | undefined
}

/** How far a training of word vectors is. */
export interface TrainWordVectorsProgress extends TrainSourceProgress {
  /** `'read'`: words are read and counted. `'train'`: vectors are made. */
  readonly phase: 'read' | 'train'
  /** Words that were trained on, of all epochs. */
  readonly words: number
  /** Words that there are to train on, of all epochs; 0 until that is known. */
  readonly wordsToTrain: number
}

/**
 * Trains word vectors by skip-gram or CBOW with negative sampling, by the rules of word2vec.c: the words that stand beside a word decide where its vector
 * points. Each line of a text is a sentence, cut every 1,000 words, and no context crosses its ends. The words of the result are ordered by their frequency.
 *
 * ```ts
 * const vectors = await trainWordVectors(['books/*.txt'], { dimensions: 100, lowerCase: true })
 * vectors.nearest('river', 5)
 * ```
 *
 * The texts are kept in memory while it trains, as 4 bytes for each word.
 *
 * @param source paths and globs of files, or `{ texts }`
 * @throws `ERR_INVALID_ARGUMENT`, also when no word is frequent enough, and when the vectors grow beyond all bounds, from which a smaller learning rate may keep them; `ERR_INVALID_FILE`, `ERR_INVALID_UTF8`; `ERR_LIMIT` for a line above 256 MB, or when there is not enough memory.
 */
export declare const trainWordVectors: (source: TrainSource, options?: TrainWordVectorsOptions) => Promise<WordVectors>

/**
 * Sets the most memory that each thread takes, for each tokenizer, to remember the ids of words. Without this call that is 64 MiB on up to 16 cores; on more,
 * 1 GiB divided by their number, at least 16 MiB. While the memory grows it may be half as much again. With less, texts whose words come again are encoded
 * more slowly; the ids do not depend on it.
 *
 * It holds for the whole process, but not for threads that have encoded with a tokenizer before: call it before the first text.
 *
 * @param bytes 65536 to 2^53 - 1
 */
export declare const setCacheBytes: (bytes: number) => void

/**
 * Sets how many threads work on batches and long texts together, for calls from now on; the results do not depend on it. It holds for the whole
 * process, worker threads too. Without it the environment variable `TOKENMILL_THREADS` decides, and without that as many threads as the
 * process may run at once.
 *
 * @param count 1 to 1024
 * @throws `ERR_LIMIT` when the system does not give so many; those of before stay.
 */
export declare const setThreads: (count: number) => void
