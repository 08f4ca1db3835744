import { types } from 'node:util'
import { TokenmillError } from '../errors.ts'
import { unsharedNumbers } from '../shared-memory.ts'
import { integerIn, invalid, invalidAs, isArray, isGone, isRevoked } from '../validate.ts'
import { checkedNumbers } from './checked-numbers.ts'
import { lengthOf } from './copy.ts'

/** Token ids: each the number of a row. */
export type TokenIds = Uint32Array | readonly number[]

/** What an embedding reads of a batch of a `DataLoader`. */
export interface BatchInputs {
  /** Token ids, row after row. */
  readonly inputs: Uint32Array
  /** Rows, and ids in each row. */
  readonly shape: readonly number[]
  /** The place of each input in its document, where rows hold several. */
  readonly positionIds?: Uint32Array | undefined
}

/** Ids that are safe to hand to native code, and their shape. */
export interface ShapedIds {
  readonly ids: Uint32Array
  readonly shape: readonly number[]
}

const maxId = 0xffffffff

/** The ids and the shape of what `forward` was given. */
export const shapedIds = (
  input: unknown,
  shape: unknown,
): ShapedIds & {
  /** What a batch says of its positions, unchecked. */
  readonly positionIds: unknown
} => {
  if (types.isUint32Array(input) || isArray(input)) {
    const ids = idsOf('ids', input)
    const sizes = shape === undefined ? [ids.length] : shapeOf('options.shape', shape, ids.length)
    return { ids, shape: sizes, positionIds: undefined }
  }
  if (typeof input !== 'object' || input === null || isRevoked(input) || !('inputs' in input && 'shape' in input)) {
    throw invalid('ids', 'a Uint32Array, an array of numbers or a batch with inputs and shape', input)
  }
  if (shape !== undefined) throw invalid('options.shape', 'nothing, because a batch has its own shape,', shape)
  if (!types.isUint32Array(input.inputs)) throw invalid('batch.inputs', 'a Uint32Array', input.inputs)
  const ids = idsOf('batch.inputs', input.inputs)
  const sizes = shapeOf('batch.shape', input.shape, ids.length)
  return { ids, shape: sizes, positionIds: 'positionIds' in input ? input.positionIds : undefined }
}

/** `values`, one for each of `length` ids, as an array that no other thread can change. */
export const idsForEach = (name: string, values: unknown, length: number): Uint32Array => {
  if (!types.isUint32Array(values)) throw invalid(name, 'a Uint32Array', values)
  if (values.length !== length) throw invalidAs(name, `one for each of the ${length} ids`, `${values.length}`)
  return unsharedNumbers(values)
}

/** `ids` as an array that no other thread can change between the check of its ids and their use. */
const idsOf = (name: string, ids: Uint32Array | readonly unknown[]): Uint32Array => {
  if (!types.isUint32Array(ids)) return checkedNumbers(Uint32Array, ids, (id, index) => idOf(name, id, index))
  if (isGone(ids)) throw invalid(name, 'an array whose memory is there', ids)
  return unsharedNumbers(ids)
}

const idOf = (name: string, id: unknown, index: number): number => {
  if (typeof id !== 'number' || !Number.isInteger(id) || id < 0) {
    throw invalid(`${name}[${index}]`, 'an integer ≥ 0', id)
  }
  if (id <= maxId) return id
  throw new TokenmillError('ERR_OUT_OF_RANGE', `id ${id} at index ${index} does not exist: ids are at most ${maxId}`)
}

const shapeOf = (name: string, shape: unknown, length: number): readonly number[] => {
  if (!isArray(shape) || shape.length === 0) throw invalid(name, 'an array of at least one size', shape)
  const sizes = Array.from(shape, (size: unknown, index) => integerIn(`${name}[${index}]`, size, 0))
  if (lengthOf(sizes) === length) return sizes
  throw invalidAs(name, `sizes whose product is the number of ids, ${length},`, `[${sizes.join(', ')}]`)
}
