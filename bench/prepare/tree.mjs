import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { Failure } from '../../scripts/lib/run.mjs'
import { bench } from '../lib/paths.mjs'
import { withoutPaths } from '../lib/run-child.mjs'

/** How often memory is looked at, in milliseconds. */
const period = 100

/**
 * Runs a program and those that it starts.
 *
 * @returns {Promise<{ seconds: number, peak: number | undefined, output: string }>} `seconds` by the clock; `peak`: the most
 *   memory that was resident in all of them together, what they share counted once, in bytes (Linux)
 */
export const runTree = async (program, args, env = {}) => {
  const began = performance.now()
  const child = spawn(program, args, { cwd: bench, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let peak
  const timer = setInterval(() => {
    const bytes = resident(child.pid)
    if (bytes > 0) peak = Math.max(peak ?? 0, bytes)
  }, period)
  const [output, errors] = [[], []]
  child.stdout.on('data', (chunk) => output.push(chunk))
  child.stderr.on('data', (chunk) => errors.push(chunk))
  const code = await new Promise((done, fail) => {
    child.on('error', fail)
    child.on('close', done)
  }).finally(() => clearInterval(timer))
  const seconds = (performance.now() - began) / 1000
  if (code !== 0) {
    const lines = Buffer.concat(errors).toString().trim().split('\n')
    throw new Failure(`${program} ended with ${code}: ${withoutPaths(lines.at(-1) ?? '')}`)
  }
  return { seconds, peak, output: Buffer.concat(output).toString() }
}

/* The proportional set size of a process and of all that it has started. */
const resident = (pid) => {
  const parents = new Map()
  try {
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name)) continue
      const parent = read(`/proc/${name}/stat`)
        ?.replace(/^.*\) \S /s, '')
        .split(' ')[0]
      if (parent !== undefined) parents.set(Number(name), Number(parent))
    }
  } catch {
    return 0
  }
  const isOurs = (id) => id === pid || (parents.has(id) && parents.get(id) !== 0 && isOurs(parents.get(id)))
  let bytes = 0
  for (const id of parents.keys()) {
    if (!isOurs(id)) continue
    bytes += Number(/^Pss:\s+(\d+) kB/m.exec(read(`/proc/${id}/smaps_rollup`) ?? '')?.[1] ?? 0) * 1024
  }
  return bytes
}

/* It may have ended since. */
const read = (file) => {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return undefined
  }
}
