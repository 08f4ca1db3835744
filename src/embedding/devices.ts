import { callNative } from '../errors.ts'
import { native } from '../native.ts'
import { describeCuda } from '../native-cuda.ts'

/** A device that can be used, or a kind of device that cannot. */
export type DeviceInfo =
  | {
      readonly kind: 'cpu'
      readonly available: true
      /** Hardware threads. */
      readonly cores: number
      /** Vector extensions of the processor, such as `avx2` and `fma`. */
      readonly features: readonly string[]
    }
  | {
      readonly kind: 'cuda'
      readonly available: true
      /** What `{ cuda: index }` names. */
      readonly index: number
      /** Its name by its maker. */
      readonly name: string
      /** Memory in bytes. */
      readonly memory: number
      /** Compute capability, such as `'9.0'`. */
      readonly computeCapability: string
    }
  | {
      readonly kind: 'cuda'
      readonly available: false
      /** What is missing, and what to do. */
      readonly reason: string
    }

/**
 * What this machine and this installation can compute on: the processor, then each CUDA device, or why there is none. It loads the package with
 * CUDA where that is installed.
 */
export const devices = (): readonly DeviceInfo[] => {
  const { cores, features } = callNative(() => native().cpuOfThisMachine())
  const { gpus, error } = describeCuda()
  return [
    { kind: 'cpu', available: true, cores, features },
    ...gpus.map((gpu, index) => ({ kind: 'cuda', available: true, index, ...gpu }) as const),
    ...(error ? [{ kind: 'cuda', available: false, reason: error.message } as const] : []),
  ]
}
