import { callNative } from '../errors.ts'
import { native } from '../native.ts'
import { noCuda } from './device.ts'

/** A kind of device: what this machine has of it, or why it cannot be used. */
export type DeviceInfo =
  | {
      readonly kind: 'cpu'
      readonly available: true
      /** Threads that run at once. */
      readonly cores: number
      /** Vector extensions of the processor, such as `avx2` and `fma`. */
      readonly features: readonly string[]
    }
  | {
      readonly kind: 'cuda'
      readonly available: false
      /** Why not, and what to do. */
      readonly reason: string
    }

/** What this machine and this build can compute on; for what they cannot, why. */
export const devices = (): readonly DeviceInfo[] => {
  const { cores, features } = callNative(() => native().cpuOfThisMachine())
  return [
    { kind: 'cpu', available: true, cores, features },
    { kind: 'cuda', available: false, reason: noCuda },
  ]
}
