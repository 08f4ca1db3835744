import type { NativeAttempt } from './native.ts'
import { version } from './version.ts'

/** What is known when there are no CUDA devices. */
export interface CudaFailure {
  /** The platform of this process. */
  readonly platform: string
  readonly attempts: readonly NativeAttempt[]
  /** The platforms that have a package. */
  readonly supported: readonly string[]
  /** Whether this is a checkout of the repository, where the addon can be compiled. */
  readonly inCheckout: boolean
  /** What the addon said when it was asked for devices; undefined when it could not be loaded. */
  readonly error: unknown
}

/** What is missing for CUDA, and what to do; and the most telling error as the cause. */
export const explainCudaFailure = (failure: CudaFailure): { message: string; cause: unknown } => {
  const telling = failure.attempts.find(({ outcome }) => outcome === 'failed') ?? failure.attempts.at(-1)
  const { why, run } = reason(failure, telling)
  return {
    message: [why, 'What to do:', ...run.map((line) => `  - ${line}`)].join('\n'),
    cause: failure.error ?? telling?.error,
  }
}

type Reason = { readonly why: string; readonly run: readonly string[] }

const cpu = "use device: 'cpu', or 'auto' for the fastest device that works"

const reason = (failure: CudaFailure, telling: NativeAttempt | undefined): Reason => {
  const { platform, supported, inCheckout, error } = failure
  if (error !== undefined) return silent(error)
  if (telling === undefined) {
    return { why: `there is no package for ${platform}; there is one for ${supported.join(', ')}`, run: [cpu] }
  }
  if (telling.outcome === 'failed') return broken(telling)
  if (telling.source === 'environment') {
    return {
      why: `TOKENMILL_CUDA_PATH names ${telling.request}, which is not there`,
      run: ['unset TOKENMILL_CUDA_PATH, or correct it'],
    }
  }
  return {
    why: `the package ${telling.request} is not installed`,
    run: [
      inCheckout ? 'npm run build:cuda' : `npm install ${telling.request}@${version}, on a machine with an NVIDIA GPU`,
      cpu,
    ],
  }
}

/* The addon is there and works, and its driver shows no device. */
const silent = (error: unknown): Reason => ({
  why: `the driver shows no device: ${textOf(error)}`,
  run: [
    'look at what nvidia-smi says, and at CUDA_VISIBLE_DEVICES',
    'in a container: give it the devices (docker run --gpus all)',
    cpu,
  ],
})

const broken = ({ source, request, error }: NativeAttempt): Reason => {
  const message = textOf(error)
  const library = /(lib[\w+-]+\.so[.\d]*): cannot open shared object file/.exec(message)?.[1]
  if (library?.startsWith('libcuda.')) {
    return {
      why: `the driver of NVIDIA is not there (${library})`,
      run: ['on a machine with an NVIDIA GPU: install its driver, version 580 or newer', cpu],
    }
  }
  if (library !== undefined) {
    return {
      why: `${library}, a library of CUDA 13, is not found`,
      run: [
        'install the libraries of CUDA 13 (cuda-libraries-13-0 of NVIDIA, or nvidia-cublas and nvidia-curand from PyPI)',
        'put the folder of the library into LD_LIBRARY_PATH before Node starts',
        cpu,
      ],
    }
  }
  return {
    why: `${request} (${source === 'environment' ? 'from TOKENMILL_CUDA_PATH' : source}) is there but was not loaded: ${message}`,
    run: [
      source === 'environment'
        ? 'unset TOKENMILL_CUDA_PATH, or let it name an addon of this version and platform'
        : source === 'local build'
          ? 'npm run build:cuda'
          : `npm install ${request}@${version}`,
      cpu,
    ],
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
