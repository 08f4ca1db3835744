import { callNative } from '../errors.ts'
import type { DecodeStreamHandle, JsonDecodeStreamHandle } from '../native-binding.d.ts'
import type { ChunkDecoder } from './stream.ts'

/** The text of ids by a native stream. */
export class NativeChunkDecoder implements ChunkDecoder {
  readonly #native: DecodeStreamHandle | JsonDecodeStreamHandle

  constructor(handle: DecodeStreamHandle | JsonDecodeStreamHandle) {
    this.#native = handle
  }

  push(ids: Uint32Array): string {
    return callNative(() => this.#native.push(ids))
  }

  end(): string {
    return callNative(() => this.#native.end())
  }
}
