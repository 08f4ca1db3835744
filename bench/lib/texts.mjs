import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { Failure } from '../../scripts/lib/run.mjs'
import { runFolder } from './paths.mjs'

/** What is read before the clock runs: enough for everything that is done only once. */
export const warmUpBytes = 20_000

/**
 * A text as the children get it.
 * @typedef {{ name: string, bytes: number, sha256: string, warmUp: string, file: string, text: string }} Text `warmUp` and `file`
 *   are files: its first 20 KB and the rest; `bytes`, `sha256` and `text` are of the rest
 */

/* Up to `bytes` of it, without half a character at the end. */
const cut = (buffer, bytes) => {
  let end = Math.min(bytes, buffer.length)
  while (end < buffer.length && (buffer[end] & 0xc0) === 0x80) end--
  return end
}

/**
 * Writes the files of a text.
 *
 * @param {string} name
 * @param {Buffer} buffer UTF-8
 * @param {{ maxBytes?: number, warmUp?: Buffer }} [options] `warmUp`: another text to begin with
 * @returns {Text}
 */
export const textOf = (name, buffer, { maxBytes = Infinity, warmUp } = {}) => {
  // Invalid UTF-8 becomes U+FFFD once, here, and not differently by each peer.
  const whole = Buffer.from(buffer.toString())
  const start = warmUp ? 0 : cut(whole, warmUpBytes)
  const rest = whole.subarray(start, start + cut(whole.subarray(start), maxBytes))
  mkdirSync(runFolder, { recursive: true })
  const files = { warmUp: join(runFolder, `${name}.warm-up.txt`), file: join(runFolder, `${name}.txt`) }
  writeFileSync(files.warmUp, warmUp ?? whole.subarray(0, start))
  writeFileSync(files.file, rest)
  const sha256 = createHash('sha256').update(rest).digest('hex')
  return { name, bytes: rest.length, sha256, ...files, text: rest.toString() }
}

/** The text of `file`, which may be packed (`.xz`). */
export const textOfFile = (path, options) => {
  // npm runs this in the root of the repository; a FILE is meant from where the person is.
  const file = resolve(process.env.INIT_CWD ?? '', path)
  if (!existsSync(file)) throw new Failure(`there is no file ${path}`)
  const packed = file.endsWith('.xz')
  const name = basename(file)
    .replace(/\.xz$/, '')
    .replace(/\.[^.]+$/, '')
  return textOf(name, packed ? unpack(file) : readFileSync(file), options)
}

/* With xz or, where there is none, with Python. */
const unpack = (file) => {
  const ways = [
    ['xz', '-dc', file],
    ['python3', '-c', 'import lzma, sys; sys.stdout.buffer.write(lzma.open(sys.argv[1]).read())', file],
  ]
  for (const [program, ...args] of ways) {
    try {
      return execFileSync(program, args, { maxBuffer: 2 ** 31, stdio: ['ignore', 'pipe', 'ignore'] })
    } catch (error) {
      if (error.code !== 'ENOENT') throw new Failure(`${basename(file)} could not be unpacked: ${error.message}`)
    }
  }
  throw new Failure(`${basename(file)} could not be unpacked: neither xz nor python3 is on the PATH`)
}
