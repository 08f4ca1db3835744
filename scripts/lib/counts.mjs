/** How many checks of a runner passed and failed. */
export class Counts {
  passed = 0
  failed = 0

  add({ passed, failed }) {
    this.passed += passed
    this.failed += failed
    return this
  }

  toString() {
    return `${this.passed} passed, ${this.failed} failed`
  }
}

const sum = (output, pattern) => [...output.matchAll(pattern)].reduce((total, [, number]) => total + Number(number), 0)

// Colours of a runner that thinks it is on a terminal.
const plain = (output) => output.replace(/\u001B\[[\d;]*[A-Za-z]/g, '')

/** Each reads the numbers of one kind of runner out of what it printed. */
export const readers = {
  /** `test result: ok. 12 passed; 0 failed; …`, once per test binary. */
  cargo: (output) => ({
    passed: sum(output, /^test result: .*? (\d+) passed;/gm),
    failed: sum(output, /^test result: .*? (\d+) failed;/gm),
  }),
  /** The closing lines `12 tests passed`, `1 test failed`, …; after a failure only the lines `✔ title` tell what passed. */
  ava: (output) => ({
    passed: sum(output, /^\s*(\d+) tests? passed$/gm) || [...output.matchAll(/^ {2}✔ /gm)].length,
    failed: sum(
      output,
      /^\s*(\d+) (?:(?:tests?|hooks?) failed|uncaught exceptions?|unhandled rejections?|tests? (?:remained|timed out).*)$/gm,
    ),
  }),
  /** Our own closing line `12 passed, 0 failed`. */
  own: (output) => {
    const [, passed, failed] = [...output.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1) ?? []
    return { passed: Number(passed ?? 0), failed: Number(failed ?? 0) }
  },
  /** A command that only has an exit code: one check. */
  exitCode: (_, code) => ({ passed: code === 0 ? 1 : 0, failed: 0 }),
}

/**
 * The counts of a finished runner. One that failed without saying what, or that ran nothing at all, is one failure:
 * a suite that vanished must not look like success. `mayBeEmpty`: unless the tests were chosen by name, and it has none of them.
 */
export const countsOf = (reader, { output, code }, { mayBeEmpty = false } = {}) => {
  const counts = reader(plain(output), code)
  const silent = counts.failed === 0 && (code !== 0 || (counts.passed === 0 && !mayBeEmpty))
  return silent ? { ...counts, failed: 1 } : counts
}

const reportLength = 40

// What the runners print at their end about what failed: cargo after `failures:`, up to the sum of each binary, ava after a rule.
const report = /^(?:failures:| {2}─+)\n(?<lines>[^]*?)(?:^test result:|(?![^]))/gm

/**
 * What failed, in lines for the end of a log, which is all of it that some people get to see: the beginning of the runner's
 * own report, then `✘ title` for each. Lines of this form in what ran inside are passed on.
 */
export const failuresOf = (output) => {
  const text = plain(output)
  const passedOn = text.split('\n').filter((line) => /^(?:✘| {2}│) /.test(line))
  if (passedOn.length > 0) return [...new Set(passedOn)]
  const titles = [...text.matchAll(/^(?:test (.+) \.\.\. FAILED| {2}✘ (.+))$/gm)].map(
    ([, ofCargo, ofAva]) => `✘ ${ofCargo ?? ofAva}`,
  )
  const lines = [...text.matchAll(report)].flatMap(({ groups }) => groups.lines.split('\n'))
  const shown = lines.filter((line) => line.trim() !== '').slice(0, reportLength)
  return [...shown.map((line) => `  │ ${line}`), ...new Set(titles)]
}
