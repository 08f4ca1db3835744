import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The root of the repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** A failure whose message is all that a person needs to read: scripts print it without a stack. */
export class Failure extends Error {}

/**
 * Runs a program in the repository without a shell and without stdin.
 *
 * @param {string} program a name on the PATH; `npm` and `npx` work on Windows too
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, quiet?: boolean, allowFailure?: boolean, timeout?: number }} [options]
 *   `quiet` prints nothing unless the program fails; `allowFailure` returns the exit code instead of throwing
 * @returns {Promise<{ code: number, output: string }>} `output` is stdout and stderr together, in order of arrival
 */
export const run = async (
  program,
  args,
  { cwd = root, env = process.env, quiet = false, allowFailure = false, timeout } = {},
) => {
  const [command, commandArgs] = resolve(program, args)
  const child = spawn(command, commandArgs, {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(timeout && { timeout, killSignal: 'SIGKILL' }),
  })
  const chunks = []
  for (const [from, to] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ]) {
    from.on('data', (chunk) => {
      chunks.push(chunk)
      if (!quiet) to.write(chunk)
    })
  }
  const code = await new Promise((done, fail) => {
    child.on('error', (error) => fail(new Failure(`${program} could not be started: ${error.message}`)))
    child.on('close', (code, signal) => done(signal ? 128 : (code ?? 1)))
  })
  const output = Buffer.concat(chunks).toString()
  if (code !== 0 && !allowFailure) {
    if (quiet) process.stderr.write(output)
    throw new Failure(`${program} ${args.join(' ')} failed with exit code ${code}`)
  }
  return { code, output }
}

/* npm and npx are shell scripts on Windows, which cannot be spawned without a shell: their JavaScript is run instead. */
const resolve = (program, args) => {
  const npmCli = process.env.npm_execpath
  if (process.platform !== 'win32' || (program !== 'npm' && program !== 'npx')) return [program, args]
  if (npmCli?.endsWith('npm-cli.js'))
    return [process.execPath, [npmCli.replace(/npm-cli\.js$/, `${program}-cli.js`), ...args]]
  return ['cmd.exe', ['/d', '/s', '/c', program, ...args]]
}

/** Runs `main`; a {@link Failure} prints its message alone, anything else its stack; both end with exit code 1. */
export const script = async (main) => {
  try {
    await main()
  } catch (error) {
    console.error(error instanceof Failure ? error.message : error)
    process.exitCode = 1
  }
}
