import { rmSync } from 'node:fs'
import { canRun } from '../lib/commands.mjs'
import { measureText } from '../lib/measure.mjs'
import { kinds, pathologicalText } from '../lib/pathological-texts.mjs'
import { hasEncoding } from '../lib/peers.mjs'

/* How the time grows with the length of what no person writes: ours, first pass, one process for each figure. */

/**
 * @typedef {{ encoding: string, text: string, sizes: { bytes: number, first: number[] }[], message: string }} Growth `first`: ns, one for each round
 */

/** @returns {Promise<Growth[]>} */
export const growth = async (context) => {
  const { tools, peers, encodings, rounds, warmUp, sizes, say } = context
  const peer = peers.find(({ id }) => id === 'tokenmill-rust') ?? peers.find(({ id }) => id === 'tokenmill')
  if (!peer || !canRun(peer, tools)) return []
  const rows = []
  for (const kind of kinds) {
    say(`growth: ${kind.name}`)
    const texts = sizes.map((bytes) => pathologicalText(kind, { bytes, warmUp, name: `${kind.name}-${bytes}` }))
    for (const encoding of encodings.filter((encoding) => hasEncoding(peer, encoding))) {
      const row = { encoding, text: kind.name, sizes: texts.map(({ bytes }) => ({ bytes, first: [] })), message: '' }
      rows.push(row)
      for (let round = 0; round < rounds; round++) {
        for (const [index, text] of texts.entries()) {
          if (row.message) continue
          const { outcome, message, first } = await measureText(
            { ...context, passes: 0 },
            peer,
            encoding,
            text,
            'encode',
          )
          row.sizes[index].first.push(...first)
          if (outcome !== 'done') row.message = message || outcome
        }
      }
    }
    for (const { file } of texts) rmSync(file) // they are large
  }
  return rows
}
