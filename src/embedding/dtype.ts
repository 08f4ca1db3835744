import { oneOf } from '../validate.ts'

/** The type of the numbers in a tensor: 32-bit floats. */
export type DType = 'f32'

/** Bytes of one number. */
export const bytesOf: Readonly<Record<DType, number>> = { f32: 4 }

/** The type that an option asks for. */
export const resolveDType = (name: string, value: unknown): DType => oneOf(name, value, ['f32'])
