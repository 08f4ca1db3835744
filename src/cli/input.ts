import { constants, createReadStream, openSync, type Stats } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { Socket } from 'node:net'
import { packageFile } from '../package-file.ts'
import { CliFailure, usageFailure } from './failure.ts'

/** What a command reads at most, unless it says otherwise. */
export const maxInputBytes = 2 ** 30

/** Bytes and where they came from. */
export interface Input {
  /** The path as it was given, `-` for stdin. */
  readonly name: string
  readonly bytes: Buffer
}

/** The text that `tokenmill run` takes when it is given none: `examples/mill.txt`. */
export const samplePath = packageFile('examples/mill.txt')

/**
 * The bytes of `file`; `-` is stdin, and so is no file at all unless stdin is a terminal, where nobody would know what is waited for.
 * Fails when there are more than `limit` bytes, before they fill the memory.
 */
export const readInput = async (file: string | undefined, limit: number = maxInputBytes): Promise<Input> => {
  if (file === undefined && process.stdin.isTTY) {
    throw usageFailure('nothing to read: name a FILE, pipe text in, or pass - to type it')
  }
  if (file === undefined || file === '-') return { name: '-', bytes: await readAll(process.stdin, 'stdin', limit) }
  return { name: file, bytes: await readFileUpTo(file, limit) }
}

/** {@link readInput} of a path. A pipe is opened once: who writes into it would not wait for a second time. */
const readFileUpTo = async (path: string, limit: number): Promise<Buffer> => {
  try {
    const stats = await stat(path)
    if (stats.isDirectory()) throw new CliFailure('ERR_INPUT', `cannot read ${path}: it is a folder`)
    if (stats.isFile() && stats.size > limit) throw tooLarge(path, limit)
    // The size is 0 for files that are made while they are read, as in /proc.
    if (stats.isFile() && stats.size > 0) return await readFile(path)
    return await readAll(bytesOf(path, stats), path, limit)
  } catch (error) {
    throw error instanceof CliFailure ? error : unreadable(path, error)
  }
}

/**
 * The bytes of a file as they come. A thread that waits for somebody to open or write into a pipe cannot be stopped, and the process would not end before it:
 * no thread waits where the system tells of a pipe that nobody has opened yet, as Linux does.
 */
const bytesOf = (path: string, stats: Stats): AsyncIterable<Buffer> =>
  process.platform === 'linux' && stats.isFIFO()
    ? new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false })
    : createReadStream(path)

/** The bytes of a pipe, as those of a shell's `<(…)`, which the library does not read; any other path as it is. */
export const pathOrBytes = async (path: string): Promise<string | Buffer> => {
  const isPipe = await stat(path).then(
    (stats) => stats.isFIFO(),
    () => false, // It is an error when it is read.
  )
  return isPipe ? readFileUpTo(path, maxInputBytes) : path
}

/** All of a stream. */
export const readAll = async (stream: AsyncIterable<Buffer | string>, name: string, limit: number): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of stream) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
      length += bytes.length
      if (length > limit) throw tooLarge(name, limit)
      chunks.push(bytes)
    }
  } catch (error) {
    throw error instanceof CliFailure ? error : unreadable(name, error)
  }
  return Buffer.concat(chunks, length)
}

const tooLarge = (name: string, limit: number): CliFailure =>
  new CliFailure('ERR_LIMIT', `${name} is larger than ${limit / 2 ** 20} MiB, the most that is read at once: split it`)

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
}

/** The failure of a file, or of stdin, that cannot be read because of `cause`. */
export const unreadable = (name: string, cause: unknown): CliFailure => {
  const { code = '', message } = cause as NodeJS.ErrnoException
  return new CliFailure('ERR_INPUT', `cannot read ${name}: ${reasons[code] ?? message}`, { cause })
}
