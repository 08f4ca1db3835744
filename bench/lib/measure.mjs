import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { canRun, childOf } from './commands.mjs'
import { runFolder } from './paths.mjs'
import { ours, reference } from './peers.mjs'
import { runChild } from './run-child.mjs'

/* One process that works through a long text, and what it told. */

/**
 * The time of one thread. A native tokenizer may start threads of its own: all of them count. V8 has helpers that compile and
 * collect garbage beside the main thread, and what one thread does is at most the time of all and at most the clock's.
 */
export const timeOf = ({ runtime }, { wall, cpu }) => (runtime === 'node' ? Math.min(wall, cpu) : cpu)

/** Where a process writes the ids that it gave, u32. */
export const idsFile = join(runFolder, 'ids')

/** Those ids. */
export const readIds = () => {
  const bytes = readFileSync(idsFile)
  return new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
}

/** Runs `what` with a peer; `file` is what it writes. Times in ns, by pass. */
export const measure = async ({ tools, limit, passes }, peer, encoding, what, flags, file) => {
  rmSync(file, { force: true })
  const all = { ...flags, passes, seconds: limit / 3 }
  const { lines, outcome, message } = await runChild({ ...childOf(tools, peer, encoding, what, all), limit })
  const times = (step) => lines.filter((line) => line.step === step).map((line) => timeOf(peer, line))
  const counts = lines.flatMap(({ count }) => (count === undefined ? [] : [count]))
  return { outcome, message, counts, load: times('load'), first: times('first'), warm: times('warm') }
}

/** Encodes or counts a text. */
export const measureText = (context, peer, encoding, text, api) => {
  const flags = { api, 'warm-up': text.warmUp, text: text.file, ids: idsFile }
  return measure(context, peer, encoding, 'throughput', flags, idsFile)
}

/** The ids of a text by the first that can tell them: the reference, or we. */
export const expectedIds = async (context, encoding, text) => {
  for (const peer of [reference, ours]) {
    if (!canRun(peer, context.tools)) continue
    const { outcome } = await measureText({ ...context, passes: 0 }, peer, encoding, text, 'encode')
    if (outcome === 'done') return { ids: readIds(), from: peer.title }
  }
  throw new Error(`neither ${reference.title} nor ${ours.title} can encode ${text.name} with ${encoding}`)
}

/** A cell without figures. */
export const emptyCell = (peer, encoding, { name, bytes }, api) => ({
  ...{ peer: peer.id, encoding, text: name, bytes, api },
  ...{ load: [], first: [], warm: [], outcome: 'done', message: '' },
})

/** Adds the times of one process to a cell; `warm` gets its best pass. */
export const addTo = (cell, { outcome, message, load, first, warm }) => {
  cell.outcome = outcome
  cell.message = message
  cell.load.push(...load)
  cell.first.push(...first)
  if (warm.length > 0) cell.warm.push(Math.min(...warm))
}
