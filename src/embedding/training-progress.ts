import type { LoaderState } from '../dataset/loader-state.ts'
import { TokenmillError } from '../errors.ts'
import { finiteNumber, integerIn } from '../validate.ts'

/** How far a training was when it was saved. */
export interface SavedProgress {
  /** Which samples were read. */
  readonly loader: LoaderState
  /** Steps that were made. */
  readonly step: number
  /** Targets that were learned from. */
  readonly targets: number
  /** Sums of the epoch that is under way, or of the one that has just ended. */
  readonly epoch: { readonly loss: number; readonly targets: number }
}

/** As text, for a checkpoint. */
export const writeProgress = (progress: SavedProgress): string => JSON.stringify(progress)

/**
 * What {@link writeProgress} wrote into the checkpoint `path`. The state of the loader is checked by the loader.
 * @throws `ERR_INVALID_FILE` when it is anything else.
 */
export const readProgress = (path: string, text: string): SavedProgress => {
  try {
    const { loader, step, targets, epoch } = JSON.parse(text) as SavedProgress
    return {
      loader,
      step: integerIn('step', step, 0),
      targets: integerIn('targets', targets, 0),
      epoch: { loss: finiteNumber('epoch.loss', epoch.loss), targets: integerIn('epoch.targets', epoch.targets, 0) },
    }
  } catch (cause) {
    throw new TokenmillError('ERR_INVALID_FILE', `${path}: it is no checkpoint of trainEmbedding`, { cause })
  }
}
