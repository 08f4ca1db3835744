import { types } from 'node:util'
import { joinIds } from '../join-ids.ts'
import type { NonSharedUint32Array } from '../non-shared.ts'
import type { PostProcessor } from './post-processor.ts'
import type { ChunkEncoder } from './stream.ts'
import type { Text } from './tokenizer.ts'

type Ids = NonSharedUint32Array | Promise<NonSharedUint32Array>

/** The ids of a stream, with what is put around those of a whole text. */
export class AroundEncoder implements ChunkEncoder {
  readonly #encoder: ChunkEncoder
  #before: Uint32Array
  readonly #after: Uint32Array

  constructor(encoder: ChunkEncoder, postProcessor: PostProcessor) {
    this.#encoder = encoder
    ;[this.#before, this.#after] = postProcessor.ends()
  }

  push(chunk: Text): Ids {
    return this.#joined(this.#encoder.push(chunk), new Uint32Array())
  }

  end(): Ids {
    return this.#joined(this.#encoder.end(), this.#after)
  }

  close(): void {
    this.#encoder.close()
  }

  #joined(ids: Ids, after: Uint32Array): Ids {
    if (types.isPromise(ids)) return ids.then((given) => this.#joined(given, after))
    const before = this.#before
    this.#before = new Uint32Array()
    return before.length + after.length === 0 ? ids : joinIds([before, ids, after])
  }
}
