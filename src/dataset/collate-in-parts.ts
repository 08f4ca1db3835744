import { allocated } from '../allocated.ts'
import { checkApartFromSamples } from './apart.ts'
import type { Batch } from './batch.ts'
import { arrayFor, collate, type CollateOptions, segmentStarts } from './collate.ts'
import type { Sample } from './dataset.ts'

/** Places of a batch that are made at once. */
const placesAtOnce = 2 ** 18

/** Samples that are made when they are asked for. */
interface Samples {
  readonly rows: number
  sample(row: number): Sample
  /** Those from row `start` to before `end`. */
  samples(start: number, end: number): readonly Sample[]
}

/**
 * {@link collate} of all `rows`. A large batch is made a few rows at a time, so that no more than these
 * are there beside it, unless rows turn out to have different lengths or members: then all are made at once.
 */
export const collateInParts = (from: Samples, { paddingId, out }: CollateOptions): Batch => {
  const { rows } = from
  const atOnce = () => collate(from.samples(0, rows), { paddingId, out })
  if (rows < 2) return atOnce()
  const first = collate([from.sample(0)], { paddingId })
  const [, columns] = first.shape
  if (rows * columns <= placesAtOnce) return atOnce()
  const step = Math.max(1, Math.floor(placesAtOnce / columns))
  const batch = emptyLike(first, rows, out)
  for (let start = 0; start < rows; start += step) {
    const samples = from.samples(start, Math.min(start + step, rows))
    if (out !== undefined) checkApartFromSamples(samples, out)
    const part = collate(samples, { paddingId })
    if (!isLike(part, first)) return atOnce()
    for (const name of arraysOf(first)) batch[name]?.set(part[name] as Uint32Array, start * perRow(first, name))
  }
  const { segmentIds } = batch
  return { ...batch, shape: [rows, columns], ...(segmentIds && { cuSeqlens: segmentStarts(segmentIds, columns) }) }
}

type Arrays = Omit<Batch, 'shape' | 'cuSeqlens'>

const names = ['inputs', 'targets', 'attentionMask', 'positionIds', 'segmentIds'] as const

const arraysOf = (batch: Batch) => names.filter((name) => batch[name] !== undefined)

/** The places of a row in one array of `batch`. */
const perRow = (batch: Batch, name: keyof Arrays): number => (batch[name]?.length ?? 0) / batch.shape[0]

const isLike = (part: Batch, first: Batch): boolean =>
  part.shape[1] === first.shape[1] && names.every((name) => perRow(part, name) === perRow(first, name))

/** The arrays of `first`, which is of one row, for `rows` of them. */
const emptyLike = (first: Batch, rows: number, out: CollateOptions['out']): Arrays => {
  const [size, answers] = [rows * first.inputs.length, rows * first.targets.length]
  const inputs = arrayFor('inputs', size, out?.inputs)
  const targets = arrayFor('targets', answers, out?.targets)
  return allocated(17 * size, () => ({
    inputs: inputs ?? new Uint32Array(size),
    targets: targets ?? new Int32Array(answers),
    ...(first.attentionMask && { attentionMask: new Uint8Array(size) }),
    ...(first.positionIds && { positionIds: new Uint32Array(size) }),
    ...(first.segmentIds && { segmentIds: new Uint32Array(size) }),
  }))
}
