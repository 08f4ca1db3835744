import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { canRun, childOf } from '../lib/commands.mjs'
import { countDifferences } from '../lib/ids.mjs'
import { runFolder } from '../lib/paths.mjs'
import { apisOf, hasEncoding, ours, reference } from '../lib/peers.mjs'
import { runChild } from '../lib/run-child.mjs'
import { shuffled } from '../lib/stats.mjs'

/*
 * MB/s over long texts. One process for each figure: it loads the peer, reads the first 20 KB of the text, then the rest,
 * which it has not seen (`first`), then the same rest again (`warm`). Peers take turns, in another order each round.
 */

/**
 * One cell: a peer with an encoding, a text, and `encode` or `count`. Times in ns, one entry per round; `warm` is the best
 * pass of a round. `ids`: how many differ from the reference; undefined when nothing came out.
 *
 * @typedef {{ peer: string, encoding: string, text: string, bytes: number, api: 'encode' | 'count', load: number[], first: number[],
 *   warm: number[], ids?: number, outcome: 'done' | 'cut' | 'failed', message: string }} Cell
 */

/*
 * The time of one thread. A native tokenizer may start threads of its own: all of them count. V8 has helpers that compile and
 * collect garbage beside the main thread, and what one thread does is at most the time of all and at most the clock's.
 */
const timeOf = ({ runtime }, { wall, cpu }) => (runtime === 'node' ? Math.min(wall, cpu) : cpu)

const idsFile = join(runFolder, 'ids')
const readIds = () => {
  const bytes = readFileSync(idsFile)
  return new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
}

const measure = async (context, peer, encoding, text, api, passes) => {
  const { tools, limit } = context
  rmSync(idsFile, { force: true })
  const flags = { api, 'warm-up': text.warmUp, text: text.file, passes, seconds: limit / 3, ids: idsFile }
  const { lines, outcome, message } = await runChild({ ...childOf(tools, peer, encoding, 'throughput', flags), limit })
  const times = (step) => lines.filter((line) => line.step === step).map((line) => timeOf(peer, line))
  const counts = lines.flatMap(({ count }) => (count === undefined ? [] : [count]))
  return { outcome, message, counts, load: times('load'), first: times('first'), warm: times('warm') }
}

/* The ids of the first of `peers` that can tell them. */
const expectedIds = async (context, encoding, text) => {
  for (const peer of [reference, ours]) {
    if (!canRun(peer, context.tools)) continue
    const { outcome } = await measure(context, peer, encoding, text, 'encode', 0)
    if (outcome === 'done') return { ids: readIds(), from: peer.title }
  }
  throw new Error(`neither ${reference.title} nor ${ours.title} can encode ${text.name} with ${encoding}`)
}

/**
 * @param {{ tools: import('../lib/commands.mjs').Tools, peers: readonly any[], encodings: readonly string[],
 *   texts: readonly import('../lib/texts.mjs').Text[], apis: readonly ('encode' | 'count')[], rounds: number, passes: number,
 *   limit: number, next: () => number, say: (what: string) => void }} context `limit`: seconds that one process may take
 * @returns {Promise<{ cells: Cell[], references: { encoding: string, text: string, count: number, from: string }[] }>}
 */
export const throughput = async (context) => {
  const { tools, peers, encodings, texts, apis, rounds, passes, next, say } = context
  const cells = new Map()
  const references = []
  const expected = new Map()
  for (const encoding of encodings) {
    for (const text of texts) {
      const { ids, from } = await expectedIds(context, encoding, text)
      expected.set(`${encoding} ${text.name}`, ids)
      references.push({ encoding, text: text.name, count: ids.length, from })
    }
  }
  for (let round = 1; round <= rounds; round++) {
    for (const encoding of encodings) {
      for (const text of texts) {
        say(`round ${round} of ${rounds}: ${encoding}, ${text.name}`)
        const wanted = expected.get(`${encoding} ${text.name}`)
        const runs = peers.flatMap((peer) =>
          canRun(peer, tools) && hasEncoding(peer, encoding) ? apisOf(peer, apis).map((api) => ({ peer, api })) : [],
        )
        for (const { peer, api } of shuffled(runs, next)) {
          const key = [peer.id, encoding, text.name, api].join(' ')
          const cell = cells.get(key) ?? {
            ...{ peer: peer.id, encoding, text: text.name, bytes: text.bytes, api },
            ...{ load: [], first: [], warm: [], outcome: 'done', message: '' },
          }
          cells.set(key, cell)
          if (cell.outcome !== 'done') continue // once is enough
          const result = await measure(context, peer, encoding, text, api, passes)
          cell.outcome = result.outcome
          cell.message = result.message
          cell.load.push(...result.load)
          cell.first.push(...result.first)
          if (result.warm.length > 0) cell.warm.push(Math.min(...result.warm))
          if (api === 'count' ? result.first.length > 0 : existsSync(idsFile))
            cell.ids = Math.max(cell.ids ?? 0, differences(api, wanted, result))
        }
      }
    }
  }
  return { cells: [...cells.values()], references }
}

/* A count shows only how far it is off; every pass must give the same. */
const differences = (api, wanted, { counts }) => {
  const spread = Math.max(...counts) - Math.min(...counts)
  if (api === 'count') return Math.max(spread, ...counts.map((count) => Math.abs(count - wanted.length)))
  const found = readIds()
  const equal = Buffer.compare(Buffer.from(found.buffer), Buffer.from(wanted.buffer)) === 0
  return equal ? spread : Math.max(spread, countDifferences(wanted, found))
}
