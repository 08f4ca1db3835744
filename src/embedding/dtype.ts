import type { NonSharedFloat32Array, NonSharedUint16Array } from '../non-shared.ts'
import { oneOf } from '../validate.ts'

/**
 * The type of the numbers in a table or tensor:
 *
 * - `'f32'`: 32-bit floats, as `Float32Array`
 * - `'bf16'`: the upper half of a 32-bit float, whose bits are in a `Uint16Array`
 * - `'f16'`: 16-bit floats of IEEE 754, whose bits are in a `Uint16Array`
 *
 * Sums are computed in 32 bits whatever it is, and rounded to the nearest number of the type, ties to even.
 */
export type DType = 'f32' | 'bf16' | 'f16'

/** The array that holds numbers of a type. */
export type Values = NonSharedFloat32Array | NonSharedUint16Array

/** Bytes of one number. */
export const bytesOf: Readonly<Record<DType, number>> = { f32: 4, bf16: 2, f16: 2 }

/** The type that an option asks for. */
export const resolveDType = (name: string, value: unknown): DType => oneOf(name, value, ['f32', 'bf16', 'f16'])
