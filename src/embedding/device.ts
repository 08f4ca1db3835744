import { TokenmillError } from '../errors.ts'
import { type Addon, native } from '../native.ts'
import { describeCuda, nativeCuda } from '../native-cuda.ts'
import { integerIn, invalid } from '../validate.ts'

/**
 * Where to compute:
 *
 * - `'auto'`: a CUDA device where there is one that can do it, else the processor
 * - `'cpu'`: the processor
 * - `'cuda'`, `{ cuda: n }`: the first CUDA device, or number n, of the package `tokenmill-cuda-linux-x64-gnu`, which is added by name;
 *   `ERR_DEVICE` says what is missing for it
 */
export type Device = 'auto' | 'cpu' | 'cuda' | { readonly cuda: number }

/** The device that something is on. */
export type DeviceName = 'cpu' | `cuda:${number}`

/** The devices for an option, the first of which that works is to be taken; or `ERR_DEVICE` with the reason when none can be used. */
export const resolveDevice = (name: string, value: unknown): readonly DeviceName[] => {
  if (value === 'cpu') return ['cpu']
  if (value === 'auto') return describeCuda().gpus.length > 0 ? ['cuda:0', 'cpu'] : ['cpu']
  if (value === 'cuda') return [cuda("'cuda'", 0)]
  if (typeof value === 'object' && value !== null && 'cuda' in value) {
    const index = integerIn(`${name}.cuda`, value.cuda, 0)
    return [cuda(`{ cuda: ${index} }`, index)]
  }
  throw invalid(name, "'auto', 'cpu', 'cuda' or { cuda: number }", value)
}

const cuda = (asked: string, index: number): DeviceName => {
  const { gpus, error } = describeCuda()
  if (index < gpus.length) return `cuda:${index}`
  const [why, cause] = error ? [error.message, error] : [`this machine has ${gpus.length} CUDA devices`, undefined]
  throw new TokenmillError('ERR_DEVICE', `the device ${asked} cannot be used: ${why}`, { cause })
}

/** The addon whose natives are on a device. */
export const addonOf = (device: DeviceName): Addon => (device === 'cpu' ? native() : nativeCuda())

/** Whether what is on two devices is of one addon. */
export const sharesAddon = (one: DeviceName, other: DeviceName): boolean => (one === 'cpu') === (other === 'cpu')

/** The number of a CUDA device, as natives take it; undefined for the processor. */
export const cudaOf = (device: DeviceName): number | undefined =>
  device === 'cpu' ? undefined : Number(device.slice('cuda:'.length))

/** What `make` makes on the first of `devices`; where that is `ERR_DEVICE`, on the next. */
export const onFirst = <T>(devices: readonly DeviceName[], make: (device: DeviceName) => T): T => {
  for (const device of devices.slice(0, -1)) {
    try {
      return make(device)
    } catch (error) {
      if (!isDeviceError(error)) throw error
    }
  }
  return make(last(devices))
}

/** {@link onFirst}, for what is made off the event loop. */
export const onFirstAsync = async <T>(
  devices: readonly DeviceName[],
  make: (device: DeviceName) => Promise<T>,
): Promise<T> => {
  for (const device of devices.slice(0, -1)) {
    try {
      return await make(device)
    } catch (error) {
      if (!isDeviceError(error)) throw error
    }
  }
  return make(last(devices))
}

const last = (devices: readonly DeviceName[]): DeviceName => devices.at(-1) ?? 'cpu'

const isDeviceError = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_DEVICE'
