/*
 * `npm run bench -- dataset [--python PYTHON] [--rounds N] [--name NAME]`: batches of shuffled windows beside PyTorch's `DataLoader`, nanoGPT's
 * `get_batch` and a plain copy of as many bytes.
 *
 * PYTHON is an interpreter with torch, which is too large to install by the way; without one its rows are left out, and the record says so.
 * Each figure is the best of some passes of a process; processes take turns, and the table has the median of the rounds.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBuilt } from '../../scripts/lib/ensure.mjs'
import { Failure, root, run } from '../../scripts/lib/run.mjs'
import { readArguments, say } from '../lib/arguments.mjs'
import { load, machine, versions } from '../lib/machine.mjs'
import { write } from '../lib/record.mjs'
import { median } from '../lib/stats.mjs'
import { table } from '../lib/table.mjs'

const help = `npm run bench -- dataset [options]

  --python PYTHON     an interpreter that has torch and numpy (default: python3)
  --rounds N          processes per figure (default: 3)
  --tokens N          of the text (default: 20000000)
  --name NAME         of the record bench/results/DATE-NAME.md (default: dataset); --name '' writes none
`

const shapes = [
  { batch: 8, context: 256 },
  { batch: 64, context: 256 },
  { batch: 8, context: 1024 },
  { batch: 64, context: 1024 },
]
const ours = [
  ['fresh', 'tokenmill, ids in memory'],
  ['out', 'tokenmill, ids in memory, into given arrays'],
  ['store', 'tokenmill, mapped store of 16-bit ids'],
  ['store-out', 'tokenmill, mapped store, into given arrays'],
  ['store-await', 'tokenmill, mapped store, for await'],
  ['copy', 'memcpy of as many bytes, two stretches'],
].map(([mode, title]) => ({ mode, title, program: process.execPath, file: 'bench/dataset/child.mjs' }))

export const main = async (args) => {
  const options = readArguments(args, help, { python: 'python3', rounds: 3, tokens: 20_000_000, name: 'dataset' })
  if (options === undefined) return
  const { python, rounds, tokens, name } = options
  await ensureBuilt({ say })
  const torch = await torchOf(python)
  const peers = [...ours]
  if (torch === undefined) say(`${python} has no torch: its rows are left out`)
  else
    for (const [mode, title] of [
      ['loader', 'torch DataLoader over a list of windows'],
      ['nanogpt', "nanoGPT's get_batch"],
    ])
      peers.push({ title, program: python, file: 'bench/dataset/child.py', mode })

  const folder = mkdtempSync(join(tmpdir(), 'tokenmill-bench-'))
  try {
    const file = join(folder, 'tokens.bin')
    writeFileSync(
      file,
      Uint16Array.from({ length: tokens }, (_, index) => (index * 7919 + (index >> 7)) % 50_257),
    )
    const before = load()
    const rows = []
    for (const { batch, context } of shapes) {
      const figures = peers.map(() => [])
      for (let round = 0; round < rounds; round++) {
        for (const [index, { program, file: child, mode }] of peers.entries()) {
          const { output } = await run(program, [child, mode, file, String(batch), String(context)], {
            quiet: true,
            cwd: root,
          })
          const { rate, checksum, expected } = JSON.parse(output.trim().split('\n').at(-1))
          if (checksum !== expected) throw new Failure(`${peers[index].title} gave other tokens than the text has`)
          figures[index].push(rate)
        }
      }
      say(
        `[${batch}, ${context}] ${peers.map(({ title }, index) => `${title} ${(median(figures[index]) / 1e6).toFixed(0)}`).join(', ')}`,
      )
      rows.push({ batch, context, figures })
    }
    const date = new Date().toISOString().slice(0, 10)
    const { cpu, cores, memoryGB, system } = machine()
    const { tokenmill, commit, changed, node } = versions({})
    const markdown = [
      '# Batches of shuffled windows',
      [
        `- ${date}, \`npm run bench -- dataset\``,
        `- ${cpu}, ${cores} cores, ${memoryGB} GB, ${system}; load before ${before}, after ${load()}`,
        `- tokenmill ${tokenmill} at ${commit}${changed ? ' with uncommitted changes' : ''}; ${process.env.TOKENMILL_NATIVE_PATH ? 'the addon as it is published' : 'the addon of the profile `fast`'}; Node ${node}; torch ${torch ?? 'left out, since it is not here'}`,
        `- ${rounds} rounds; ${tokens.toLocaleString('en-US')} tokens, windows side by side, one epoch shuffled; one thread`,
      ].join('\n'),
      'Millions of tokens per second of CPU (inputs; as many targets come with them), median (best).',
      table(
        ['', ...shapes.map(({ batch, context }) => `[${batch}, ${context}]`)],
        peers.map(({ title }, index) => [
          title,
          ...rows.map(({ figures }) => {
            const all = figures[index].map((rate) => rate / 1e6)
            return `${median(all).toFixed(0)} (${Math.max(...all).toFixed(0)})`
          }),
        ]),
      ),
    ].join('\n\n')
    console.log(markdown)
    if (name !== '') say(`written to ${write({ name, date, markdown, data: { rows, torch, tokens } })}.md and .json`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const torchOf = async (python) => {
  const { code, output } = await run(python, ['-c', 'import torch, numpy; print(torch.__version__)'], {
    quiet: true,
    allowFailure: true,
  }).catch(() => ({ code: 1, output: '' }))
  return code === 0 ? output.trim() : undefined
}
