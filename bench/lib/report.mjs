import { rowsOf } from './peers.mjs'
import { digits, median } from './stats.mjs'
import { table } from './table.mjs'

/* Turns what the suites measured into tables. Every peer has its row in each, also when it has no number. */

const ms = (ns) => ns / 1e6
const mb = (bytes) => bytes / 1e6
const names = (items) => items.join(', ')

const pair = (middle, best) => `${digits(middle)} (${digits(best)})`

/* MB/s from ns, or why there is none. */
const speed = (cell, step) => {
  if (!cell) return '–'
  const times = cell[step]
  if (times.length > 0) return pair((cell.bytes / median(times)) * 1e3, (cell.bytes / Math.min(...times)) * 1e3)
  return cell.outcome === 'done' ? 'too slow' : cell.outcome === 'cut' ? 'cut' : 'fails'
}

const idsOf = (cells) => {
  if (cells.length === 0) return '–'
  const wrong = cells.filter(({ ids }) => ids > 0)
  const unknown = cells.filter(({ ids }) => ids === undefined)
  const parts = [
    ...wrong.map(({ text, ids }) => `${text} ≠ ${ids.toLocaleString('en-US')}`),
    ...unknown.map(({ text }) => `${text} ?`),
  ]
  return parts.length > 0 ? names(parts) : '='
}

const words = {
  encode: 'ids of a text',
  count: 'how many ids a text has',
  decode: 'the text of ids',
  first: 'first pass: text that it has not seen, after 20 KB that it has',
  warm: 'warm: the same text again, the best pass of each process',
  'decode first': 'first pass, after the first 5,000 ids',
  'decode warm': 'warm: the same ids again, the best pass of each process',
}

/* Why there is no number, once per reason. */
const notes = (cells, titles) => {
  const reasons = new Map()
  for (const { peer, text, encoding, api, outcome, message } of cells) {
    if (outcome === 'done') continue
    const reason = `${titles[peer]}, ${encoding}: ${outcome === 'cut' ? 'stopped at the time limit' : message}`
    reasons.set(reason, [...(reasons.get(reason) ?? []), `${text} (${api})`])
  }
  return [...reasons].map(([reason, where]) => `- ${reason}: ${names(where)}`)
}

const reasons = (rows, titles) => {
  const lines = rows.flatMap(({ peer, message }) => (message ? [`- ${titles[peer] ?? peer}: ${message}`] : []))
  return lines.length > 0 ? [[...new Set(lines)].join('\n')] : []
}

/** One table for each encoding, `encode` or `count`, first pass and warm. */
export const throughputSection = ({ title, cells, references, peers, encodings, texts, apis, steps, rounds }) => {
  const titles = Object.fromEntries(peers.map(({ id, title }) => [id, title]))
  const parts = [`## ${title}`]
  for (const encoding of encodings) {
    const from = [...new Set(references.filter((row) => row.encoding === encoding).map((row) => row.from))]
    for (const api of apis) {
      for (const step of steps) {
        const rows = peers.map((peer) => {
          const mine = rowsOf(cells, peer, encoding, api)
          const name = api === 'count' && !peer.counts ? `${peer.title} †` : peer.title
          return [
            name,
            ...texts.map(({ name }) =>
              speed(
                mine.find(({ text }) => text === name),
                step,
              ),
            ),
            idsOf(mine),
          ]
        })
        parts.push(
          `### ${encoding}, ${api} (${words[api]}), ${words[`${api} ${step}`] ?? words[step]}`,
          `MB/s, median of ${rounds} (best).`,
          table(['', ...texts.map(({ name }) => name), api === 'decode' ? 'text' : 'ids'], rows),
        )
      }
    }
    if (from.length > 0) parts.push(`Ids of ${encoding} are compared with those of ${names(from)}.`)
  }
  if (apis.includes('count')) parts.push('† has no count of its own: the figures of encode, whose length it is.')
  const failed = notes(cells, titles)
  if (failed.length > 0) parts.push(failed.join('\n'))
  return parts.join('\n\n')
}

/** How long a peer takes until it can encode, inside a process that runs already. */
export const loadSection = ({ cells, peers, encodings }) => {
  const body = peers.map((peer) => [
    peer.title,
    ...encodings.map((encoding) => {
      const times = cells
        .filter((cell) => cell.peer === peer.id && cell.encoding === encoding)
        .flatMap(({ load }) => load)
      return times.length > 0 ? pair(ms(median(times)), ms(Math.min(...times))) : '–'
    }),
  ])
  const about =
    'ms from the running process to the loaded tokenizer, its modules and files too; median of all processes (best).'
  return ['## Load', about, table(['', ...encodings], body)].join('\n\n')
}

export const firstTokenSection = ({ bare, rows, peers, encodings, rounds }) => {
  const titles = Object.fromEntries(peers.map(({ id, title }) => [id, title]))
  const parts = ['## Process start to the first token, and memory']
  parts.push(
    `Fresh processes that load, encode two words and end; ms over a process that does nothing, median of ${rounds} (best). MB of resident memory over the same process without a tokenizer, at the end and at its peak.`,
  )
  for (const encoding of encodings) {
    const mine = rows.filter((row) => row.encoding === encoding)
    const none = (runtime) => mine.find(({ peer }) => peer === `none-${runtime}`)
    const body = mine.map((row) => {
      const title = titles[row.peer] ?? `no tokenizer (${row.runtime})`
      if (row.wall.length === 0 || row.rss.length === 0) return [title, row.message ? 'fails' : '–', '–', '–']
      const [middle, best] = [median, (times) => Math.min(...times)].map((of) =>
        ms(of(row.wall) - of(bare[row.runtime])),
      )
      const over = (field) => digits(mb(median(row[field]) - median(none(row.runtime)[field])))
      return [title, pair(middle, best), over('rss'), over('peak')]
    })
    parts.push(`### ${encoding}`, table(['', 'ms over nothing', 'MB', 'MB at peak'], body), ...reasons(mine, titles))
  }
  const does = Object.entries(bare).map(
    ([runtime, times]) => `${runtime} ${pair(ms(median(times)), ms(Math.min(...times)))} ms`,
  )
  parts.push(`A process that does nothing: ${names(does)}.`)
  return parts.join('\n\n')
}

export const shortSection = ({ rows, peers, encodings, apis, rounds, text }) => {
  const parts = [
    '## One short string per call',
    `1,000 different strings of 50 bytes out of ${text}, again and again; µs per call, median of ${rounds} (best).`,
  ]
  for (const encoding of encodings) {
    const body = peers.map((peer) => {
      const mine = apis.map((api) => rowsOf(rows, peer, encoding, api)[0])
      const cell = (row) =>
        row?.perCall.length
          ? pair(median(row.perCall) / 1e3, Math.min(...row.perCall) / 1e3)
          : row?.message
            ? 'fails'
            : '–'
      const equal = mine.every((row) => !row || row.equal) ? '=' : '≠'
      return [peer.title, ...mine.map(cell), mine.some((row) => row?.perCall.length) ? equal : '–']
    })
    const titles = Object.fromEntries(peers.map(({ id, title }) => [id, title]))
    parts.push(
      `### ${encoding}`,
      table(['', ...apis, 'ids'], body),
      ...reasons(
        rows.filter((row) => row.encoding === encoding),
        titles,
      ),
    )
  }
  return parts.join('\n\n')
}
