import { types } from 'node:util'

/** Whether other threads may change what `array` holds. */
export const isShared = (array: ArrayBufferView): boolean => types.isSharedArrayBuffer(array.buffer)

/** Numbers that no other thread changes between a look at them and their use. */
export const unsharedNumbers = <T extends Float32Array | Uint32Array>(array: T): T =>
  isShared(array) ? (array.slice() as T) : array
