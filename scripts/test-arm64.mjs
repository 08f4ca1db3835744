/*
 * `npm run test:arm64 [-- a word of a test's name]`: tests compiled for 64-bit Arm, where the level of instructions is NEON. Of crates/bpe those of the levels,
 * the golden rows, and seeded random strings beside the naive reference; of crates/word-vectors those of training and of nearest words. On an x86-64 Linux they run
 * under qemu's emulation.
 *
 * Needs, and on Debian and its relatives unpacks into target/debian/ what is missing: a cross-compiler of C (for the linker), qemu, and a standard library of
 * Rust for the target (`rustup target add aarch64-unknown-linux-gnu`, else compiled from its source).
 *
 * Emulation is slow: tests make one in TOKENMILL_TEST_SHARE (50 unless set) of their random texts. The last line is `N passed, N failed`.
 */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { runChecks } from './lib/checks.mjs'
import { readers } from './lib/counts.mjs'
import { hasApt, unpackPackages } from './lib/debian.mjs'
import { ensureRust } from './lib/ensure.mjs'
import { Failure, root, script } from './lib/run.mjs'
import { hasStandardLibrary, hostTarget, standardLibrarySource } from './lib/standard-library.mjs'

const target = 'aarch64-unknown-linux-gnu'
const compiler = 'aarch64-linux-gnu-gcc'
const emulators = ['qemu-aarch64-static', 'qemu-aarch64']
const packages = ['gcc-aarch64-linux-gnu', 'libc6-dev-arm64-cross', 'qemu-user-static']
const unpacked = join(root, 'target/debian/arm64')

const onPath = (name) => process.env.PATH.split(delimiter).some((folder) => existsSync(join(folder, name)))
const hasTools = () => onPath(compiler) && emulators.some(onPath)

/** Makes sure that the compiler and the emulator are on the PATH. Returns what the C library's files lie in. */
const ensureTools = async () => {
  if (hasTools()) return '/'
  if (!existsSync(unpacked)) {
    if (!hasApt())
      throw new Failure(
        `${compiler} or qemu-aarch64 is missing: install a cross-compiler for 64-bit Arm and qemu's user emulation, then try again.`,
      )
    console.log(`Unpacking ${packages.join(', ')} into target/debian/`)
    await unpackPackages(packages, unpacked)
  }
  process.env.PATH = `${join(unpacked, 'usr/bin')}${delimiter}${process.env.PATH}`
  // Of the cross-compiler's own programs.
  process.env.LD_LIBRARY_PATH = join(unpacked, 'usr/lib/x86_64-linux-gnu')
  if (!hasTools())
    throw new Failure(`${compiler} or qemu-aarch64 is still missing: remove ${unpacked}, then try again.`)
  return unpacked
}

const crossSettings = async () => {
  const system = await ensureTools()
  const library = (await hasStandardLibrary(target)) ? { args: [], env: {} } : await standardLibrarySource()
  const emulator = emulators.find(onPath)
  return {
    args: library.args,
    env: {
      ...library.env,
      CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER: compiler,
      CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS: `-Clink-arg=--sysroot=${system}`,
      CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER: `${emulator} -L ${join(system, 'usr/aarch64-linux-gnu')}`,
      CC_aarch64_unknown_linux_gnu: compiler,
      CFLAGS_aarch64_unknown_linux_gnu: `--sysroot=${system}`,
    },
  }
}

await script(async () => {
  await ensureRust()
  const host = await hostTarget()
  if (host !== target && host !== 'x86_64-unknown-linux-gnu')
    throw new Failure(
      `Programs of ${target} run on ${target}, and under emulation on x86_64-unknown-linux-gnu; this is ${host}.`,
    )
  const { args, env } = host === target ? { args: [], env: {} } : await crossSettings()
  const title = host === target ? '64-bit Arm' : '64-bit Arm, under emulation'
  const check = (crate, tests) => ({
    title: `${title}: crates/${crate}`,
    command: [
      ...['cargo', 'test', '--profile', 'fast', '--no-fail-fast', '-p', `tokenmill-${crate}`],
      ...['--lib', ...tests.flatMap((test) => ['--test', test])],
      ...['--target', target, '--target-dir', join(root, 'target/arm64'), ...args],
      ...process.argv.slice(2),
    ],
    reader: readers.cargo,
    env: { TOKENMILL_TEST_SHARE: process.env.TOKENMILL_TEST_SHARE ?? '50', ...env },
  })
  await runChecks(
    [check('bpe', ['levels', 'golden', 'strings', 'merges']), check('word-vectors', ['train', 'vectors'])],
    { areChosen: process.argv.length > 2 },
  )
})
