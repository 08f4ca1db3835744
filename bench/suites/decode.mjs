import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { canRun } from '../lib/commands.mjs'
import { addTo, emptyCell, expectedIds, measure } from '../lib/measure.mjs'
import { runFolder } from '../lib/paths.mjs'
import { hasEncoding } from '../lib/peers.mjs'
import { shuffled } from '../lib/stats.mjs'

/*
 * MB/s of text out of its ids. One process for each figure: it decodes the first ids, then all. What each peer gives is compared: bytes,
 * or a string that is written as UTF-8 outside the clock.
 */

const decoded = join(runFolder, 'decoded')
const warmUpIds = 5000

/** @returns as {@link import('./throughput.mjs').throughput}; `ids` of a cell is 0, or 1 where the text is another */
export const decode = async (context) => {
  const { tools, peers, encodings, texts, rounds, next, say } = context
  const cells = new Map()
  for (const encoding of encodings) {
    for (const text of texts) {
      const { ids, from } = await expectedIds(context, encoding, text)
      writeFileSync(join(runFolder, `${encoding}-${text.name}.ids`), ids)
      say(`${encoding}, ${text.name}: ids by ${from}`)
    }
  }
  for (let round = 1; round <= rounds; round++) {
    for (const encoding of encodings) {
      for (const text of texts) {
        say(`decode, round ${round} of ${rounds}: ${encoding}, ${text.name}`)
        const able = peers.filter((peer) => canRun(peer, tools) && hasEncoding(peer, encoding))
        for (const peer of shuffled(able, next)) {
          const key = [peer.id, encoding, text.name].join(' ')
          const cell = cells.get(key) ?? emptyCell(peer, encoding, text, 'decode')
          cells.set(key, cell)
          if (cell.outcome !== 'done') continue // once is enough
          const from = join(runFolder, `${encoding}-${text.name}.ids`)
          const flags = { from, 'warm-up-ids': warmUpIds, decoded }
          addTo(cell, await measure(context, peer, encoding, 'decode', flags, decoded))
          if (existsSync(decoded))
            cell.ids = Math.max(cell.ids ?? 0, readFileSync(decoded).equals(readFileSync(text.file)) ? 0 : 1)
        }
      }
    }
  }
  // It is the text itself that what is decoded is compared with.
  return { cells: [...cells.values()], references: [] }
}
