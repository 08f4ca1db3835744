import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { hasApt, unpackFromSuite } from './debian.mjs'
import { Failure, root, run } from './run.mjs'

const ofRustc = async (...args) => (await run('rustc', args, { quiet: true })).output.trim()

/** This machine's target, such as `x86_64-unknown-linux-gnu`. */
export const hostTarget = async () => /^host: (.+)$/m.exec(await ofRustc('-vV'))[1]

/** Whether the compiler has the standard library of `target`. */
export const hasStandardLibrary = async (target) =>
  existsSync(await ofRustc('--print', 'target-libdir', '--target', target))

/**
 * What lets cargo compile the standard library: from `rustup component add rust-src`, or else from Debian's backports, unpacked into target/.
 *
 * @returns {Promise<{ args: string[], env: Record<string, string> }>} for cargo
 */
export const standardLibrarySource = async () => {
  const args = ['-Zbuild-std=std,panic_unwind']
  const env = { RUSTC_BOOTSTRAP: '1' }
  if (existsSync(join(await ofRustc('--print', 'sysroot'), 'lib/rustlib/src/rust/library'))) return { args, env }

  const release = /^release: (.+)$/m.exec(await ofRustc('-vV'))[1]
  const folder = join(root, 'target/debian/rust-src')
  const library = join(folder, `usr/src/rustc-${release}/library`)
  if (!existsSync(library)) {
    const byHand = 'Run this, then try again:\n\n  rustup component add rust-src\n'
    if (!hasApt()) throw new Failure(`The source of the standard library is missing. ${byHand}`)
    console.log(`Unpacking the source of the standard library, Debian's rust-src ${release}, into target/debian/`)
    await unpackFromSuite('rust-src', release, 'trixie-backports', folder).catch(() => {})
    if (!existsSync(library)) throw new Failure(`Debian's backports have no rust-src ${release}. ${byHand}`)
  }
  return { args, env: { ...env, __CARGO_TESTS_ONLY_SRC_ROOT: library } }
}
