import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { TokenmillError } from './errors.ts'
import { tellRealm } from './own-realm.ts'
import { currentPlatform, type Platform } from './platform.ts'
import { explainNativeFailure, VersionMismatch } from './native-help.ts'
import type * as Binding from './native-binding.d.ts'
import { version } from './version.ts'

/** One place where the native addon was looked for, and what came of it. */
export interface NativeAttempt {
  /**
   * - `environment`: the file that the environment variable `TOKENMILL_NATIVE_PATH` names; nothing else is then tried
   * - `local build`: the file that `npm run build:native` writes in a checkout of the repository
   * - `package`: the npm package of this platform, an optional dependency of this one
   */
  readonly source: 'environment' | 'local build' | 'package'
  /** The file (a local build: relative to this module) or the package. */
  readonly request: string
  readonly outcome: 'loaded' | 'not there' | 'failed'
  /** What was thrown, unless it loaded or was known not to be there. */
  readonly error?: unknown
}

/** How loading went: for `tokenmill doctor`. */
export interface NativeReport {
  readonly platform: Platform
  /** The version of this package, which the addon must have too. */
  readonly version: string
  /** In the order of trying; the last one is `loaded` when there is an addon. */
  readonly attempts: readonly NativeAttempt[]
  /** What {@link native} throws; undefined when there is an addon. */
  readonly error: TokenmillError | undefined
}

/** What an addon exports. */
export type Addon = typeof Binding
type Loaded = { readonly addon: Addon; readonly report: NativeReport }
/** A place where an addon may be; `isThere` is asked before it is loaded, where that is known without. */
export type Candidate = Pick<NativeAttempt, 'source' | 'request'> & {
  readonly load: () => Addon
  readonly isThere?: () => boolean
}

const require = createRequire(import.meta.url)

/* Each name is written out where it is required, so that bundlers and deployment tools find the file. */
const packages: Readonly<Record<string, () => Addon>> = {
  'linux-x64-gnu': () => require('tokenmill-linux-x64-gnu'),
  'linux-x64-musl': () => require('tokenmill-linux-x64-musl'),
  'linux-arm64-gnu': () => require('tokenmill-linux-arm64-gnu'),
  'linux-arm64-musl': () => require('tokenmill-linux-arm64-musl'),
  'darwin-x64': () => require('tokenmill-darwin-x64'),
  'darwin-arm64': () => require('tokenmill-darwin-arm64'),
  'win32-x64-msvc': () => require('tokenmill-win32-x64-msvc'),
  'win32-arm64-msvc': () => require('tokenmill-win32-arm64-msvc'),
}

let loaded: Loaded | undefined

/**
 * The native addon, loaded at the first call. This file is the only one that loads it; `native-cuda.ts` loads the one with CUDA.
 *
 * Throws `ERR_NATIVE`, whose message says what was missing and what to run; the next call then tries again.
 */
export const native = (): Addon => {
  if (loaded) return loaded.addon
  const result = load()
  if ('addon' in result) return (loaded = result).addon
  throw result.error
}

/** What was tried to load the native addon. Loads it if that was not done yet; does not throw. */
export const describeNative = (): NativeReport => {
  if (loaded) return loaded.report
  const result = load()
  return 'addon' in result ? (loaded = result).report : result
}

/** The file behind the request of an attempt; throws where there is none. */
export const fileOf = (request: string): string => require.resolve(request)

const load = (): Loaded | (NativeReport & { readonly error: TokenmillError }) => {
  const platform = currentPlatform()
  const { addon, attempts } = tryEach(candidates(platform))
  if (addon) {
    tellRealm(addon.isNfc)
    return { addon, report: { platform, version, attempts, error: undefined } }
  }
  const { message, cause } = explainNativeFailure({
    platform,
    attempts,
    supported: Object.keys(packages),
    installed: Object.keys(packages).filter((id) => resolves(`tokenmill-${id}`)),
    inCheckout: inCheckout(),
  })
  return { platform, version, attempts, error: new TokenmillError('ERR_NATIVE', message, { cause }) }
}

/** The first addon of this version that loads, and what came of each place up to it. Does not throw. */
export const tryEach = (
  candidates: readonly Candidate[],
): { readonly addon: Addon | undefined; readonly attempts: readonly NativeAttempt[] } => {
  const attempts: NativeAttempt[] = []
  for (const { source, request, load, isThere } of candidates) {
    if (isThere?.() === false) {
      attempts.push({ source, request, outcome: 'not there' })
      continue
    }
    try {
      const addon = load()
      if (addon.VERSION !== version) throw new VersionMismatch(addon.VERSION)
      attempts.push({ source, request, outcome: 'loaded' })
      return { addon, attempts }
    } catch (error) {
      attempts.push({ source, request, outcome: isMissing(request, error) ? 'not there' : 'failed', error })
    }
  }
  return { addon: undefined, attempts }
}

/** Whether this is a checkout of the repository, where addons are compiled. */
export const inCheckout = (): boolean => resolves('../Cargo.toml')

const candidates = ({ id }: Platform): Candidate[] => {
  const override = process.env['TOKENMILL_NATIVE_PATH']
  if (override) {
    const file = resolve(override)
    return [{ source: 'environment', request: file, load: () => require(file) }]
  }
  // The same path from src/ and from the bundles in dist/; an installed package has no build/.
  const local = `../build/tokenmill.${id}.node`
  const fromPackage = packages[id]
  return [
    // An installed package has none, and to be told so by `require` takes 0.3 ms of a program's start.
    {
      source: 'local build',
      request: local,
      load: () => require(local),
      isThere: () => existsSync(join(import.meta.dirname, local)),
    },
    ...(fromPackage ? [{ source: 'package', request: `tokenmill-${id}`, load: fromPackage } as const] : []),
  ]
}

/* Not there at all; a package that is there but lacks its file is broken, and Node's error then names the file. */
const isMissing = (request: string, error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  error.code === 'MODULE_NOT_FOUND' &&
  error.message.startsWith(`Cannot find module '${request}'`)

const resolves = (request: string): boolean => {
  try {
    fileOf(request)
    return true
  } catch {
    return false
  }
}
