import { types } from 'node:util'
import type { NonSharedFloat32Array, NonSharedUint32Array } from './non-shared.ts'

/** The memory of a typed array, whatever it says itself: anybody can give one another `buffer`. */
const bufferOf = (array: NodeJS.TypedArray): ArrayBufferLike => Reflect.get(TypedArray, 'buffer', array)
const TypedArray = Object.getPrototypeOf(Uint8Array.prototype) as object

const getter = (name: 'length' | 'byteOffset' | 'byteLength') =>
  (Object.getOwnPropertyDescriptor(TypedArray, name) as { get: () => number }).get
const [length, byteOffset, byteLength] = [getter('length'), getter('byteOffset'), getter('byteLength')]

/** How many numbers `array` has, whatever it says itself. */
export const lengthOf = (array: NodeJS.TypedArray): number => length.call(array)

/** Whether other threads may change what `array` holds. */
export const isShared = (array: NodeJS.TypedArray): boolean => types.isSharedArrayBuffer(bufferOf(array))

/** Whether two arrays lie over one another, whatever they say themselves. */
export const haveMemoryInCommon = (first: NodeJS.TypedArray, second: NodeJS.TypedArray): boolean => {
  if (bufferOf(first) !== bufferOf(second)) return false
  const [start, otherStart] = [byteOffset.call(first), byteOffset.call(second)]
  return start < otherStart + byteLength.call(second) && otherStart < start + byteLength.call(first)
}

/** Numbers that no other thread changes between a look at them and their use. */
export function unsharedNumbers(array: Uint32Array): NonSharedUint32Array
export function unsharedNumbers(array: Float32Array): NonSharedFloat32Array
export function unsharedNumbers(array: Float32Array | Uint32Array): unknown {
  return isShared(array) ? array.slice() : array
}
