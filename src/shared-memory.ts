import { types } from 'node:util'
import type { NonSharedFloat32Array, NonSharedUint32Array } from './non-shared.ts'

/** The memory of a typed array, whatever it says itself: anybody can give one another `buffer`. */
const bufferOf = (array: NodeJS.TypedArray): ArrayBufferLike => Reflect.get(TypedArray, 'buffer', array)
const TypedArray = Object.getPrototypeOf(Uint8Array.prototype) as object

const { get: length } = Object.getOwnPropertyDescriptor(TypedArray, 'length') as { get: () => number }

/** How many numbers `array` has, whatever it says itself. */
export const lengthOf = (array: NodeJS.TypedArray): number => length.call(array)

/** Whether other threads may change what `array` holds. */
export const isShared = (array: NodeJS.TypedArray): boolean => types.isSharedArrayBuffer(bufferOf(array))

/** Numbers that no other thread changes between a look at them and their use. */
export function unsharedNumbers(array: Uint32Array): NonSharedUint32Array
export function unsharedNumbers(array: Float32Array): NonSharedFloat32Array
export function unsharedNumbers(array: Float32Array | Uint32Array): unknown {
  return isShared(array) ? array.slice() : array
}
