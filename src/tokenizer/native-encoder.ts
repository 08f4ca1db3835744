import type { EncodeStreamHandle } from '../native-binding.d.ts'
import type { NonSharedUint32Array } from '../non-shared.ts'
import { ofOwnRealm } from '../own-realm.ts'
import { copyTurn } from './copy-turn.ts'
import { explained } from './explained.ts'
import type { ChunkEncoder } from './stream.ts'
import type { Text } from './tokenizer.ts'
import { unshared } from './unshared.ts'

/** Longer chunks, in code units or bytes, are encoded off the main thread. */
const longChunk = 1 << 15

/** The ids of chunks by the native stream. */
export class NativeChunkEncoder implements ChunkEncoder {
  readonly #native: EncodeStreamHandle

  constructor(handle: EncodeStreamHandle) {
    this.#native = handle
  }

  push(chunk: Text): NonSharedUint32Array | Promise<NonSharedUint32Array> {
    if (chunk.length > longChunk) return this.#pushLong(chunk)
    return this.#now(() =>
      typeof chunk === 'string' ? this.#native.push(chunk) : this.#native.pushBytes(unshared(chunk)),
    )
  }

  end(): NonSharedUint32Array | Promise<NonSharedUint32Array> {
    return this.#now(() => this.#native.end())
  }

  close(): void {
    this.#native.close()
  }

  /** `null` comes from a chunk after which there are many ids to make, as it ended a long piece. */
  #now(call: () => NonSharedUint32Array | null): NonSharedUint32Array | Promise<NonSharedUint32Array> {
    try {
      return ofOwnRealm(call()) ?? this.#later(() => this.#native.encodeReady())
    } catch (error) {
      throw explained(error, 0, 'the stream')
    }
  }

  async #pushLong(chunk: Text): Promise<NonSharedUint32Array> {
    const turn = copyTurn([chunk])
    if (turn !== undefined) await turn
    return this.#later(() =>
      typeof chunk === 'string' ? this.#native.pushLater(chunk) : this.#native.pushBytesLater(unshared(chunk)),
    )
  }

  async #later(call: () => Promise<NonSharedUint32Array>): Promise<NonSharedUint32Array> {
    try {
      return ofOwnRealm(await call())
    } catch (error) {
      throw explained(error, 0, 'the stream')
    }
  }
}
