import { types } from 'node:util'

/** Whether other threads may change what `array` holds. */
export const isShared = (array: ArrayBufferView): boolean => types.isSharedArrayBuffer(array.buffer)
