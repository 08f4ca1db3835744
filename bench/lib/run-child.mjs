import { spawn } from 'node:child_process'
import { bench } from './paths.mjs'

/* One thread for everybody, and nothing that a peer might fetch. */
const environment = {
  RAYON_NUM_THREADS: '1',
  TOKENIZERS_PARALLELISM: 'false',
  OMP_NUM_THREADS: '1',
  HF_HUB_OFFLINE: '1',
  PYTHONDONTWRITEBYTECODE: '1',
}

/**
 * Runs a child and reads the lines of JSON that it prints.
 *
 * @param {{ command: readonly string[], env?: Record<string, string>, limit: number, go?: () => Promise<void> }} options `limit` in
 *   seconds; `go`: a child that says that it is ready gets a line on its stdin once this is fulfilled
 * @returns {Promise<{ lines: readonly any[], outcome: 'done' | 'cut' | 'failed', message: string, wall: number }>} `cut`: it ran
 *   past the limit and was stopped; `wall` in ns, from its start to its end
 */
export const runChild = async ({ command: [program, ...args], env = {}, limit, go }) => {
  const start = process.hrtime.bigint()
  const child = spawn(program, args, {
    cwd: bench,
    env: { ...process.env, ...environment, ...env },
    stdio: [go ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  })
  let cut = false
  const timer = setTimeout(() => {
    cut = true
    child.kill('SIGKILL')
  }, limit * 1000)
  const [output, errors] = [[], []]
  let ready = false
  child.stdout.on('data', (chunk) => {
    output.push(chunk)
    if (!go || ready || !Buffer.concat(output).includes('"ready"')) return
    ready = true
    go().then(() => child.stdin.end('\n'))
  })
  // One that has ended reads nothing, and nobody waits for it.
  child.stdin?.on('error', () => {})
  child.stderr.on('data', (chunk) => errors.push(chunk))
  const [code, signal] = await new Promise((done, fail) => {
    child.on('error', fail)
    child.on('close', (...ended) => done(ended))
  }).finally(() => clearTimeout(timer))
  if (!ready) go?.()
  const wall = Number(process.hrtime.bigint() - start)
  const lines = parsed(Buffer.concat(output).toString())
  const told = lines.find(({ step }) => step === 'failed')?.message
  const message =
    told ?? (code === 0 || cut ? '' : lastLine(Buffer.concat(errors).toString()) || `ended by ${signal ?? code}`)
  return { lines, outcome: cut ? 'cut' : code === 0 ? 'done' : 'failed', message: withoutPaths(message), wall }
}

/** A `go` that is fulfilled when `count` children have come to it. */
export const together = (count) => {
  let left = count
  let all
  const here = new Promise((done) => (all = done))
  return () => {
    if (--left === 0) all()
    return here
  }
}

/* The last line of a child that was stopped may be half a line. */
const parsed = (output) =>
  output.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line)]
    } catch {
      return []
    }
  })

/* The line of an error that says what it is. */
const lastLine = (text) => {
  const lines = text.trim().split('\n')
  return lines.find((line) => /^\w*Error\b|panicked|overflow/.test(line)) ?? lines.at(-1) ?? ''
}

/** A message without the folders of this machine, and not longer than a line: it goes into the record. */
export const withoutPaths = (message) =>
  message
    .replaceAll(/(?:file:\/\/)?(?:[A-Z]:)?(?:[\\/][\w.@+ -]+)+[\\/](?=[\w.@+-])/g, '')
    .replaceAll(/\s+/g, ' ')
    .slice(0, 200)
