import { bareOf, canRun, firstTokenOf } from '../lib/commands.mjs'
import { hasEncoding } from '../lib/peers.mjs'
import { runChild } from '../lib/run-child.mjs'
import { shuffled } from '../lib/stats.mjs'

/*
 * What the first token costs: a fresh process that loads a peer, encodes two words and ends, timed by the clock from its
 * start to its end, beside one that does nothing at all (`node -e 0`). And the memory that it then holds.
 */

const none = (runtime) => ({ id: `none-${runtime}`, title: 'no tokenizer', runtime, peer: 'none' })

/**
 * @typedef {{ peer: string, runtime: string, encoding: string, wall: number[], rss: number[], peak: number[], message: string }} FirstToken
 *   `wall` in ns, `rss` and `peak` in bytes, one entry per round
 */

/**
 * @returns {Promise<{ bare: Record<string, number[]>, rows: FirstToken[] }>} `bare`: ns of a process that does nothing, by runtime
 */
export const firstToken = async ({ tools, peers, encodings, rounds, limit, next, say }) => {
  const runtimes = ['node', 'python', 'rust'].filter((runtime) =>
    peers.some((peer) => peer.runtime === runtime && canRun(peer, tools)),
  )
  const bare = Object.fromEntries(runtimes.map((runtime) => [runtime, []]))
  const rows = []
  for (const encoding of encodings) {
    const measured = [...runtimes.map(none), ...peers]
      .filter((peer) => canRun(peer, tools) && hasEncoding(peer, encoding))
      .map((peer) => {
        const row = { peer: peer.id, runtime: peer.runtime, encoding, wall: [], rss: [], peak: [], message: '' }
        rows.push(row)
        return { peer, row }
      })
    // The first round brings the files into memory and is not counted.
    for (let round = 0; round <= rounds; round++) {
      if (round % 5 === 0) say(`${encoding}, start ${round} of ${rounds}`)
      const runs = [...measured, ...runtimes.map((runtime) => ({ runtime }))]
      for (const { peer, row, runtime } of shuffled(runs, next)) {
        const child = peer ? firstTokenOf(tools, peer, encoding, false) : bareOf(tools, runtime)
        const { outcome, message, wall } = await runChild({ ...child, limit })
        if (outcome === 'done' && round > 0) (peer ? row.wall : bare[runtime]).push(wall)
        if (outcome !== 'done' && peer) row.message = message || outcome
      }
    }
    for (let round = 0; round < Math.min(rounds, 3); round++) {
      for (const { peer, row } of shuffled(measured, next)) {
        const { lines } = await runChild({ ...firstTokenOf(tools, peer, encoding, true), limit })
        for (const { rss, peak } of lines.filter(({ rss }) => rss !== undefined)) {
          row.rss.push(rss)
          row.peak.push(peak)
        }
      }
    }
  }
  return { bare, rows }
}
