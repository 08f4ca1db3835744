import { glibcVersion, type Platform } from './platform.ts'
import type { NativeAttempt } from './native.ts'
import { version } from './version.ts'

/** The addon was loaded but is of another version than this package: their contract may differ. */
export class VersionMismatch extends Error {
  constructor(found: unknown) {
    super(`it is version ${String(found ?? 'unknown')}, and this is tokenmill ${version}: the two must be equal`)
  }
}

/** What is known when no addon could be loaded. */
export interface NativeFailure {
  readonly platform: Platform
  readonly attempts: readonly NativeAttempt[]
  /** The platforms that have a package. */
  readonly supported: readonly string[]
  /** Those whose package is installed here. */
  readonly installed: readonly string[]
  /** Whether this is a checkout of the repository, where the addon is compiled. */
  readonly inCheckout: boolean
}

/** The message of an `ERR_NATIVE`: platform, cause and what to run; and the most telling error as the cause. */
export const explainNativeFailure = (failure: NativeFailure): { message: string; cause: unknown } => {
  const { platform, attempts } = failure
  // An addon that is there and does not load says more than a place where there is none.
  const telling = attempts.find(({ outcome }) => outcome === 'failed') ?? attempts.at(-1)
  const { why, run } = reason(failure, telling)
  const libc =
    platform.libc === 'glibc'
      ? `, glibc ${glibcVersion() ?? 'of unknown version'}`
      : platform.libc
        ? `, ${platform.libc}`
        : ''
  return {
    message: [
      `the native addon of tokenmill ${version} could not be loaded on ${platform.id} (Node ${process.versions.node}${libc})`,
      `Cause: ${why}`,
      'What to do:',
      ...run.map((line) => `  - ${line}`),
    ].join('\n'),
    cause: telling?.error,
  }
}

type Reason = { readonly why: string; readonly run: readonly string[] }

const reason = (failure: NativeFailure, telling: NativeAttempt | undefined): Reason => {
  const { platform, supported, inCheckout } = failure
  const build = 'compile it: `npm run build:native` in a checkout of the repository'
  if (telling?.outcome === 'failed') return broken(failure, telling, build)
  if (telling?.source === 'environment') {
    return {
      why: `TOKENMILL_NATIVE_PATH names ${telling.request}, which is not there`,
      run: ['unset TOKENMILL_NATIVE_PATH, or correct it'],
    }
  }
  if (!supported.includes(platform.id)) {
    return { why: `there is no package for this platform; there is one for ${supported.join(', ')}`, run: [build] }
  }
  return inCheckout
    ? { why: 'the addon of this checkout is not compiled yet', run: ['npm run build:native'] }
    : notInstalled(failure)
}

const broken = ({ platform }: NativeFailure, { source, request, error }: NativeAttempt, build: string): Reason => {
  const message = error instanceof Error ? error.message : String(error)
  const why = `${request} (${source === 'environment' ? 'from TOKENMILL_NATIVE_PATH' : source}) is there but was not loaded: ${message}`
  const needed = /version [`']GLIBC_([\d.]+)' not found/.exec(message)?.[1]
  if (needed) {
    return {
      why,
      run: [`use a system with glibc ${needed} or newer; this one has ${glibcVersion() ?? 'an older one'}`, build],
    }
  }
  if ((error as { code?: unknown } | null)?.code === 'ERR_DLOPEN_DISABLED')
    return { why, run: ['start Node with --allow-addons beside --permission, and without --no-addons'] }
  if (source === 'environment')
    return { why, run: ['unset TOKENMILL_NATIVE_PATH, or let it name an addon of this version and platform'] }
  if (source === 'local build') return { why, run: ['npm run build:native'] }
  return {
    why,
    run: [
      `${npmInstall(platform)}, after deleting node_modules`,
      'if package-lock.json pins another version of it: delete package-lock.json too',
      build,
    ],
  }
}

const notInstalled = ({ platform, installed }: NativeFailure): Reason => ({
  why:
    `the package tokenmill-${platform.id} is not installed` +
    (installed.length > 0
      ? `, but ${installed.map((id) => `tokenmill-${id}`).join(', ')} is: node_modules was made for another platform`
      : ''),
  run: [
    npmInstall(platform),
    'if optional dependencies are switched off (--omit=optional, --no-optional, or so in .npmrc): npm install --include=optional',
    'if package-lock.json was made on another platform (https://github.com/npm/cli/issues/4828): delete it and node_modules, then npm install',
    'if node_modules was copied here from another machine: npm ci',
  ],
})

const npmInstall = ({ os, arch, libc }: Platform): string =>
  `npm install --os=${os} --cpu=${arch}${libc ? ` --libc=${libc}` : ''} tokenmill@${version}`
