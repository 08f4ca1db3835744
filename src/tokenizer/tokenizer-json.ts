import { callNative, fromNative, TokenmillError } from '../errors.ts'
import { native } from '../native.ts'
import { HfTokenizer } from './hf-tokenizer.ts'
import { JsonBpeTokenizer } from './json-bpe-tokenizer.ts'
import type { Tokenizer } from './tokenizer.ts'

/**
 * The tokenizer in the bytes of a tokenizer.json. They are copied.
 *
 * @throws `ERR_INVALID_FILE` and `ERR_LIMIT`, with the field
 */
export const readTokenizerJson = async (bytes: Uint8Array): Promise<Tokenizer> => {
  const file = new Uint8Array(bytes)
  try {
    const handle = await callNative(() => native().JsonHandle.load(file))
    const name = `tokenizer.json: ${handle.model}`
    const engine = handle.engine()
    return engine === null ? new HfTokenizer(name, handle, file) : JsonBpeTokenizer.of(name, engine, handle, file)
  } catch (error) {
    throw error instanceof TokenmillError ? error : fromNative(error)
  }
}
