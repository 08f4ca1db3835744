import { types } from 'node:util'
import { allocated } from '../allocated.ts'
import type { NonSharedFloat32Array } from '../non-shared.ts'
import { bytesOf, type DType, type Values } from './dtype.ts'

/** Native numbers that can be copied into an array. */
interface Copyable {
  copyTo(out: Float32Array): void
  copyBitsTo(out: Uint16Array): void
}

/** How many values a shape has. */
export const lengthOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1)

/** A copy of all values, as 32-bit floats or as the bits of halves. The native side widens where `dtype` is `'f32'` and its own is not. */
export function copyOf(native: Copyable, shape: readonly number[], dtype: 'f32'): NonSharedFloat32Array
export function copyOf(native: Copyable, shape: readonly number[], dtype: DType): Values
export function copyOf(native: Copyable, shape: readonly number[], dtype: DType): Values {
  const length = lengthOf(shape)
  const make = () => (dtype === 'f32' ? new Float32Array(length) : new Uint16Array(length))
  const values = allocated(bytesOf[dtype] * length, make)
  if (types.isFloat32Array(values)) native.copyTo(values)
  else native.copyBitsTo(values)
  return values
}
