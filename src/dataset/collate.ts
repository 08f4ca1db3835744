import { Buffer } from 'node:buffer'
import { types } from 'node:util'
import { TokenmillError } from '../errors.ts'
import { allocated } from '../allocated.ts'
import type { NonSharedInt32Array, NonSharedUint32Array } from '../non-shared.ts'
import { checkApartFromSamples, checkEachApart } from './apart.ts'
import type { Batch, BatchArrays } from './batch.ts'
import type { Sample } from './dataset.ts'
import { invalid, membersOf, notShared, own } from '../validate.ts'

/** The target that the loss ignores: torch's `ignore_index`. */
export const ignored = -100

/** What {@link collate} may do besides copying. */
export interface CollateOptions {
  /** What shorter samples are padded with at their end; without it a sample of another length is an error. */
  readonly paddingId?: number | undefined
  /** Where to write, rather than into fresh arrays. */
  readonly out?: BatchArrays | undefined
  /**
   * The least length of rows.
   * @default 0
   */
  readonly columns?: number
}

/**
 * Copies samples into one batch. Shorter ones are padded to the longest: inputs with `paddingId`,
 * targets with -100, everything else with 0; then there is an `attentionMask`. Where one sample has segments or positions, one that has none is one
 * segment, in its order.
 */
export const collate = (samples: readonly Sample[], options: CollateOptions = {}): Batch => {
  const { paddingId, out, columns: least = 0 } = own(options)
  const columns = samples.reduce((longest, { inputs }) => Math.max(longest, inputs.length), least)
  const oneTarget = samples.every(({ targets }) => targets.length === 1) && columns !== 1
  checkLengths(samples, paddingId, oneTarget)
  if (out !== undefined) checkApartFromSamples(samples, out)
  const rows = samples.length
  const size = rows * columns
  const inputs = arrayFor('inputs', size, out?.inputs) ?? numbers(size)
  const answers = oneTarget ? rows : size
  const targets = arrayFor('targets', answers, out?.targets) ?? allocated(4 * answers, () => new Int32Array(answers))
  const some = (field: 'attentionMask' | 'positionIds' | 'segmentIds') => samples.some((sample) => sample[field])
  const masked = paddingId !== undefined || some('attentionMask')
  const attentionMask = masked ? allocated(size, () => new Uint8Array(size)) : undefined
  const positionIds = some('positionIds') ? numbers(size) : undefined
  const segmentIds = some('segmentIds') ? numbers(size) : undefined
  for (let row = 0; row < rows; row++) {
    const sample = samples[row] as Sample
    const [start, length, end] = [row * columns, sample.inputs.length, (row + 1) * columns]
    inputs.set(sample.inputs, start)
    if (length < columns) inputs.fill(paddingId as number, start + length, end)
    if (oneTarget) targets[row] = sample.targets[0] as number
    else {
      targets.set(sample.targets, start)
      if (length < columns) targets.fill(ignored, start + length, end)
    }
    if (sample.attentionMask) attentionMask?.set(sample.attentionMask, start)
    else attentionMask?.fill(1, start, start + length)
    if (sample.positionIds) positionIds?.set(sample.positionIds, start)
    else if (positionIds) for (let place = 0; place < length; place++) positionIds[start + place] = place
    if (sample.segmentIds) segmentIds?.set(sample.segmentIds, start)
    else segmentIds?.fill(1, start, start + length)
  }
  return {
    inputs,
    targets,
    shape: [rows, columns],
    ...(attentionMask && { attentionMask }),
    ...(positionIds && { positionIds }),
    ...(segmentIds && { segmentIds, cuSeqlens: segmentStarts(segmentIds, columns) }),
  }
}

const numbers = (size: number): NonSharedUint32Array => allocated(4 * size, () => new Uint32Array(size))

/** The rows of a batch as samples of one length, which are views of it. */
export const rowsOf = ({ inputs, targets, shape, ...rest }: Batch): readonly Sample[] => {
  const [rows, columns] = shape
  const { attentionMask, positionIds, segmentIds } = rest
  const perRow = targets.length === rows ? 1 : columns
  return Array.from({ length: rows }, (_, row) => {
    const [start, end] = [row * columns, (row + 1) * columns]
    return {
      inputs: inputs.subarray(start, end),
      targets: targets.subarray(row * perRow, (row + 1) * perRow),
      ...(attentionMask && { attentionMask: attentionMask.subarray(start, end) }),
      ...(positionIds && { positionIds: positionIds.subarray(start, end) }),
      ...(segmentIds && { segmentIds: segmentIds.subarray(start, end) }),
    }
  })
}

/** Where segments start, and at last where they end: at the start of each row, and where the number changes. */
export const segmentStarts = (segmentIds: Uint32Array, columns: number): NonSharedInt32Array => {
  const starts: number[] = []
  for (let place = 0; place < segmentIds.length; place++)
    if (place % columns === 0 || segmentIds[place] !== segmentIds[place - 1]) starts.push(place)
  return Int32Array.from([...starts, segmentIds.length])
}

/** The first `size` places of an array that was given; an error when it is shorter. */
export const arrayFor = <T extends Uint32Array | Int32Array>(
  name: 'inputs' | 'targets',
  size: number,
  given: T | undefined,
): T | undefined => {
  if (given === undefined || given.length === size) return given
  if (given.length > size) return given.subarray(0, size) as T
  throw new TokenmillError(
    'ERR_INVALID_ARGUMENT',
    `expected room for a batch of ${size} values in out.${name}, received an array of ${given.length}`,
  )
}

/** The arrays of `out`. @throws `ERR_INVALID_ARGUMENT` unless it has both, and they are apart and not shared. */
export const checkedArrays = (out: unknown): BatchArrays => {
  const { inputs, targets } = membersOf<BatchArrays>(out)
  if (!types.isUint32Array(inputs)) throw invalid('out.inputs', 'a Uint32Array', inputs)
  if (!types.isInt32Array(targets)) throw invalid('out.targets', 'an Int32Array', targets)
  notShared('out.inputs', 'a Uint32Array', inputs)
  notShared('out.targets', 'an Int32Array', targets)
  checkEachApart({ inputs, targets })
  return { inputs, targets }
}

/** The first `size` places of the arrays that the caller gave. */
export const givenArrays = ({ inputs, targets }: BatchArrays, size: number): BatchArrays => ({
  inputs: arrayFor('inputs', size, inputs) as NonSharedUint32Array,
  targets: arrayFor('targets', size, targets) as NonSharedInt32Array,
})

/** Arrays for a batch of `size` places that holds whatever was in the memory before: all places must be written. Zeros would take as long as the batch. */
export const freshArrays = (size: number): BatchArrays => ({
  inputs: new Uint32Array(freshMemory(4 * size)),
  targets: new Int32Array(freshMemory(4 * size)),
})

const freshMemory = (bytes: number): ArrayBuffer =>
  // Few zeros are written sooner than a Buffer is made, which has a limit in some versions of Node.
  allocated(bytes, () =>
    bytes > 2 ** 13 && bytes <= 2 ** 30
      ? (Buffer.allocUnsafeSlow(bytes).buffer as ArrayBuffer)
      : new ArrayBuffer(bytes),
  )

const checkLengths = (samples: readonly Sample[], paddingId: number | undefined, oneTarget: boolean): void => {
  const columns = samples[0]?.inputs.length
  for (const { inputs, targets } of samples) {
    if (!oneTarget && targets.length !== inputs.length)
      throw new TokenmillError(
        'ERR_INVALID_ARGUMENT',
        `expected samples with a target for each input, or one for all, received ${inputs.length} inputs and ${targets.length} targets`,
      )
    if (paddingId === undefined && inputs.length !== columns)
      throw new TokenmillError(
        'ERR_INVALID_ARGUMENT',
        `expected samples of ${columns} inputs and targets, as the first of the batch, or a dataset with a paddingId, ` +
          `received ${inputs.length} inputs and ${targets.length} targets`,
      )
  }
}
