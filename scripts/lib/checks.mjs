import { Counts, countsOf, failuresOf, readers } from './counts.mjs'
import { Failure, run } from './run.mjs'

/**
 * Runs checks one after the other, says how each went and how long it took, and at the end what failed and the plain
 * line `N passed, N failed` summed over all. The exit code is 1 when anything failed.
 *
 * @param {readonly { title: string, command: readonly string[], reader?: (output: string, code: number) => { passed: number, failed: number },
 *   env?: NodeJS.ProcessEnv, quiet?: boolean }[]} checks `quiet` ones print their output only when they fail
 * @param {{ areChosen?: boolean }} options `areChosen`: tests were chosen by name, so that some checks may have none, but not all
 */
export const runChecks = async (checks, { areChosen = false } = {}) => {
  const total = new Counts()
  const summary = []
  const failures = []
  for (const { title, command, reader = readers.exitCode, env = {}, quiet = false } of checks) {
    const [program, ...args] = command
    console.log(`\n▸ ${title}: ${command.join(' ')}`)
    const start = performance.now()
    const result = await run(program, args, { env: { ...process.env, ...env }, quiet, allowFailure: true }).catch(
      (error) => {
        if (!(error instanceof Failure)) throw error
        return { code: 1, output: error.message }
      },
    )
    const counts = countsOf(reader, result, { mayBeEmpty: areChosen })
    if (quiet && counts.failed > 0) console.log(result.output)
    if (counts.failed > 0) failures.push(...failuresOf(result.output))
    total.add(counts)
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    summary.push(
      `${counts.failed > 0 ? '✖' : '✔'} ${title}: ${counts.passed} passed, ${counts.failed} failed (${seconds} s)`,
    )
    console.log(summary.at(-1))
  }
  if (total.passed + total.failed === 0) {
    failures.push('✘ no test has that name')
    total.add({ passed: 0, failed: 1 })
  }
  console.log(`\n${[...failures, ...summary].join('\n')}\n\n${total}`)
  if (total.failed > 0) process.exitCode = 1
}
