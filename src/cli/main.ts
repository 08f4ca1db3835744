#!/usr/bin/env node
import { describeFailure, exitCodes } from './failure.ts'
import { watchOutput } from './output.ts'
import { program } from './program.ts'

let flags: ReadonlySet<string> = new Set()

/** Says what failed; gives the exit code. */
const report = (error: unknown): number => {
  const { lines, exitCode } = describeFailure(error, { flags, debug: Boolean(process.env['TOKENMILL_DEBUG']) })
  process.stderr.write(lines)
  return exitCode
}

watchOutput((failure) => process.exit(report(failure)))
// Once: a second interrupt ends the process at once, even while native code runs.
process.once('SIGINT', () => process.exit(exitCodes.interrupted))

try {
  await program()
    .hook('preAction', (_, { options }) => {
      flags = new Set(options.map(({ long }) => long ?? ''))
    })
    .parseAsync()
} catch (error) {
  process.exitCode = report(error)
}
