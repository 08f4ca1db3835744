import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureTypeScript } from '../../scripts/lib/ensure.mjs'

/* The command line as people run it: compiled, in a process of its own. */

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** The story that `tokenmill run` takes when it is given no file. */
export const story = fileURLToPath(new URL('../../examples/mill.txt', import.meta.url))

export interface Result {
  /** `null` when a signal ended the process. */
  readonly code: number | null
  readonly bytes: Buffer
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly input?: string | Uint8Array
  readonly env?: NodeJS.ProcessEnv
}

/** Compiles what is out of date; call it before the first {@link tokenmill}. */
export const build = async (): Promise<void> => {
  await ensureTypeScript({ quiet: true })
}

/* What the command line and Node look at to choose colours and width: a CI service, for one, has its own colours. */
const deciding = new Set(
  'NO_COLOR FORCE_COLOR NODE_DISABLE_COLORS COLORTERM COLUMNS TMUX TERM_PROGRAM CI TEAMCITY_VERSION TOKENMILL_DEBUG'.split(
    ' ',
  ),
)

/** Starts `tokenmill` with stdin open; colour and width do not depend on the environment of the tests. */
export const start = (args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
  const kept = Object.entries(process.env).filter(([name]) => !deciding.has(name))
  return spawn(process.execPath, [main, ...args], { env: { ...Object.fromEntries(kept), ...env }, stdio: 'pipe' })
}

/** Runs `tokenmill` to its end. */
export const tokenmill = async (args: readonly string[], { input = '', env }: RunOptions = {}): Promise<Result> => {
  const child = start(args, env)
  const [out, err]: [Buffer[], Buffer[]] = [[], []]
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  child.stdin.on('error', () => {}) // it may end without reading
  child.stdin.end(input)
  const code = await new Promise<number | null>((done, fail) => child.on('error', fail).on('close', done))
  const bytes = Buffer.concat(out)
  return { code, bytes, stdout: bytes.toString(), stderr: Buffer.concat(err).toString() }
}

/** A folder for files of one test. */
export const makeFolder = () => {
  const path = mkdtempSync(join(tmpdir(), 'tokenmill-cli-'))
  return {
    path,
    file: (name: string, content: string | Uint8Array): string => {
      writeFileSync(join(path, name), content)
      return join(path, name)
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  }
}
