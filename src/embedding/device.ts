import { TokenmillError } from '../errors.ts'
import { integerIn, invalid } from '../validate.ts'

/**
 * Where to compute:
 *
 * - `'auto'`: the fastest device that works here
 * - `'cpu'`: the processor
 * - `'cuda'`, `{ cuda: n }`: the first NVIDIA GPU, or number n. This build has no CUDA code, so both are `ERR_DEVICE`.
 */
export type Device = 'auto' | 'cpu' | 'cuda' | { readonly cuda: number }

/** The device that something is on. */
export type DeviceName = 'cpu'

/** Why CUDA devices cannot be used. */
export const noCuda = "this build has no CUDA code; use device: 'cpu', or 'auto' for the fastest device that works"

/** The device for an option, or `ERR_DEVICE` with the reason when it cannot be used. */
export const resolveDevice = (name: string, value: unknown): DeviceName => {
  if (value === 'auto' || value === 'cpu') return 'cpu'
  if (value === 'cuda') throw new TokenmillError('ERR_DEVICE', `the device 'cuda' cannot be used: ${noCuda}`)
  if (typeof value === 'object' && value !== null && 'cuda' in value) {
    const index = integerIn(`${name}.cuda`, value.cuda, 0)
    throw new TokenmillError('ERR_DEVICE', `the device { cuda: ${index} } cannot be used: ${noCuda}`)
  }
  throw invalid(name, "'auto', 'cpu', 'cuda' or { cuda: number }", value)
}
