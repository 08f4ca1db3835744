import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { canRun, childOf } from '../lib/commands.mjs'
import { runFolder } from '../lib/paths.mjs'
import { apisOf, hasEncoding, ours, reference } from '../lib/peers.mjs'
import { runChild } from '../lib/run-child.mjs'
import { shuffled } from '../lib/stats.mjs'

/* One short string per call: 1,000 different ones, over and over, so that caches hold what they can hold. */

const count = 1000
const length = 50

/** `count` strings of at most `length` bytes from all over `text`, starting where a word does. */
export const shortStrings = (text) => {
  const step = Math.floor(text.length / (count + 1))
  return Array.from({ length: count }, (_, i) => {
    const start = text.indexOf(' ', i * step) + 1
    let string = ''
    for (const character of text.slice(start, start + length)) {
      if (Buffer.byteLength(string + character) > length) break
      string += character
    }
    return string.toWellFormed() // half of a pair may be left at its end
  })
}

/**
 * @typedef {{ peer: string, encoding: string, api: 'encode' | 'count', perCall: number[], equal: boolean, message: string }} Short
 *   `perCall` in ns: the best of each round
 */

/** @returns {Promise<Short[]>} */
export const short = async ({ tools, peers, encodings, text, apis, rounds, passes, seconds, limit, next, say }) => {
  const strings = join(runFolder, 'strings.json')
  const ids = join(runFolder, 'ids')
  writeFileSync(strings, JSON.stringify(shortStrings(text.text)))
  const measure = async (peer, encoding, api) => {
    const flags = { api, strings, passes, seconds, ids }
    const { lines, outcome, message } = await runChild({ ...childOf(tools, peer, encoding, 'short', flags), limit })
    const total = lines.find(({ step }) => step === 'total')?.count
    // One thread, as in throughput.mjs.
    const samples = lines.filter(({ step }) => step === 'short').map(({ wall, cpu }) => Math.min(wall, cpu) / count)
    const found = api === 'encode' && outcome === 'done' ? readFileSync(ids).toString('latin1') : ''
    return { total, samples, found, message: message || (outcome === 'done' ? '' : outcome) }
  }
  const rows = new Map()
  for (const encoding of encodings) {
    const wanted = await measure(canRun(reference, tools) ? reference : ours, encoding, 'encode')
    for (let round = 1; round <= rounds; round++) {
      say(`${encoding}, short strings, round ${round} of ${rounds}`)
      const runs = peers
        .filter((peer) => canRun(peer, tools) && hasEncoding(peer, encoding))
        .flatMap((peer) => apisOf(peer, apis).map((api) => ({ peer, api })))
      for (const { peer, api } of shuffled(runs, next)) {
        const key = [peer.id, encoding, api].join(' ')
        const row = rows.get(key) ?? { peer: peer.id, encoding, api, perCall: [], equal: true, message: '' }
        rows.set(key, row)
        if (row.message) continue
        const { total, samples, found, message } = await measure(peer, encoding, api)
        row.message = message
        if (samples.length > 0) row.perCall.push(Math.min(...samples))
        if (!message) row.equal &&= api === 'encode' ? found === wanted.found : total === wanted.total
      }
    }
  }
  return [...rows.values()]
}
