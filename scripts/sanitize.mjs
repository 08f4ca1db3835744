/*
 * `npm run sanitize [-- address|thread] [testkit|bpe|…] [a word of a test's name]`: the tests of the core crates, or of some, instrumented by
 * AddressSanitizer, then by ThreadSanitizer. On Linux, x86-64 or arm64. The stable compiler does it with RUSTC_BOOTSTRAP=1. ThreadSanitizer must
 * see what the standard library does too, so that is compiled as well, from `rustup component add rust-src` or Debian's package.
 *
 * Instrumented code is many times slower: tests make one in TOKENMILL_TEST_SHARE (100 unless set) of their random texts. What is built
 * lies in target/sanitize/. The last line is `N passed, N failed`.
 */
import { join } from 'node:path'
import { ensureRust } from './lib/ensure.mjs'
import { readers } from './lib/counts.mjs'
import { runChecks } from './lib/checks.mjs'
import { Failure, root, script } from './lib/run.mjs'
import { hostTarget, standardLibrarySource } from './lib/standard-library.mjs'

const crates = ['testkit', 'bpe', 'embedding', 'corpus', 'files', 'tokenizer-json', 'word-vectors']

/* Tests ask for memory that no machine has: it must be an error of ours, as without a sanitizer, and not the end of the process. */
const noMemory = 'allocator_may_return_null=1'

const sanitizers = {
  address: {
    title: 'AddressSanitizer',
    env: { ASAN_OPTIONS: `detect_stack_use_after_return=1:${noMemory}` },
  },
  thread: {
    title: 'ThreadSanitizer',
    withStandardLibrary: true,
    env: { TSAN_OPTIONS: `halt_on_error=1:${noMemory}:suppressions=${join(root, 'scripts/lib/thread-sanitizer.txt')}` },
  },
}

await script(async () => {
  const words = process.argv.slice(2)
  const chosen = (all) => (words.some((word) => all.includes(word)) ? all.filter((name) => words.includes(name)) : all)
  const names = chosen(Object.keys(sanitizers))
  const filter = words.filter((word) => !crates.includes(word) && !Object.hasOwn(sanitizers, word))
  await ensureRust()
  const target = await hostTarget()
  if (!/^(x86_64|aarch64)-unknown-linux-gnu$/.test(target)) throw new Failure(`there are no sanitizers for ${target}`)
  const library = names.some((name) => sanitizers[name].withStandardLibrary) && (await standardLibrarySource())

  await runChecks(
    names.map((name) => ({
      title: sanitizers[name].title,
      command: [
        ...['cargo', 'test', '--profile', 'fast', '--lib', '--tests', '--no-fail-fast'],
        ...['--target', target, '--target-dir', join(root, 'target/sanitize', name)],
        ...chosen(crates).flatMap((crate) => ['-p', `tokenmill-${crate}`]),
        ...(sanitizers[name].withStandardLibrary ? library.args : []),
        ...filter,
      ],
      reader: readers.cargo,
      env: {
        RUSTC_BOOTSTRAP: '1',
        RUSTFLAGS: `-Zsanitizer=${name}`,
        CARGO_PROFILE_FAST_DEBUG: 'line-tables-only',
        CARGO_PROFILE_FAST_STRIP: 'none',
        TOKENMILL_TEST_SHARE: process.env.TOKENMILL_TEST_SHARE ?? '100',
        // Instrumented code has larger frames: macros that call themselves may fill the 2 MiB of a thread of a test.
        RUST_MIN_STACK: String(32 << 20),
        ...sanitizers[name].env,
        ...(sanitizers[name].withStandardLibrary ? library.env : {}),
      },
    })),
  )
})
