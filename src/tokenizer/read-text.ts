import { types } from 'node:util'
import { TokenmillError } from '../errors.ts'
import type { Steps } from '../event-loop.ts'
import { invalid, isGone, oneOf } from '../validate.ts'
import type { EncodeOptions, Text } from './tokenizer.ts'
import { unshared } from './unshared.ts'

/** Bytes decoded per step: about a millisecond. */
const stepBytes = 1 << 18

/** Whether `value` is a text. Bytes whose memory is gone are none. */
export const isText = (value: unknown): value is Text =>
  typeof value === 'string' || (types.isUint8Array(value) && !isGone(value))

/** `value` when it is a text. */
export const checkedText = (name: string, value: unknown): Text => {
  if (isText(value)) return value
  throw invalid(name, 'a string or a Uint8Array', value)
}

/** The choice of {@link EncodeOptions.utf8}. */
export const checkedUtf8 = (value: EncodeOptions['utf8'] = 'replace'): 'replace' | 'strict' =>
  oneOf('options.utf8', value, ['replace', 'strict'])

/** `text` with U+FFFD for each lone surrogate. */
export const wellFormed = (text: string): string =>
  // ES2024, in every Node that we support; the TypeScript library of ES2023 does not know it.
  (text as string & { toWellFormed(): string }).toWellFormed()

let decoder: InstanceType<typeof TextDecoder> | undefined

/** The text of a few bytes, with U+FFFD for what is no UTF-8. */
export const textOf = (bytes: Uint8Array): string =>
  (decoder ??= new TextDecoder('utf-8', { ignoreBOM: true })).decode(bytes)

/** `text` as a well-formed string. U+FEFF is kept wherever it stands. */
export function* readText(name: string, text: Text, utf8: 'replace' | 'strict'): Steps<string> {
  if (typeof text === 'string') return wellFormed(text)
  // Another thread must not change what the decoder has measured.
  const bytes = unshared(text)
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: utf8 === 'strict' })
  try {
    if (bytes.length <= stepBytes) return decoder.decode(bytes)
    // Joined at last: a string grown with += is slower to read, part by part.
    const parts: string[] = []
    for (let at = 0; at < bytes.length; at += stepBytes) {
      parts.push(decoder.decode(bytes.subarray(at, at + stepBytes), { stream: true }))
      yield
    }
    parts.push(decoder.decode())
    return parts.join('')
  } catch (error) {
    if (error instanceof TypeError && (error as { code?: unknown }).code === 'ERR_ENCODING_INVALID_ENCODED_DATA') {
      throw new TokenmillError('ERR_INVALID_UTF8', `expected UTF-8 for ${name}, received bytes that are not`, {
        cause: error,
      })
    }
    throw tooLong(`${name} of ${text.length} bytes`, error)
  }
}

/** The error for a string longer than JavaScript can hold. */
export const tooLong = (what: string, cause: unknown): TokenmillError =>
  new TokenmillError('ERR_LIMIT', `${what} is longer than a JavaScript string can be`, { cause })
