import { digits, median } from './stats.mjs'
import { table } from './table.mjs'

/* The tables that are not of MB/s by text. */

const speed = (bytes, times) =>
  `${digits((bytes / median(times)) * 1e3)} (${digits((bytes / Math.min(...times)) * 1e3)})`
const size = (bytes) => (bytes >= 2 ** 20 ? `${bytes >> 20} MiB` : `${bytes >> 10} KiB`)

/** MB/s by size, and what a text of twice the length takes. */
export const growthSection = ({ rows, encodings, rounds }) => {
  const parts = [
    '## Longer and longer texts that no person writes, tokenmill',
    `First pass, MB/s, median of ${rounds} (best). ×: the largest time of a text over that of half of it, by the best of each.`,
  ]
  for (const encoding of encodings) {
    const mine = rows.filter((row) => row.encoding === encoding)
    if (mine.length === 0) continue
    const body = mine.map(({ text, sizes, message }) => {
      const best = sizes.map(({ first }) => Math.min(...first))
      const ratios = best.slice(1).map((time, i) => time / best[i])
      const ratio = ratios.every(Number.isFinite) ? digits(Math.max(...ratios)) : message
      return [text, ...sizes.map(({ bytes, first }) => (first.length > 0 ? speed(bytes, first) : 'fails')), ratio]
    })
    parts.push(`### ${encoding}`, table(['', ...mine[0].sizes.map(({ bytes }) => size(bytes)), '×'], body))
  }
  return parts.join('\n\n')
}

/** One thread, two, and two processes. */
export const threadsSection = ({ rows, peers, encodings, rounds, passes }) => {
  const titles = Object.fromEntries(peers.map(({ id, title }) => [id, title]))
  const parts = [
    '## Two threads',
    `All texts in documents of 10 KB, by the clock, MB/s, median of ${rounds} (best). Warm: the best of up to ${passes} passes. Gain: over one thread, of the best of each.`,
  ]
  for (const encoding of encodings) {
    for (const step of ['first', 'warm']) {
      const body = rows
        .filter((row) => row.encoding === encoding)
        .map((row) => {
          const of = (way) => row[way][step]
          if (['one', 'two', 'processes'].some((way) => of(way).length === 0))
            return [titles[row.peer], ...Array(5).fill(row.message ? 'fails' : '–'), '–']
          const gain = (way) => digits(Math.min(...of('one')) / Math.min(...of(way)))
          return [
            titles[row.peer],
            ...['one', 'two', 'processes'].map((way) => speed(row.bytes, of(way))),
            ...['two', 'processes'].map(gain),
            row.ids === 0 ? '=' : `≠ ${digits(row.ids)}`,
          ]
        })
      const head = ['', 'one thread', 'two threads', 'two processes', 'gain of threads', 'of processes', 'ids']
      parts.push(`### ${encoding}, ${step === 'first' ? 'first pass' : 'warm'}`, table(head, body))
    }
  }
  const failed = rows.flatMap(({ peer, message }) => (message ? [`- ${titles[peer]}: ${message}`] : []))
  if (failed.length > 0) parts.push([...new Set(failed)].join('\n'))
  return parts.join('\n\n')
}
