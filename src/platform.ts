import { readFileSync } from 'node:fs'

/** What decides which native addon fits this process. */
export interface Platform {
  /** `<os>-<arch>` and, where there is more than one, the C library: `linux-x64-gnu`, `darwin-arm64`, `win32-x64-msvc`. */
  readonly id: string
  /** As in `process.platform`. */
  readonly os: string
  /** As in `process.arch`. */
  readonly arch: string
  /** The C library of this process on Linux, in npm's words; elsewhere undefined. */
  readonly libc: 'glibc' | 'musl' | undefined
}

/** The platform of this process. Takes well under a millisecond. */
export const currentPlatform = (): Platform => {
  const { platform: os, arch } = process
  const libc = os === 'linux' ? detectLibc() : undefined
  const suffix = libc === 'glibc' ? '-gnu' : libc === 'musl' ? '-musl' : os === 'win32' ? '-msvc' : ''
  return { id: `${os}-${arch}${suffix}`, os, arch, libc }
}

/*
 * The libraries that this process has mapped, which is the truth whatever is installed. A report of the process says
 * the same but takes 4 ms, a third of the time to the first token, so it is the second choice.
 */
const detectLibc = (): 'glibc' | 'musl' => {
  try {
    const maps = readFileSync('/proc/self/maps', 'latin1')
    if (/\/(ld-musl-|libc\.musl-)/.test(maps)) return 'musl'
    if (/\/(libc\.so\.6|libc-2\.\d+\.so|ld-linux-)/.test(maps)) return 'glibc'
  } catch {
    // no /proc, or no permission to read it
  }
  return glibcVersion() === undefined ? 'musl' : 'glibc'
}

/** The version of the glibc that this process runs on, as in `2.36`; undefined on musl and on other systems. */
export const glibcVersion = (): string | undefined => {
  if (process.platform !== 'linux') return undefined
  const report = process.report as NodeJS.ProcessReport & { excludeNetwork: boolean } // since Node 20.13
  const before = report.excludeNetwork
  report.excludeNetwork = true // otherwise the report looks up host names, for seconds
  try {
    const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } }
    return header?.glibcVersionRuntime
  } finally {
    report.excludeNetwork = before
  }
}
