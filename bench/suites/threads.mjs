import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { canRun, childOf } from '../lib/commands.mjs'
import { countDifferences } from '../lib/ids.mjs'
import { runFolder } from '../lib/paths.mjs'
import { hasEncoding, ours, reference } from '../lib/peers.mjs'
import { runChild, together } from '../lib/run-child.mjs'
import { shuffled } from '../lib/stats.mjs'

/*
 * What a second thread brings: all texts in documents of some 10 KB, in one call, on one thread, on two, and in two processes with one thread
 * and half of the documents each, which begin together. By the clock. Two processes share nothing but the machine, so they say what it gives.
 */

const documentBytes = 10_000

/** The texts cut at line ends. */
export const documentsOf = (texts) =>
  texts.flatMap(({ text }) => {
    const documents = []
    let start = 0
    while (start < text.length) {
      const end = text.indexOf('\n', start + documentBytes) + 1 || text.length
      documents.push(text.slice(start, end).toWellFormed())
      start = end
    }
    return documents
  })

/* Which documents each process gets, and on how many threads. */
const ways = {
  one: { threads: 1, parts: [(_) => true] },
  two: { threads: 2, parts: [(_) => true] },
  processes: { threads: 1, parts: [(index) => index % 2 === 0, (index) => index % 2 === 1] },
}

/**
 * @typedef {{ peer: string, encoding: string, bytes: number, one: Times, two: Times, processes: Times, ids?: number, message: string }} Threads
 * @typedef {{ first: number[], warm: number[] }} Times ns by the clock, one entry for each round
 */

const measure = async (context, peer, encoding, documents, way) => {
  const { tools, limit, passes, texts } = context
  const { threads, parts } = ways[way]
  const children = parts.map((takes, part) => {
    const [file, ids] = ['documents.json', 'ids'].map((name) => join(runFolder, `${part}-${name}`))
    writeFileSync(file, JSON.stringify(documents.filter((_, index) => takes(index))))
    rmSync(ids, { force: true })
    const flags = { documents: file, 'warm-up': texts[0].warmUp, threads, passes, seconds: limit / 3, ids }
    return { ids, child: childOf(tools, peer, encoding, 'batch', flags, threads) }
  })
  const go = together(children.length)
  const results = await Promise.all(children.map(({ child }) => runChild({ ...child, limit, go })))
  const failed = results.find(({ outcome }) => outcome !== 'done')
  const times = (step) => {
    const each = results.map(({ lines }) => lines.filter((line) => line.step === step).map(({ wall }) => wall))
    // A pass is over when both are; in later ones they may not begin together.
    return Array.from({ length: Math.min(...each.map((walls) => walls.length)) }, (_, pass) =>
      Math.max(...each.map((walls) => walls[pass])),
    )
  }
  const ids = children.map(({ ids }) => (existsSync(ids) ? readFileSync(ids) : Buffer.alloc(0)))
  return { first: times('first'), warm: times('warm'), ids, message: failed ? failed.message || failed.outcome : '' }
}

const idsOf = (bytes) => new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))

/** @returns {Promise<Threads[]>} */
export const threads = async (context) => {
  const { tools, peers, encodings, texts, rounds, next, say } = context
  const documents = documentsOf(texts)
  const bytes = documents.reduce((sum, document) => sum + Buffer.byteLength(document), 0)
  const rows = new Map()
  for (const encoding of encodings) {
    const expected = {}
    for (const way of ['one', 'processes']) {
      const from = canRun(reference, tools) ? reference : ours
      expected[way] = (await measure({ ...context, passes: 0 }, from, encoding, documents, way)).ids
    }
    for (let round = 1; round <= rounds; round++) {
      say(`threads, round ${round} of ${rounds}: ${encoding}`)
      const able = peers.filter((peer) => peer.batch && canRun(peer, tools) && hasEncoding(peer, encoding))
      const runs = able.flatMap((peer) => Object.keys(ways).map((way) => ({ peer, way })))
      for (const { peer, way } of shuffled(runs, next)) {
        const key = [peer.id, encoding].join(' ')
        const times = () => ({ first: [], warm: [] })
        const row = rows.get(key) ?? {
          ...{ peer: peer.id, encoding, bytes, one: times(), two: times(), processes: times() },
          ...{ ids: 0, message: '' },
        }
        rows.set(key, row)
        if (row.message) continue
        const { first, warm, ids, message } = await measure(context, peer, encoding, documents, way)
        row.message = message
        row[way].first.push(...first)
        if (warm.length > 0) row[way].warm.push(Math.min(...warm))
        const wanted = expected[way === 'two' ? 'one' : way]
        for (const [part, found] of ids.entries()) {
          if (!message && !found.equals(wanted[part]))
            row.ids = Math.max(row.ids, countDifferences(idsOf(wanted[part]), idsOf(found)))
        }
      }
    }
  }
  return [...rows.values()]
}
