import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { fromNative, TokenmillError } from './errors.ts'
import { explainCudaFailure } from './native-cuda-help.ts'
import type { NativeGpu } from './native-binding.d.ts'
import { type Addon, type Candidate, inCheckout, type NativeAttempt, native, tryEach } from './native.ts'
import { currentPlatform } from './platform.ts'

/** What loading the addon with CUDA came to. */
export interface CudaReport {
  /** In the order of trying; the last one is `loaded` when there is an addon. */
  readonly attempts: readonly NativeAttempt[]
  /** The CUDA devices, in the order of their numbers; none where there is an error. */
  readonly gpus: readonly NativeGpu[]
  /** Why there are none, and what to do. */
  readonly error: TokenmillError | undefined
}

const require = createRequire(import.meta.url)

/* Written out, as in native.ts. It is added by name: no package depends on it. */
const packages: Readonly<Record<string, () => Addon>> = {
  'linux-x64-gnu': () => require('tokenmill-cuda-linux-x64-gnu'),
}

let loaded: { readonly addon: Addon | undefined; readonly report: CudaReport } | undefined

/**
 * What was found when the addon with CUDA was loaded, which the first call does. Does not throw.
 *
 * It is looked for once: where libraries are looked for is fixed when a process starts, so that a second look would find the same; and `'auto'` means the same device for all
 * of a process.
 */
export const describeCuda = (): CudaReport => (loaded ??= load()).report

/** The addon with CUDA. Throws `ERR_DEVICE`, whose message says what is missing and what to do. */
export const nativeCuda = (): Addon => {
  const { addon, report } = (loaded ??= load())
  if (addon) return addon
  throw report.error ?? new TokenmillError('ERR_DEVICE', 'there is no addon with CUDA')
}

/** Does `work` with the addon with CUDA, if it is loaded. */
export const ifCudaLoaded = (work: (addon: Addon) => void): void => {
  if (loaded?.addon) work(loaded.addon)
}

const load = (): NonNullable<typeof loaded> => {
  const platform = currentPlatform()
  const { addon, attempts } = tryEach(candidates(platform.id))
  const failed = (error: unknown): CudaReport => {
    const { message, cause } = explainCudaFailure({
      platform: platform.id,
      attempts,
      supported: Object.keys(packages),
      inCheckout: inCheckout(),
      error,
    })
    return { attempts, gpus: [], error: new TokenmillError('ERR_DEVICE', message, { cause }) }
  }
  if (!addon) return { addon, report: failed(undefined) }
  try {
    addon.setThreads(native().threads())
    return { addon, report: { attempts, gpus: addon.cudaDevices(), error: undefined } }
  } catch (thrown) {
    // It looks at nothing of a caller's, so it throws only errors of its own.
    const error = fromNative(thrown) as TokenmillError
    // What the driver says needs to be explained; what is wrong with TOKENMILL_THREADS says so itself.
    return { addon: undefined, report: error.code === 'ERR_DEVICE' ? failed(error) : { attempts, gpus: [], error } }
  }
}

const candidates = (id: string): Candidate[] => {
  const override = process.env['TOKENMILL_CUDA_PATH']
  if (override) {
    const file = resolve(override)
    return [{ source: 'environment', request: file, load: () => require(file) }]
  }
  const local = `../build/cuda/tokenmill.${id}.node`
  const fromPackage = packages[id]
  return fromPackage
    ? [
        { source: 'local build', request: local, load: () => require(local) },
        { source: 'package', request: `tokenmill-cuda-${id}`, load: fromPackage },
      ]
    : []
}
