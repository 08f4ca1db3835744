/*
 * `node times.mjs`: the times of passes on the CUDA device, by its events, beside a copy on the device and PyTorch, in one table for each shape. Without a PyTorch that
 * knows the device it says so. Every line of both programs is kept in times.jsonl.
 */
import { spawnSync } from 'node:child_process'
import { appendFileSync, writeFileSync } from 'node:fs'

const shapes = [
  { vocabulary: 50257, dimensions: 768, batch: 8, context: 1024 },
  { vocabulary: 50257, dimensions: 1600, batch: 64, context: 256 },
]
const rounds = 50

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]

/* The lines that a program prints, and why there are none. */
const linesOf = (program, args) => {
  const { stdout = '', stderr = '', status, error } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28 })
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'))
  const why = error?.message ?? (status === 0 ? undefined : (stderr.trim().split('\n').at(-1) ?? `exit code ${status}`))
  return { lines: lines.map((line) => JSON.parse(line)), why }
}

const tables = (shape, ours, torch) => {
  for (const dtype of ['f32', 'bf16', 'f16']) {
    const copy = ours.find((line) => line.dtype === dtype && line.kind === 'copy')
    if (!copy) continue
    const ofCopy = copy.bytes / median(copy.ms)
    console.log(`\n${shape.batch} × ${shape.context} ids, ${shape.vocabulary} × ${shape.dimensions} ${dtype}`)
    console.log(`  ${'pass'.padEnd(38)}${'ms'.padStart(9)}${'GB/s'.padStart(9)}${'of a copy'.padStart(11)}`)
    for (const kind of ['copy', 'forward', 'backward', 'step', 'norm', 'norm backward']) {
      const bytes = ours.find((line) => line.dtype === dtype && line.kind === kind)?.bytes
      for (const line of [...ours, ...torch].filter((line) => line.dtype === dtype && line.kind === kind)) {
        const ms = median(line.ms)
        const cells = [ms.toFixed(4).padStart(9), (bytes / ms / 1e6).toFixed(0).padStart(9)]
        console.log(
          `  ${`${kind}, ${line.what}`.padEnd(38)}${cells.join('')}${(bytes / ms / ofCopy).toFixed(2).padStart(11)}`,
        )
      }
    }
  }
}

writeFileSync('times.jsonl', '')
let failed = false
for (const shape of shapes) {
  const numbers = [shape.vocabulary, shape.dimensions, shape.batch, shape.context, rounds].map(String)
  const ours = linesOf('./cuda_times', numbers)
  const torch = linesOf('python3', ['torch_times.py', 'cuda', ...numbers])
  for (const line of [...ours.lines, ...torch.lines])
    appendFileSync('times.jsonl', `${JSON.stringify({ shape, ...line })}\n`)
  tables(shape, ours.lines, torch.lines)
  if (ours.why) console.log(`\ncuda_times failed: ${ours.why}`)
  if (torch.why) console.log(`\nPyTorch was not timed to its end: ${torch.why}`)
  failed ||= ours.why !== undefined
}
process.exitCode = failed ? 1 : 0
