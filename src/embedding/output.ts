import { types } from 'node:util'
import { invalid } from '../validate.ts'
import { checkMemory } from './memory.ts'
import type { ShapedIds } from './token-ids.ts'

/** Checks that the result for `ids` can be held. */
export const checkOutput = ({ ids }: ShapedIds, dimensions: number): void => {
  checkMemory(`the embedding of ${ids.length} ids in ${dimensions} dimensions`, ids.length * dimensions)
}

/** `out` when it can take the result for `ids`, and ids that do not share memory with it. */
export const outputFor = (
  { ids, shape }: ShapedIds,
  dimensions: number,
  out: unknown,
): ShapedIds & { readonly out: Float32Array } => {
  if (!types.isFloat32Array(out)) throw invalid('options.out', 'a Float32Array', out)
  if (types.isSharedArrayBuffer(out.buffer)) {
    throw invalid('options.out', 'a Float32Array that is not shared with other threads', out)
  }
  const length = ids.length * dimensions
  if (out.length !== length) {
    throw invalid('options.out', `a Float32Array of ${length} values`, `one of ${out.length}`)
  }
  return { ids: ids.buffer === out.buffer ? ids.slice() : ids, shape, out }
}
