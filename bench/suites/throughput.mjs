import { existsSync } from 'node:fs'
import { canRun } from '../lib/commands.mjs'
import { countDifferences } from '../lib/ids.mjs'
import { addTo, emptyCell, expectedIds, idsFile, measureText, readIds } from '../lib/measure.mjs'
import { apisOf, hasEncoding } from '../lib/peers.mjs'
import { shuffled } from '../lib/stats.mjs'

/*
 * MB/s over long texts. One process for each figure: it loads the peer, reads the first 20 KB of the text, then the rest,
 * which it has not seen (`first`), then the same rest again (`warm`). Peers take turns, in another order each round.
 */

/**
 * One cell: a peer with an encoding, a text, and `encode` or `count`. Times in ns, one entry per round; `warm` is the best
 * pass of a round. `ids`: how many differ from the reference; undefined when nothing came out.
 *
 * @typedef {{ peer: string, encoding: string, text: string, bytes: number, api: 'encode' | 'count' | 'decode', load: number[], first: number[],
 *   warm: number[], ids?: number, outcome: 'done' | 'cut' | 'failed', message: string }} Cell
 */

/**
 * @param {{ tools: import('../lib/commands.mjs').Tools, peers: readonly any[], encodings: readonly string[],
 *   texts: readonly import('../lib/texts.mjs').Text[], apis: readonly ('encode' | 'count')[], rounds: number, passes: number,
 *   limit: number, next: () => number, say: (what: string) => void }} context `limit`: seconds that one process may take
 * @returns {Promise<{ cells: Cell[], references: { encoding: string, text: string, count: number, from: string }[] }>}
 */
export const throughput = async (context) => {
  const { tools, peers, encodings, texts, apis, rounds, next, say } = context
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
          const cell = cells.get(key) ?? emptyCell(peer, encoding, text, api)
          cells.set(key, cell)
          if (cell.outcome !== 'done') continue // once is enough
          const result = await measureText(context, peer, encoding, text, api)
          addTo(cell, result)
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
