/*
 * `npm run bench -- embedding [--python PY] [--shapes LIST] [--threads LIST] [--rounds N] [--name NAME]`: passes over tables beside a copy of
 * as many bytes, candle, onnxruntime-node, PyTorch and numpy.
 *
 * Each of the programs measures all of its kinds of pass in turns, in a process for each shape and number of threads. Tables, ids and gradients
 * are the same in all, and what the first pass came to is compared.
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { ensureBuilt } from '../../scripts/lib/ensure.mjs'
import { Failure, run } from '../../scripts/lib/run.mjs'
import { positive, readArguments, say } from '../lib/arguments.mjs'
import { load, machine, versions } from '../lib/machine.mjs'
import { bench } from '../lib/paths.mjs'
import { busyNote, write } from '../lib/record.mjs'
import { runChild } from '../lib/run-child.mjs'
import { peersFromNpm } from '../lib/setup.mjs'
import { digits, median } from '../lib/stats.mjs'
import { table } from '../lib/table.mjs'

const help = `npm run bench -- embedding [options]

  --python PY         an interpreter with torch and numpy; without it their rows are left out
  --shapes LIST       BATCHxCONTEXTxDIMENSIONS (default: 8x1024x768,64x256x1600)
  --vocabulary N      rows of the token table (default: 50257)
  --threads LIST      (default: 1,2)
  --rounds N          passes per figure (default: 30)
  --name NAME         of the record bench/results/DATE-NAME.md (default: embedding); --name '' writes none
`

export const main = async (args) => {
  const options = readArguments(args, help, {
    ...{ python: undefined, shapes: '8x1024x768,64x256x1600', vocabulary: 50_257, threads: [1, 2], rounds: 30 },
    name: 'embedding',
  })
  if (options === undefined) return
  const { python, vocabulary, threads, rounds, name } = options
  const shapes = options.shapes.split(',').map((shape) => shape.split('x').map((side) => positive('shapes', side)))
  if (shapes.some((shape) => shape.length !== 3)) throw new Failure(`expected three sizes for each shape; ${help}`)

  await ensureBuilt({ say })
  await peersFromNpm(say)
  say('Compiling crates/embedding/examples/passes.rs')
  const cargo = [
    'build',
    '--profile',
    'fast',
    '-p',
    'tokenmill-embedding',
    '--example',
    'passes',
    '--message-format',
    'json',
  ]
  const { output } = await run('cargo', cargo, { quiet: true })
  const built = output.split('\n').filter((line) => line.includes('"executable":"'))
  const rust = JSON.parse(built.at(-1)).executable
  const torch =
    python && execFileSync(python, ['-c', 'import torch; print(torch.__version__)'], { encoding: 'utf8' }).trim()

  const before = load()
  if (before > 0.5) say(`This machine is busy (load ${before}): good for a check, not for figures`)
  const tables = []
  for (const [batch, context, dimensions] of shapes) {
    for (const count of threads) {
      const flags = [vocabulary, dimensions, batch, context, rounds].map(String)
      const programs = [
        [rust, ...flags],
        [process.execPath, join(bench, 'embedding', 'child.mjs'), ...flags, String(count)],
        [process.execPath, join(bench, 'embedding', 'onnx.mjs'), ...flags, String(count)],
        ...(torch ? [[python, join(bench, 'embedding', 'child.py'), ...flags, String(count)]] : []),
      ]
      const rows = []
      for (const command of programs) {
        say(`${batch} × ${context} × ${dimensions}, threads: ${count}: ${rows.length} rows so far`)
        const env = { RAYON_NUM_THREADS: `${count}`, OMP_NUM_THREADS: `${count}`, MKL_NUM_THREADS: `${count}` }
        const { lines, outcome, message } = await runChild({ command, env, limit: 600 })
        if (outcome !== 'done') throw new Failure(`${command[0]} ${outcome}: ${message}`)
        rows.push(...lines)
      }
      compare(rows)
      const times = rows.map(({ what, ms }) => ({ what, ms }))
      tables.push({ batch, context, dimensions, threads: count, rows: times })
    }
  }

  const date = new Date().toISOString().slice(0, 10)
  const busy = { before, after: load() }
  const { cpu, cores, memoryGB, system } = machine()
  const { tokenmill, commit, changed, node, rust: compiler, npm } = versions({})
  const markdown = [
    '# Passes over embedding tables',
    [
      `- ${date}, \`npm run bench -- embedding\``,
      `- ${cpu}, ${cores} cores, ${memoryGB} GB, ${system}; load before ${busy.before}, after ${busy.after}`,
      `- tokenmill ${tokenmill} at ${commit}${changed ? ' with uncommitted changes' : ''}, profile \`fast\`; Rust ${compiler}, Node ${node}, onnxruntime-node ${npm['onnxruntime-node']}, ${torch ? `torch ${torch}` : 'no Python, so its peers are left out'}`,
      `- ${vocabulary.toLocaleString('en-US')} rows of f32, ${rounds} rounds, other ids in each; what the first pass of each came to is the same: outputs bit for bit, learned rows but for rounding`,
    ].join('\n'),
    ...busyNote(busy),
    [
      `Milliseconds, median (best). *memcpy* copies as many bytes as the result has, from another part of a buffer of the size of the table each time, so that no cache holds them. *out*: into an array of the caller. *disposed*: a new tensor, whose predecessor was let go. *fresh*: memory that the system has just given.`,
      `*sparse*, *dense*: forward, backward with a given gradient, and a step of Adam that changes the rows of the ids (SparseAdam), or every row (AdamW).`,
      `*× ours*: the time over that of *forward, out*, or of *learning* of the same kind.`,
    ].join(' '),
    ...tables.flatMap(({ batch, context, dimensions, threads, rows }) => {
      const of = (what) => median(rows.find((row) => row.what === what).ms)
      const bytes = batch * context * dimensions * 4
      return [
        `## ${batch} × ${context} × ${dimensions}, threads: ${threads}`,
        table(
          ['', 'ms', 'over memcpy', 'GB/s written', '× ours'],
          rows.map(({ what, ms }) => {
            const kind = kindOf(what)
            const over = digits(median(ms) / of('memcpy'))
            const ours = digits(median(ms) / of(kind ? `learning, ${kind}` : 'forward, out'))
            const speed = what.includes('bf16') ? bytes / 2 : bytes
            return [
              what,
              `${digits(median(ms))} (${digits(Math.min(...ms))})`,
              over,
              kind ? '' : digits(speed / median(ms) / 1e6),
              what === 'memcpy' ? '' : ours,
            ]
          }),
        ),
      ]
    }),
  ].join('\n\n')
  console.log(markdown)
  if (name !== '') {
    const data = { load: busy, vocabulary, rounds, torch, tables }
    say(`written to ${write({ name, date, markdown, data })}.md and .json`)
  }
}

/** How a pass learns; `undefined` when it does not. */
const kindOf = (what) => /sparse|dense/.exec(what)?.[0]

/** How far learned numbers may be apart: steps are of 1e-3, and frameworks round otherwise. */
const tolerance = 1e-6

/** Fails when two passes of one kind came to something else. */
const compare = (rows) => {
  const outputs = rows.filter(({ what, check }) => check !== undefined && !what.includes('bf16'))
  for (const { what, check } of outputs)
    if (check !== outputs[0].check) throw new Failure(`${what} is not what ${outputs[0].what} gives`)
  for (const kind of ['sparse', 'dense']) {
    const [first, ...others] = rows.filter(({ what }) => kindOf(what) === kind)
    for (const { what, values } of others) {
      const far = first.values.findIndex((value, i) => !(Math.abs(value - values[i]) <= tolerance))
      if (far >= 0)
        throw new Failure(`${what}: value ${far} is ${values[far]}, where ${first.what} has ${first.values[far]}`)
    }
  }
}
