import { once } from 'node:events'
import { nextTurn } from '../event-loop.ts'
import { CliFailure, exitCodes } from './failure.ts'

/** Writes to stdout, waiting while the reader is slower. */
export const write = async (chunk: string | Uint8Array): Promise<void> => {
  if (chunk.length > 0 && !process.stdout.write(chunk)) await once(process.stdout, 'drain')
}

/** Writes one JSON value and a line end. */
export const writeJson = (value: unknown): Promise<void> => write(`${JSON.stringify(value)}\n`)

/** Writes the numbers with `separator` between them, in pieces, since the whole may be longer than a string can be. */
export const writeNumbers = async (numbers: Uint32Array | Int32Array, separator: string): Promise<void> => {
  const step = 65_536
  for (let start = 0; start < numbers.length; start += step) {
    await write((start > 0 ? separator : '') + numbers.subarray(start, start + step).join(separator))
  }
}

/**
 * Writes each line with its end, some at a time: a reader has the first ones before the last are made. In between, it is seen that a reader has gone, and that
 * somebody wants the process to end.
 */
export const writeLines = async (lines: Iterable<string>): Promise<void> => {
  let chunk = ''
  for (const line of lines) {
    chunk += `${line}\n`
    if (chunk.length < 65_536) continue
    await write(chunk)
    await nextTurn()
    chunk = ''
  }
  await write(chunk)
}

/**
 * Looks after what stdout and stderr refuse. A reader that went away (`| head`) is no failure: what it wanted, it has. Anything else is one for
 * `fail`, which does not return. Where messages cannot be written, the exit code is all there is.
 */
export const watchOutput = (fail: (failure: CliFailure) => never): void => {
  process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EPIPE') process.exit(exitCodes.ok)
    const reason = cause.code === 'ENOSPC' ? 'no space is left on the device' : cause.message
    fail(new CliFailure('ERR_OUTPUT', `cannot write to stdout: ${reason}`, { cause }))
  })
  process.stderr.on('error', () => {})
}
