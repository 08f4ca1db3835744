import { types } from 'node:util'
import { TokenmillError } from '../errors.ts'
import { Turns } from '../event-loop.ts'
import type { NonSharedUint32Array } from '../non-shared.ts'
import { onAbort } from '../on-abort.ts'
import { untilAborted } from '../until-aborted.ts'
import { abortSignal, integerIn, invalid, iterableOrAsync, options as checkedOptions } from '../validate.ts'
import { checkedIds, decodeOptionNames, encodeOptionNames, idArray } from './arguments.ts'
import { checkedText } from './read-text.ts'
import type { EncodeOptions, DecodeOptions, Text } from './tokenizer.ts'

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

/** Makes ids of one text that comes in chunks. */
export interface ChunkEncoder {
  /** The ids that are sure after this chunk. The next call begins when they are there. */
  push(chunk: Text): NonSharedUint32Array | Promise<NonSharedUint32Array>
  /** The other ids. */
  end(): NonSharedUint32Array | Promise<NonSharedUint32Array>
  /** Lets go of what is kept, and stops work that runs, which then fails. */
  close(): void
}

/** Makes text of ids that come in chunks. */
export interface ChunkDecoder {
  /** The text that is sure after these ids. */
  push(ids: Uint32Array): string
  /** The rest of it. */
  end(): string
}

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

/** The largest part of a chunk that is taken at once, in code units or bytes: so nobody waits for it. */
const partLength = 1 << 20
/** The most ids that are decoded at once: natively less than a millisecond, and some of words. */
const partIds = 1 << 14

/**
 * `chunk` in parts of at most `length`: one, when it is empty. Whoever takes them may wait in between.
 *
 * @throws `ERR_DISPOSED` when it has another length by then: its memory was transferred or resized
 */
function* partsOf<T extends Text | Uint32Array>(chunk: T, length: number): Generator<T, void, undefined> {
  const total = chunk.length
  if (total <= length) return yield chunk
  for (let start = 0; start < total; start += length) {
    if (chunk.length !== total) {
      throw new TokenmillError('ERR_DISPOSED', 'the memory of a chunk was transferred or resized while it was read')
    }
    yield (typeof chunk === 'string' ? chunk.slice(start, start + length) : chunk.subarray(start, start + length)) as T
  }
}

const partsOfText = (chunk: unknown) => partsOf(checkedText('a chunk', chunk), partLength)

/** `encodeStream` of a tokenizer that makes an encoder for a call: a `TransformStream`, which gives no empty chunks. */
export const encodeStreamOf = (
  options: EncodeStreamOptions | undefined,
  encoderFor: (call: StreamCall) => ChunkEncoder,
): TransformStream<Text, NonSharedUint32Array> => {
  const encoder = encoderFor(splitStreamOptions(options, encodeStreamOptionNames))
  type Controller = TransformStreamDefaultController<Uint32Array>
  const give = (controller: Controller, ids: Uint32Array) => {
    if (ids.length > 0) controller.enqueue(ids)
  }
  const turns = new Turns()
  const transformer = {
    async transform(chunk: Text, controller: Controller) {
      try {
        for (const part of partsOfText(chunk)) {
          give(controller, await encoder.push(part))
          if (turns.isOver) await turns.next()
        }
      } catch (error) {
        encoder.close()
        throw error
      }
    },
    async flush(controller: Controller) {
      try {
        give(controller, await encoder.end())
      } finally {
        encoder.close()
      }
    },
    // When either side is given up. The types do not know it yet.
    cancel: () => encoder.close(),
  }
  return new TransformStream<Text, NonSharedUint32Array>(transformer)
}

/** `encodeChunks` of a tokenizer that makes an encoder for a call: the ids of `source` as they become sure; no array is empty. */
export const encodeChunksOf = (
  source: Chunks<Text>,
  options: EncodeChunksOptions | undefined,
  encoderFor: (call: StreamCall) => ChunkEncoder,
): AsyncGenerator<NonSharedUint32Array, void, undefined> => {
  const call = splitStreamOptions(options, encodeChunksOptionNames)
  return encodeChunks(checkedSource(source), encoderFor(call), call.signal)
}

async function* encodeChunks(
  source: Chunks<Text>,
  encoder: ChunkEncoder,
  signal: AbortSignal | undefined,
): AsyncGenerator<NonSharedUint32Array, void, undefined> {
  const close = () => encoder.close()
  const stopListening = signal && onAbort(signal, close)
  const turns = new Turns()
  try {
    for await (const chunk of untilAborted(source, signal)) {
      for (const part of partsOfText(chunk)) {
        const ids = await encoder.push(part)
        if (turns.isOver) await turns.next()
        signal?.throwIfAborted()
        if (ids.length > 0) yield ids
      }
    }
    const ids = await encoder.end()
    signal?.throwIfAborted()
    if (ids.length > 0) yield ids
  } catch (error) {
    throw signal?.aborted === true ? signal.reason : error
  } finally {
    stopListening?.()
    close()
  }
}

/** The ids of a chunk, or its one id. */
const idsOf = (chunk: unknown): Uint32Array =>
  idArray(typeof chunk === 'number' ? [chunk] : (chunk as Iterable<number>))

/** The ids of a chunk in parts, for {@link partsOf}'s reason; those of another iterable than a `Uint32Array` are taken, and checked, part by part. */
function* partsOfIds(chunk: unknown): Generator<Uint32Array, void, undefined> {
  if (typeof chunk === 'number' || types.isUint32Array(chunk)) return yield* partsOf(idsOf(chunk), partIds)
  let [part, start]: [number[], number] = [[], 0]
  for (const id of checkedIds(chunk)) {
    part.push(id)
    if (part.length < partIds) continue
    yield idArray(part, start)
    start += part.length
    part = []
  }
  if (part.length > 0 || start === 0) yield idArray(part, start)
}

/** `decoder` of a tokenizer that makes a chunk decoder for a call. */
export const decoderOf = (decoder: ChunkDecoder): TokenDecoder => {
  let isOver = false
  const checkOpen = () => {
    if (isOver) throw new TokenmillError('ERR_DISPOSED', 'the decoder has ended: make another one for another text')
  }
  return {
    push(ids) {
      checkOpen()
      return decoder.push(idsOf(ids))
    },
    end() {
      checkOpen()
      isOver = true
      return decoder.end()
    },
  }
}

/** A `TransformStream` over `decoder`. It gives no empty chunks. */
export const decodeStreamOf = (decoder: ChunkDecoder): TransformStream<Uint32Array, string> => {
  const turns = new Turns()
  return new TransformStream<Uint32Array, string>({
    async transform(chunk, controller) {
      for (const part of partsOfIds(chunk)) {
        const text = decoder.push(part)
        if (text !== '') controller.enqueue(text)
        if (turns.isOver) await turns.next()
      }
    },
    flush(controller) {
      const text = decoder.end()
      if (text !== '') controller.enqueue(text)
    },
  })
}

/** `decodeChunks` of a tokenizer that makes a decoder for a call: the text of `source` as it becomes sure; no string is empty. */
export const decodeChunksOf = (
  source: Chunks<number | Iterable<number>>,
  options: DecodeChunksOptions | undefined,
  decoderFor: (options: DecodeOptions) => ChunkDecoder,
): AsyncGenerator<string, void, undefined> => {
  const { signal, rest } = splitDecodeOptions(options)
  return decodeChunks(checkedSource(source), decoderFor(rest), signal)
}

async function* decodeChunks(
  source: Chunks<number | Iterable<number>>,
  decoder: ChunkDecoder,
  signal: AbortSignal | undefined,
): AsyncGenerator<string, void, undefined> {
  const turns = new Turns()
  for await (const chunk of untilAborted(source, signal)) {
    for (const part of partsOfIds(chunk)) {
      const text = decoder.push(part)
      if (text !== '') yield text
      if (turns.isOver) await turns.next()
      signal?.throwIfAborted()
    }
  }
  const text = decoder.end()
  if (text !== '') yield text
}

/** `source`, which must have chunks; a text is not a source, as it would come character by character. */
const checkedSource = <T>(source: Chunks<T>): Chunks<T> => {
  const expected = 'an iterable or async iterable of chunks'
  if (types.isUint8Array(source)) throw invalid('source', expected, source)
  return iterableOrAsync('source', expected, source) as Chunks<T>
}

/** The options of a stream: its own ones checked, and those that `encode` takes too. */
export interface StreamCall {
  readonly maxPieceBytes: number
  readonly signal: AbortSignal | undefined
  readonly rest: EncodeOptions
}

const splitStreamOptions = (
  options: EncodeChunksOptions | undefined,
  names: readonly (keyof EncodeChunksOptions & string)[],
): StreamCall => {
  const { maxPieceBytes = 64 * 2 ** 20, signal, ...rest } = checkedOptions('options', options, names)
  return {
    maxPieceBytes: integerIn('options.maxPieceBytes', maxPieceBytes, 1, 2 ** 31 - 1),
    signal: abortSignal(signal),
    rest,
  }
}

/** Those of {@link EncodeStreamOptions}. */
const encodeStreamOptionNames = [...encodeOptionNames, 'maxPieceBytes'] as const
/** Those of {@link EncodeChunksOptions}. */
const encodeChunksOptionNames = [...encodeStreamOptionNames, 'signal'] as const

/** The signal of a generator, and the options that `decode` takes too. */
const splitDecodeOptions = (
  options: DecodeChunksOptions | undefined,
): { signal: AbortSignal | undefined; rest: DecodeOptions } => {
  const { signal, ...rest } = checkedOptions('options', options, [...decodeOptionNames, 'signal'])
  return { signal: abortSignal(signal), rest }
}

/** The error for a piece that is too long to be kept. */
export const pieceTooLong = (limit: number): TokenmillError =>
  new TokenmillError(
    'ERR_LIMIT',
    `expected pieces of at most ${limit} bytes, as options.maxPieceBytes says, received a longer one`,
  )
