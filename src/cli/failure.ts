import { CommanderError } from 'commander'
import { TokenmillError } from '../errors.ts'
import { inFlags } from './in-flags.ts'
import { escaped } from './terminal/visible.ts'

/** Exit codes of the command line. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const

/** A failure that a person understands from its one line: no defect, no stack. */
export class CliFailure extends Error {
  readonly code: string
  readonly exitCode: number

  constructor(code: string, message: string, options: ErrorOptions & { readonly exitCode?: number } = {}) {
    super(message, options)
    this.code = code
    this.exitCode = options.exitCode ?? exitCodes.failed
  }
}

/** A command line that asks for what cannot be. */
export const usageFailure = (message: string): CliFailure =>
  new CliFailure('ERR_USAGE', message, { exitCode: exitCodes.usage })

/** What `error` of a command with `flags` is on stderr, and the exit code that goes with it. With `debug`, the stack as well. */
export const describeFailure = (
  error: unknown,
  { flags, debug }: { readonly flags: ReadonlySet<string>; readonly debug: boolean },
): { readonly lines: string; readonly exitCode: number } => {
  // Commander has printed its own message, or the help that was asked for.
  if (error instanceof CommanderError) return { lines: '', exitCode: error.exitCode === 0 ? 0 : exitCodes.usage }
  const { code, message: raw } = codeAndMessage(error, flags)
  // Names and contents of files are in it; line ends are ours, where a message has several lines.
  const message = raw.split('\n').map(escaped).join('\n')
  const stack = debug && error instanceof Error ? `\n${error.stack}` : ''
  return { lines: `tokenmill: ${code}: ${message}${stack}\n`, exitCode: exitCodeOf(error) }
}

const codeAndMessage = (error: unknown, flags: ReadonlySet<string>): { code: string; message: string } => {
  if (error instanceof CliFailure) return error
  if (error instanceof TokenmillError) return { code: error.code, message: inFlags(error.message, flags) }
  const { code, message } = error as { code?: unknown; message?: unknown }
  return { code: typeof code === 'string' ? code : 'ERR_INTERNAL', message: String(message ?? error) }
}

const exitCodeOf = (error: unknown): number => {
  if (error instanceof CliFailure) return error.exitCode
  // Every argument of a call comes from the command line here.
  return error instanceof TokenmillError && error.code === 'ERR_INVALID_ARGUMENT' ? exitCodes.usage : exitCodes.failed
}
