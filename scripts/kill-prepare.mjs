/*
 * `node scripts/kill-prepare.mjs [kills = 20] [seed = 1]`: ends `tokenmill prepare` with SIGKILL at random moments, lets the same command go on until the
 * next one, and compares the finished folders, byte for byte, with those of runs that nobody disturbed. The command line must be built. The last line is
 * `N kills, N finished, 0 differ`.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import zlib from 'node:zlib'
import { Failure, root, script } from './lib/run.mjs'

const main = join(root, 'dist/cli/main.js')

/* xorshift32: the moments of a seed are always the same, as far as a machine is. */
const random = (seed) => {
  let state = seed * 2654435761 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

const corpus = (folder) => {
  const story = readFileSync(join(root, 'examples/mill.txt'), 'utf8')
  const lines = (from) =>
    Array.from({ length: 1500 }, (_, index) => {
      const start = ((from + index) * 7919) % story.length
      return `${JSON.stringify({ text: `${index % 40 === 0 ? 'again' : from + index} ${story.slice(start, start + 2500)}` })}\n`
    }).join('')
  for (let index = 0; index < 5; index++) writeFileSync(join(folder, `${index}.jsonl`), lines(index * 10_000))
  for (let index = 5; index < 8; index++) {
    writeFileSync(join(folder, `${index}.jsonl.gz`), zlib.gzipSync(lines(index * 10_000), { level: 1 }))
    // Node 20 has no Zstandard.
    if (zlib.zstdCompressSync)
      writeFileSync(join(folder, `${index}.jsonl.zst`), zlib.zstdCompressSync(lines(index * 20_000)))
  }
  // Documents between empty lines, of which there is often one too many: a separator that overlaps itself.
  const separated = (line, index) => line + '\n'.repeat(2 + (index % 2))
  for (let index = 8; index < 12; index++) {
    const texts = lines(index * 10_000)
      .trimEnd()
      .split('\n')
    writeFileSync(join(folder, `${index}.txt`), texts.map(separated).join(''))
  }
}

const hashOf = (folder) => {
  const hash = createHash('sha256')
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    hash.update(`${name}\n`)
    if (statSync(join(folder, name)).isFile()) hash.update(readFileSync(join(folder, name)))
  }
  return hash.digest('hex')
}

await script(async () => {
  const [kills, seed] = [Number(process.argv[2] ?? 20), Number(process.argv[3] ?? 1)]
  if (!Number.isSafeInteger(kills) || kills < 1 || !Number.isSafeInteger(seed))
    throw new Failure('expected a number of kills and a seed')
  const folder = mkdtempSync(join(tmpdir(), 'tokenmill-kill-'))
  const next = random(seed)
  try {
    corpus(folder)
    const kinds = [[join(folder, '*.jsonl*')], ['--document-separator', '\n\n', join(folder, '*.txt')]]
    const start = (out, inputs) => {
      const options = ['--encoding', 'gpt2', '--validation', '0.1', '--deduplicate', '--shard-tokens', '300000']
      // Records of what was done come as often as can be, or only at the ends of shards and files.
      const often = ['--checkpoint-seconds', next() < 0.7 ? '0' : '5', '--threads', String(1 + Math.floor(next() * 3))]
      const formats = ['--format', 'raw,npy,llmc,megatron,nanogpt']
      const args = ['prepare', '--out', out, ...options, ...often, ...formats, ...inputs]
      const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
      let said = ''
      child.stderr.on('data', (chunk) => (said += chunk))
      const ended = new Promise((done, fail) => {
        child.on('error', fail)
        child.on('close', (code, signal) => {
          if (code === 0 || signal === 'SIGKILL') done(signal === 'SIGKILL')
          else fail(new Failure(`prepare failed with exit code ${code}: ${said}`))
        })
      })
      return { child, ended }
    }
    const undisturbed = []
    for (const inputs of kinds) {
      const out = join(folder, `undisturbed-${undisturbed.length}`)
      const began = performance.now()
      await start(out, inputs).ended
      undisturbed.push({ inputs, took: performance.now() - began, expected: hashOf(out) })
    }

    const out = join(folder, 'killed')
    let [killed, finished, differ] = [0, 0, 0]
    while (killed < kills || finished < kinds.length) {
      const { inputs, took, expected } = undisturbed[finished % kinds.length]
      const { child, ended } = start(out, inputs)
      if (killed < kills) {
        // Most in the middle of the work, some in the start or the end.
        await Promise.race([ended, wait(100 + next() * took * 0.7)])
        child.kill('SIGKILL')
      }
      if (await ended) {
        killed++
        continue
      }
      finished++
      if (hashOf(out) !== expected) differ++
      rmSync(out, { recursive: true })
    }
    console.log(`${killed} kills, ${finished} finished, ${differ} differ`)
    if (differ > 0) throw new Failure('a dataset that was killed differs from one that was not')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
