import { digits, median } from '../lib/stats.mjs'
import { table } from '../lib/table.mjs'

/*
 * A cell is a peer with a model and a text: `load`, `first` and `warm` in ns, a time per process, `different` of its ids, and the `message` of one that
 * ended early.
 */

/** The tables of a model, with what those say that have no figures. */
export const tablesOf = ({ model, peers, texts, cells }) => {
  const row = (peer) => cells.filter((cell) => cell.model === model && cell.peer === peer)
  const there = peers.filter((peer) => row(peer).length > 0)
  const passes = [
    ['first', 'first pass'],
    ['warm', 'warm'],
  ].flatMap(([step, title]) => [
    `## ${model.title}, ${title}`,
    table(
      ['', ...texts.map(({ name }) => name), 'ids'],
      there.map((peer) => [peer.title, ...row(peer).map((cell) => speed(cell, step)), sameIds(row(peer))]),
    ),
  ])
  const loads = there.map((peer) => [
    peer.title,
    ms(row(peer).flatMap(({ load }) => load)),
    row(peer).find(({ message }) => message)?.message ?? '',
  ])
  return [...passes, 'Loading the file, in a fresh process, module included for Node:', table(['', 'ms', ''], loads)]
}

const speed = ({ text: { bytes }, message, ...cell }, step) => {
  const times = cell[step]
  if (times.length === 0) return message ? 'fails' : 'too slow'
  return `${digits((bytes / median(times)) * 1e3)} (${digits((bytes / Math.min(...times)) * 1e3)})`
}

const sameIds = (cells) => {
  const wrong = cells.filter(({ different }) => different !== 0)
  if (wrong.length === 0) return '='
  if (cells.every(({ different }) => different === undefined)) return '–'
  return wrong
    .map(
      ({ text, different }) =>
        `${text.name} ${different === undefined ? '?' : `≠ ${different.toLocaleString('en-US')}`}`,
    )
    .join(', ')
}

const ms = (times) =>
  times.length === 0 ? '–' : `${digits(median(times) / 1e6)} (${digits(Math.min(...times) / 1e6)})`
