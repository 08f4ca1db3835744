#!/usr/bin/env node
import { describeFailure, exitCodes } from './failure.ts'
import { endQuietlyOnClosedPipe } from './output.ts'
import { program } from './program.ts'

endQuietlyOnClosedPipe()
// Once: a second interrupt ends the process at once, even while native code runs.
process.once('SIGINT', () => process.exit(exitCodes.interrupted))

try {
  await program().parseAsync()
} catch (error) {
  const { lines, exitCode } = describeFailure(error, Boolean(process.env['TOKENMILL_DEBUG']))
  process.stderr.write(lines)
  process.exitCode = exitCode
}
