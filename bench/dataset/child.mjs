/* One figure of ours: child.mjs fresh|out|copy FILE BATCH CONTEXT. Prints tokens per second and a sum of the tokens that it saw. */
import { readFileSync } from 'node:fs'
import { DataLoader, WindowDataset } from '../../dist/index.js'

const [mode, file, ...numbers] = process.argv.slice(2)
const [batch, context] = numbers.map(Number)
const bytes = readFileSync(file)
const ids = Uint32Array.from(new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2))
const windows = Math.floor((ids.length - context - 1) / context) + 1
const batches = Math.floor(windows / batch)
const out = { inputs: new Uint32Array(batch * context), targets: new Int32Array(batch * context) }

// The copy reads what a batch reads, but in one stretch, and writes it into arrays that are there.
const signed = new Int32Array(ids.buffer)
function* copies() {
  for (let at = 0; at < batches; at++) {
    const start = at * batch * context
    out.inputs.set(ids.subarray(start, start + batch * context))
    out.targets.set(signed.subarray(start + 1, start + 1 + batch * context))
    yield out
  }
}

const dataset = new WindowDataset(ids, { contextLength: context })
const loader = () => new DataLoader(dataset, { batchSize: batch, shuffle: true, dropLast: true })
const epoch = { fresh: () => loader(), out: () => loader().batches({ out }), copy: copies }[mode]

let best = Infinity
for (let pass = 0; pass < 4; pass++) {
  // CPU time, since the machine may be busy; or the clock where that is less: V8 works on threads beside the main one.
  const [clock, cpu] = [performance.now(), process.cpuUsage()]
  let seen = 0
  for (const { inputs } of epoch()) seen += inputs.length
  const { user, system } = process.cpuUsage(cpu)
  best = Math.min(best, performance.now() - clock, (user + system) / 1000)
  if (seen !== batches * batch * context) throw new Error(`${seen} tokens`)
}
// Not in the time: all windows but those of the last batch, each once.
const sum = (array) => array.reduce((total, id) => (total + id) % 2 ** 32, 0)
let checksum = 0
let rest = 0
for (const { inputs } of epoch()) checksum = (checksum + sum(inputs)) % 2 ** 32
if (mode === 'copy') rest = sum(ids.subarray(0, batches * batch * context))
else {
  const left = [...new DataLoader(dataset, { batchSize: batch, shuffle: true })].slice(batches)
  rest = sum(ids.subarray(0, windows * context)) - left.reduce((total, { inputs }) => total + sum(inputs), 0)
}
const expected = ((rest % 2 ** 32) + 2 ** 32) % 2 ** 32
console.log(JSON.stringify({ rate: (batches * batch * context) / (best / 1000), checksum, expected }))
