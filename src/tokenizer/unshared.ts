import { isShared } from '../shared-memory.ts'
import type { Text } from './tokenizer.ts'

/** Bytes that no other thread changes while they are read. */
export const unshared = (bytes: Uint8Array): Uint8Array => (isShared(bytes) ? new Uint8Array(bytes) : bytes)

/** A text whose bytes no other thread changes while they are read. */
export const unsharedText = (text: Text): Text => (typeof text === 'string' ? text : unshared(text))
