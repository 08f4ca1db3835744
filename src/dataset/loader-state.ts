import { TokenmillError } from '../errors.ts'
import { boolean, integerIn, invalid, isRevoked } from '../validate.ts'

/** How far a `DataLoader` has read: plain data, for a checkpoint. */
export interface LoaderState {
  /** Of this form of state. */
  readonly version: 1
  /** The epoch that is being read. */
  readonly epoch: number
  /** How many samples of it all ranks together have been given. */
  readonly sample: number
  /** The seed of the order. */
  readonly seed: number
  /** Whether the order is shuffled. */
  readonly shuffle: boolean
  /** The samples of the dataset. */
  readonly samples: number
}

/** A state that fits the order of this loader. */
export const checkedState = (
  state: unknown,
  own: { readonly seed: number; readonly shuffle: boolean; readonly samples: number },
): LoaderState => {
  if (typeof state !== 'object' || state === null || isRevoked(state))
    throw invalid('state', 'what state() returned', state)
  const { version, epoch, sample, seed, shuffle, samples } = state as Partial<LoaderState>
  if (version !== 1) throw invalid('state.version', '1', version)
  const checked: LoaderState = {
    version,
    epoch: integerIn('state.epoch', epoch, 0),
    samples: integerIn('state.samples', samples, 0),
    sample: integerIn('state.sample', sample, 0, samples),
    seed: integerIn('state.seed', seed, 0),
    shuffle: boolean('state.shuffle', shuffle),
  }
  for (const name of ['seed', 'shuffle', 'samples'] as const) {
    if (checked[name] !== own[name])
      throw new TokenmillError(
        'ERR_INVALID_ARGUMENT',
        `expected the state of a loader with ${name} ${own[name]}, received one with ${checked[name]}: its samples come in another order`,
      )
  }
  return checked
}
