/*
 * One figure of ours: child.mjs fresh|out|store|store-out|store-await|copy FILE BATCH CONTEXT. Prints tokens per second and a sum of the tokens that it saw, which
 * must be `expected`.
 */
import { readFileSync } from 'node:fs'
import { DataLoader, TokenStore, WindowDataset } from '../../dist/index.js'

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

const tokens = mode.startsWith('store') ? await TokenStore.open(file, { dtype: 'uint16' }) : ids
const dataset = new WindowDataset(tokens, { contextLength: context })
const loader = () => new DataLoader(dataset, { batchSize: batch, shuffle: true, dropLast: true })
const epoch = mode === 'copy' ? copies : () => (mode.endsWith('out') ? loader().batches({ out }) : loader())

const throughSync = (each) => {
  for (const made of epoch()) each(made)
}
const throughAsync = async (each) => {
  for await (const made of epoch()) each(made)
}
const through = mode.endsWith('await') ? throughAsync : throughSync

let best = Infinity
for (let pass = 0; pass < 4; pass++) {
  // CPU time, since the machine may be busy; or the clock where that is less: V8 works on threads beside the main one.
  const [clock, cpu] = [performance.now(), process.cpuUsage()]
  let seen = 0
  await through(({ inputs }) => (seen += inputs.length))
  const { user, system } = process.cpuUsage(cpu)
  best = Math.min(best, performance.now() - clock, (user + system) / 1000)
  if (seen !== batches * batch * context) throw new Error(`${seen} tokens`)
}
// Not in the time: all windows but those of the last batch, each once.
const sum = (array) => array.reduce((total, id) => (total + id) % 2 ** 32, 0)
let checksum = 0
await through(({ inputs }) => (checksum = (checksum + sum(inputs)) % 2 ** 32))
let expected = sum(ids.subarray(0, batches * batch * context))
if (mode !== 'copy') {
  const left = [...new DataLoader(dataset, { batchSize: batch, shuffle: true })].slice(batches)
  expected = sum(ids.subarray(0, windows * context)) - left.reduce((total, { inputs }) => total + sum(inputs), 0)
}
console.log(
  JSON.stringify({
    rate: (batches * batch * context) / (best / 1000),
    checksum,
    expected: ((expected % 2 ** 32) + 2 ** 32) % 2 ** 32,
  }),
)
