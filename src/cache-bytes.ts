import { callNative } from './errors.ts'
import { native } from './native.ts'
import { integerIn } from './validate.ts'

/** Less would be no cache. */
const least = 2 ** 16

/**
 * Sets the most memory that a thread takes for each tokenizer to remember what words came to. Unless it is said it is 64 MiB, and where there are more than 16
 * cores, their part of 1 GiB, but 16 MiB at least. While it grows, it may take half as much again. Less of it makes the same texts slower when they come again; the ids do not depend on it. It holds for the whole process, for threads that encode with a tokenizer for the first
 * time from now on: call it before there are texts.
 *
 * @param bytes 65536 to 2^53 - 1
 */
export const setCacheBytes = (bytes: number): void => {
  const checked = integerIn('bytes', bytes, least)
  callNative(() => native().setCacheBytes(checked))
}
