/*
 * Proves that tests notice defects: plants each mutation of testdata/tokenizer/mutants.json in a copy of crates/bpe, runs the golden rows against
 * it, or the test that it names, and requires that a row or a text fails. A mutation that survives, that does not
 * compile, or whose `find` is no longer exactly once in its file, is a failure. The last line is `N passed, N failed`.
 *
 *   node scripts/mutants.mjs [words]      only the mutations whose file and sentence have these words
 */
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { Counts } from './lib/counts.mjs'
import { Failure, root, run, script } from './lib/run.mjs'

const folder = join(root, 'target/mutants')
const crates = ['crates/bpe', 'crates/testkit']

/** The crates as they are now: what is edited while this runs does not count. */
const takeOriginal = () => {
  const original = join(folder, 'original')
  rmSync(original, { recursive: true, force: true })
  for (const crate of crates) cpSync(join(root, crate), join(original, crate), { recursive: true })
  return original
}

/** A workspace of these crates alone, so that nothing else is compiled; what is built there is kept for the next time. */
const copyCrates = (original, name) => {
  const copy = join(folder, name)
  rmSync(join(copy, 'crates'), { recursive: true, force: true })
  cpSync(original, copy, { recursive: true })
  cpSync(join(root, 'Cargo.lock'), join(copy, 'Cargo.lock'))
  const manifest = readFileSync(join(root, 'Cargo.toml'), 'utf8')
  const members = `members = [${crates.map((crate) => JSON.stringify(crate)).join(', ')}]`
  writeFileSync(join(copy, 'Cargo.toml'), manifest.replace(/^members = .*$/m, members))
  return copy
}

/** What was built in `first`, for a copy that has nothing: all but the crates themselves serves there as well. */
const takeBuilt = (first, copy) => {
  const target = join(copy, 'target')
  if (!existsSync(target)) cpSync(join(first, 'target'), target, { recursive: true, preserveTimestamps: true })
}

/**
 * What notices mutations: a test of crates/bpe, in the program of the same name unless said, one in how many of its random texts, and how it
 * names the row or text that fails.
 */
const tests = {
  golden: { title: 'golden_rows', notice: /golden\.jsonl:\d+ \(.*?\) in \w+/ },
  pieces: {
    title: 'all_short_texts_of_the_characters_that_the_relatives_tell_apart',
    share: 50,
    notice: /^\w+.*, text \d+: ".*"$/m,
  },
  levels: { title: 'ascii', share: 100, notice: /^\w+.*, \w+: ".*"$/m },
  alphabets: { program: 'levels', title: 'words_of_other_alphabets', share: 30, notice: /^\w+.*, \w+: ".*"$/m },
}

const runTest = (copy, name, timeout) => {
  const { title, program = name, share = 1 } = tests[name]
  return run('cargo', ['test', '--profile', 'fast', '-p', 'tokenmill-bpe', '--test', program, '--', '--exact', title], {
    cwd: copy,
    env: {
      ...process.env,
      CARGO_TARGET_DIR: join(copy, 'target'),
      CARGO_TERM_COLOR: 'never',
      // Compiling takes longer than the rows do: a mutation 6 s and 1, optimised 26 and .5.
      CARGO_PROFILE_FAST_OPT_LEVEL: '0',
      CARGO_INCREMENTAL: '1',
      RUSTFLAGS: '-Awarnings',
      RUST_BACKTRACE: '0',
      TOKENMILL_ROOT: root,
      TOKENMILL_TEST_SHARE: String(share),
    },
    quiet: true,
    allowFailure: true,
    timeout,
  })
}

/** Plants one mutation in the copy, and says which row or text noticed it or what went wrong. */
const tryMutant = async (folders, { file, find, replace, test = 'golden' }) => {
  const [path, original] = [join(folders.copy, file), readFileSync(join(folders.original, file), 'utf8')]
  const places = original.split(find).length - 1
  if (places !== 1) return { problem: `\`find\` is ${places} times in ${file}` }
  writeFileSync(
    path,
    original.replace(find, () => replace),
  )
  const { code, output } = await runTest(folders.copy, test, 180_000)
  writeFileSync(path, original)
  if (code === 0) return { problem: `SURVIVED: ${tests[test].title} still passes` }
  const row = tests[test].notice.exec(output)
  if (row) return { row: row[0] }
  return {
    problem: /could not compile/.test(output) ? 'does not compile' : `no row or text failed:\n${output.slice(-2000)}`,
  }
}

/** The crates as they are must pass, else a failing row would prove nothing. */
const checkUnchanged = async (copy, names) => {
  for (const name of names) {
    // All dependencies are compiled the first time.
    const { code, output } = await runTest(copy, name, 900_000)
    if (code !== 0 || !/1 passed/.test(output))
      throw new Failure(`${tests[name].title} fails without a mutation:\n${output.slice(-4000)}`)
  }
}

await script(async () => {
  const words = process.argv.slice(2).join(' ')
  const all = JSON.parse(readFileSync(join(root, 'testdata/tokenizer/mutants.json'), 'utf8'))
  const mutants = all.filter(({ breaks, file }) => `${file}: ${breaks}`.includes(words))
  const names = [...new Set(mutants.map(({ test = 'golden' }) => test))]
  const counts = new Counts()
  const original = takeOriginal()
  const first = copyCrates(original, '0')
  await checkUnchanged(first, names)
  const waiting = [...mutants.entries()]
  const worker = async (_, number) => {
    const copy = number === 0 ? first : copyCrates(original, String(number))
    takeBuilt(first, copy)
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, mutant] = next
      const { row, problem } = await tryMutant({ original, copy }, mutant)
      counts.add(row ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 })
      const place = mutant.file.slice(dirname(dirname(mutant.file)).length + 1)
      console.log(`${row ? '✔' : '✖'} ${index + 1}. ${place}: ${mutant.breaks}\n     ${row ?? problem}`)
    }
  }
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker))
  console.log(`\n${counts.passed} of ${mutants.length} mutations made a row or text fail\n\n${counts}`)
  if (counts.failed > 0 || counts.passed === 0) process.exitCode = 1
})
