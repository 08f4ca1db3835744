import { callNative } from './errors.ts'
import { native } from './native.ts'
import { integerIn } from './validate.ts'

/** Less would be no cache. */
const least = 2 ** 16

/**
 * Sets the most memory that each thread takes, for each tokenizer, to remember the ids of words. Without this call that is 64 MiB on up to 16 cores; on more,
 * 1 GiB divided by their number, at least 16 MiB. While the memory grows it may be half as much again. With less, texts whose words come again are encoded
 * more slowly; the ids do not depend on it.
 *
 * It holds for the whole process, but not for threads that have encoded with a tokenizer before: call it before the first text.
 *
 * @param bytes 65536 to 2^53 - 1
 */
export const setCacheBytes = (bytes: number): void => {
  const checked = integerIn('bytes', bytes, least)
  callNative(() => native().setCacheBytes(checked))
}
