import { TokenmillError } from '../errors.ts'
import { joinIds } from '../join-ids.ts'
import type { NonSharedUint32Array } from '../non-shared.ts'
import { pieceTooLong, type ChunkDecoder, type ChunkEncoder } from './stream.ts'
import type { Text } from './tokenizer.ts'
import { unshared } from './unshared.ts'

/** Up to so many code units are looked at again whenever more come; of longer ones, only when a quarter more has come. */
const little = 1 << 12

type Decoder = InstanceType<typeof TextDecoder>

/** What a {@link BufferedEncoder} asks of a tokenizer. */
export interface BufferedCall {
  readonly maxPieceBytes: number
  readonly utf8: 'replace' | 'strict'
  /**
   * How many code units of the kept text have ids that are sure, whatever follows. The text starts at index `start` of the stream. Absent:
   * only the whole text has.
   */
  readonly sureUnits?: (text: string, start: number) => number
  /** The ids of a part of the text, which starts at index `start` of the stream. `signal` aborts when nobody wants them any more. */
  readonly encode: (
    text: string,
    start: number,
    signal: AbortSignal,
  ) => NonSharedUint32Array | Promise<NonSharedUint32Array>
}

/** Keeps text until its ids are sure: the stream of every tokenizer that has no native one. */
export class BufferedEncoder implements ChunkEncoder {
  readonly #call: BufferedCall
  readonly #closing = new AbortController()
  #kept: string[] = []
  #units = 0
  #bytes = 0
  /** The kept text is looked at when it has so many code units. */
  #enough = 0
  /** Where the kept text starts in the stream. */
  #start = 0
  #decoder: Decoder | undefined

  constructor(call: BufferedCall) {
    this.#call = call
  }

  push(chunk: Text): NonSharedUint32Array | Promise<NonSharedUint32Array> {
    if (chunk.length > 0) this.#keep(typeof chunk === 'string' ? this.#endOfBytes() + chunk : this.#read(chunk))
    const isTooLong = this.#bytes > this.#call.maxPieceBytes
    if (this.#call.sureUnits !== undefined && (isTooLong || this.#units >= this.#enough)) {
      const text = this.#kept.join('')
      const sure = this.#call.sureUnits(text, this.#start)
      const start = this.#start
      const rest = text.slice(sure)
      this.#kept = []
      ;[this.#units, this.#bytes, this.#start] = [0, 0, start + sure]
      this.#keep(rest)
      this.#enough = rest.length <= little ? 0 : rest.length * 1.25
      this.#checkLength()
      if (sure > 0) return this.#call.encode(text.slice(0, sure), start, this.#closing.signal)
    }
    this.#checkLength()
    return new Uint32Array()
  }

  end(): NonSharedUint32Array | Promise<NonSharedUint32Array> {
    this.#keep(this.#endOfBytes())
    const text = this.#kept.join('')
    this.#kept = []
    return this.#call.encode(text, this.#start, this.#closing.signal)
  }

  close(): void {
    this.#kept = []
    this.#closing.abort()
  }

  #keep(text: string): void {
    if (text === '') return
    this.#kept.push(text)
    this.#units += text.length
    this.#bytes += Buffer.byteLength(text)
  }

  #checkLength(): void {
    if (this.#bytes > this.#call.maxPieceBytes) throw pieceTooLong(this.#call.maxPieceBytes)
  }

  #read(bytes: Uint8Array): string {
    this.#decoder ??= new TextDecoder('utf-8', { ignoreBOM: true, fatal: this.#call.utf8 === 'strict' })
    return this.#decode(this.#decoder, bytes)
  }

  /** What is left of a character that is cut by the end of the bytes so far. */
  #endOfBytes(): string {
    const decoder = this.#decoder
    this.#decoder = undefined
    return decoder === undefined ? '' : this.#decode(decoder)
  }

  #decode(decoder: Decoder, bytes?: Uint8Array): string {
    try {
      // Another thread must not change what the decoder has measured.
      return bytes === undefined ? decoder.decode() : decoder.decode(unshared(bytes), { stream: true })
    } catch (error) {
      throw new TokenmillError('ERR_INVALID_UTF8', 'expected UTF-8 for the stream, received bytes that are not', {
        cause: error,
      })
    }
  }
}

/** Keeps ids until all are there: the stream of a tokenizer of whose text nothing is sure before. */
export class BufferedDecoder implements ChunkDecoder {
  readonly #decode: (ids: Uint32Array) => string
  readonly #kept: Uint32Array[] = []

  constructor(decode: (ids: Uint32Array) => string) {
    this.#decode = decode
  }

  push(ids: Uint32Array): string {
    if (ids.length > 0) this.#kept.push(new Uint32Array(ids))
    return ''
  }

  end(): string {
    return this.#decode(joinIds(this.#kept))
  }
}
