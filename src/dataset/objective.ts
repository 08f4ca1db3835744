import { types } from 'node:util'
import { invalid } from '../validate.ts'
import { checkPlaces } from './checked-sample.ts'
import type { Sample } from './dataset.ts'

/** The ids of a dataset as both types of array, over one memory. */
export interface TokenViews {
  /** As unsigned numbers. */
  readonly ids: Uint32Array
  /** The same as signed numbers. */
  readonly signed: Int32Array
}

/** Which window a sample is of. */
export interface WindowPlace {
  /** The index of the window in its dataset. */
  readonly index: number
  /** The epoch, for objectives whose samples differ from one to the next. */
  readonly epoch: number
}

/** What a window asks of the model: how many ids it reads, and what it makes of them. */
export interface Objective {
  /** What messages call it. */
  readonly name: string
  /** The ids that a window of `contextLength` inputs reads. */
  idsPerWindow(contextLength: number): number
  /** The sample of `contextLength` inputs that starts at `start`; `place` says which one of the dataset it is. */
  sample(tokens: TokenViews, start: number, contextLength: number, place: WindowPlace): Sample
}

/**
 * Predict the next token: the targets are the inputs shifted by one, so a window reads `contextLength + 1` ids.
 */
export const nextToken = (): Objective => nextTokenObjective

// Ids are below 2^31, so the same four bytes are the same number in both types, and targets need no copy.
const nextTokenObjective: Objective = Object.freeze<Objective>({
  name: 'next-token',
  idsPerWindow: (contextLength) => contextLength + 1,
  sample: ({ ids, signed }, start, contextLength) => ({
    inputs: ids.subarray(start, start + contextLength),
    targets: signed.subarray(start + 1, start + 1 + contextLength),
  }),
})

/** The sample that `objective` makes of a window, when it is one of at most `contextLength` inputs and targets. */
export const sampleOf = (
  objective: Objective,
  tokens: TokenViews,
  start: number,
  contextLength: number,
  place: WindowPlace,
): Sample => {
  const sample: unknown = objective.sample(tokens, start, contextLength, place)
  const { inputs, targets } = (sample ?? {}) as Partial<Sample>
  const wrong = (what: string, type: string, value: unknown) =>
    invalid(`the ${what} that objective '${objective.name}' makes`, `${type} of at most ${contextLength} values`, value)
  if (!types.isUint32Array(inputs) || inputs.length > contextLength) throw wrong('inputs', 'a Uint32Array', inputs)
  if (!types.isInt32Array(targets) || targets.length > contextLength) throw wrong('targets', 'an Int32Array', targets)
  checkPlaces(sample as Sample, 'a sample of options.objective')
  return sample as Sample
}
