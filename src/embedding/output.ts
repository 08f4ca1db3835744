import { types } from 'node:util'
import { invalid, invalidAs, notShared } from '../validate.ts'
import type { DType, Values } from './dtype.ts'
import { checkMemory } from './memory.ts'
import type { ShapedIds } from './token-ids.ts'

/** Checks that the result for `ids` can be held. */
export const checkOutput = ({ ids }: ShapedIds, dimensions: number, dtype: DType): void => {
  checkMemory(`the embedding of ${ids.length} ids in ${dimensions} dimensions`, ids.length * dimensions, dtype)
}

/** `out` when it can take the result for `ids`. */
export const outputFor = ({ ids }: ShapedIds, dimensions: number, dtype: DType, out: unknown): Values => {
  const [name, is] = dtype === 'f32' ? ['Float32Array', types.isFloat32Array] : ['Uint16Array', types.isUint16Array]
  if (!is(out)) throw invalid('options.out', `a ${name}`, out)
  const values = notShared('options.out', `a ${name}`, out as Values)
  const length = ids.length * dimensions
  if (values.length !== length) {
    throw invalidAs('options.out', `a ${name} of ${length} values`, `one of ${values.length}`)
  }
  return values
}
