import type { Text } from './tokenizer.ts'

/** Bytes that no other thread changes while native code reads them. */
export const unshared = (bytes: Uint8Array): Uint8Array =>
  bytes.buffer instanceof SharedArrayBuffer ? new Uint8Array(bytes) : bytes

/** A text whose bytes no other thread changes while native code reads them. */
export const unsharedText = (text: Text): Text => (typeof text === 'string' ? text : unshared(text))
