import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ensureModules, ensureNative, ensureNode, ensureRust, ensureTypeScript } from './lib/ensure.mjs'
import { root, script } from './lib/run.mjs'

/*
 * `npm start`: installs and builds what is missing or out of date, saying what it does, then runs `tokenmill run` with
 * the arguments it was given. Only Node's own modules are used: on a fresh clone there are no others.
 */

const { stderr } = process
const dim = stderr.isTTY && !process.env.NO_COLOR ? (text) => `\x1b[2m${text}\x1b[0m` : (text) => text

const duration = (since) => {
  const seconds = (performance.now() - since) / 1000
  return seconds < 60 ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`
}

/* What is being made and how long it took goes to stderr: with --json, stdout is JSON on the first run too. */
const step = async (ensure) => {
  let started
  let ticking
  const say = (what) => {
    started = performance.now()
    stderr.write(`${what} …\n`)
    if (stderr.isTTY) ticking = setInterval(() => stderr.write(`\r${dim(`  ${duration(started)}`)}`), 500)
  }
  try {
    await ensure({ say, quiet: true })
  } finally {
    clearInterval(ticking)
    if (ticking) stderr.write('\r\x1b[K')
  }
  if (started !== undefined) stderr.write(`${dim(`  done in ${duration(started)}`)}\n`)
}

const run = async (args) => {
  const child = spawn(process.execPath, [join(root, 'dist', 'cli', 'main.js'), 'run', ...args], { stdio: 'inherit' })
  // The terminal sends an interrupt to both; the child decides how it ends.
  process.on('SIGINT', () => {})
  const [code, signal] = await new Promise((done, fail) => {
    child.on('error', fail)
    child.on('close', (code, signal) => done([code, signal]))
  })
  process.exitCode = signal === 'SIGINT' ? 130 : (code ?? 1)
}

await script(async () => {
  ensureNode()
  // Before the packages are fetched, so that nobody waits for them only to read that there is no Rust.
  if (!existsSync(join(root, 'build'))) await ensureRust()
  await step(ensureModules)
  await step(ensureNative)
  await step(ensureTypeScript)
  // npm runs this in the root of the repository; a FILE is meant from where the person is.
  if (process.env.INIT_CWD) process.chdir(process.env.INIT_CWD)
  await run(process.argv.slice(2))
})
