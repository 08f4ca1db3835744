/*
 * `npm run bench -- train [--corpus FILE…] [--max-bytes N] [--vocabulary N] [--threads LIST] [--peers LIST] [--rounds N] [--limit SECONDS] [--name NAME]`:
 * a byte-level BPE with the pattern of GPT-2, beside the trainers from PyPI.
 *
 * Processes take turns and train once each. What comes out is part of it: the merges are compared with those of Hugging Face's trainer.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBuilt } from '../../scripts/lib/ensure.mjs'
import { Failure } from '../../scripts/lib/run.mjs'
import { listOf, readArguments, say } from '../lib/arguments.mjs'
import { defaultTexts } from '../lib/default-texts.mjs'
import { documentsOf } from '../lib/documents.mjs'
import { load, machine, versions } from '../lib/machine.mjs'
import { bench, runFolder } from '../lib/paths.mjs'
import { busyNote, write } from '../lib/record.mjs'
import { runChild } from '../lib/run-child.mjs'
import { pythonWithPeers } from '../lib/setup.mjs'
import { digits, median, random, shuffled } from '../lib/stats.mjs'
import { table } from '../lib/table.mjs'
import { textOfFile } from '../lib/texts.mjs'

const ids = ['tokenmill', 'rustbpe', 'gigatoken', 'tokenizers', 'bpeasy', 'sentencepiece']

const help = `npm run bench -- train [options]

  --corpus FILE…      UTF-8 text, packed with xz or not (default: text out of node_modules)
  --max-bytes N       of each text (default: 8000000; with --corpus: all of it)
  --vocabulary N      tokens, the 256 bytes among them (default: 32000)
  --threads LIST      (default: 1,2)
  --peers LIST        of ${ids.join(', ')}
  --rounds N          processes per figure (default: 3)
  --limit SECONDS     a process that takes longer is stopped (default: 300)
  --name NAME         of the record bench/results/DATE-NAME.md (default: train); --name '' writes none
`

export const main = async (args) => {
  const options = readArguments(args, help, {
    ...{ corpus: [], 'max-bytes': undefined, vocabulary: 32_000, threads: [1, 2], peers: ids.join(','), rounds: 3 },
    ...{ limit: 300, name: 'train' },
  })
  if (options === undefined) return
  const { corpus, vocabulary, threads, rounds, limit, name } = options
  const maxBytes = Number(options['max-bytes'] ?? (corpus.length > 0 ? Infinity : 8_000_000))
  process.on('exit', () => rmSync(runFolder, { recursive: true, force: true }))

  await ensureBuilt({ say })
  const python = await pythonWithPeers(say, { all: true })
  const chosen = listOf(options.peers.split(','), ids, 'peer')
  const peers = ids.filter((id) => chosen.includes(id) && (id === 'tokenmill' || python !== undefined))

  const texts = corpus.length > 0 ? corpus.map((file) => textOfFile(file, { maxBytes })) : defaultTexts({ maxBytes })
  const repeated = texts.find(({ name }, i) => texts.findIndex((text) => text.name === name) < i)
  if (repeated) throw new Failure(`two texts are called ${repeated.name}`)
  const bytes = texts.reduce((sum, text) => sum + text.bytes, 0)
  mkdirSync(runFolder, { recursive: true })
  const [documents, out] = [join(runFolder, 'documents.json'), join(runFolder, 'merges')]
  writeFileSync(documents, JSON.stringify(texts.flatMap(({ text }) => documentsOf(text))))
  const files = texts.map(({ file }) => file)

  const before = load()
  if (before > 0.5) say(`This machine is busy (load ${before}): good for a check, not for figures`)
  const rows = peers.flatMap((peer) => threads.map((count) => ({ peer, threads: count, samples: [], message: '' })))
  const merges = new Map()
  const next = random(Date.now())
  for (let round = 1; round <= rounds; round++) {
    for (const row of shuffled(rows, next)) {
      if (row.message) continue
      const { peer, threads } = row
      say(`round ${round} of ${rounds}: ${peer}, threads: ${threads}`)
      rmSync(out, { force: true })
      const flags = [String(threads), String(vocabulary), out]
      const command =
        peer === 'tokenmill'
          ? [process.execPath, join(bench, 'train', 'child.mjs'), ...flags, ...files]
          : [python, join(bench, 'train', 'child.py'), peer, ...flags, documents, ...files]
      const env = { RAYON_NUM_THREADS: `${threads}`, TOKENIZERS_PARALLELISM: `${threads > 1}` }
      const { lines, outcome, message } = await runChild({ command, env, limit })
      if (outcome !== 'done') {
        row.message = outcome === 'cut' ? `cut after ${limit} s` : `fails: ${message}`
        continue
      }
      row.samples.push(lines.find(({ wall }) => wall !== undefined))
      const found = readFileSync(out, 'utf8')
      if (merges.has(peer) && merges.get(peer) !== found) row.unsteady = true
      if (!merges.has(peer)) merges.set(peer, found)
    }
  }

  const reference = merges.has('tokenizers') ? 'tokenizers' : 'tokenmill'
  const lists = new Map([...merges].map(([peer, text]) => [peer, text.split('\n')]))
  const compared = Object.fromEntries(
    [...lists].map(([peer, list]) => [peer, comparison(lists.get(reference) ?? [], list)]),
  )
  const date = new Date().toISOString().slice(0, 10)
  const busy = { before, after: load() }
  const { cpu, cores, memoryGB, system } = machine()
  const { tokenmill, commit, changed, node, python: pythonVersion, pypi } = versions({ python })
  const packages = peers.flatMap((peer) => (pypi[peer] ? [`${peer} ${pypi[peer]}`] : []))
  const markdown = [
    '# Training a byte-level BPE',
    [
      `- ${date}, \`npm run bench -- train\``,
      `- ${cpu}, ${cores} cores, ${memoryGB} GB, ${system}; load before ${busy.before}, after ${busy.after}`,
      `- tokenmill ${tokenmill} at ${commit}${changed ? ' with uncommitted changes' : ''}, ${process.env.TOKENMILL_NATIVE_PATH ? 'another build of the addon' : 'the addon of the profile `fast`'}; Node ${node}, Python ${pythonVersion ?? 'none, so its peers are left out'}${packages.length > 0 ? `; ${packages.join(', ')}` : ''}`,
      `- ${vocabulary.toLocaleString('en-US')} tokens, the pattern of GPT-2; ${rounds} rounds, one training per process`,
      `- texts: ${texts.map(({ name, bytes, sha256 }) => `${name} ${(bytes / 1e6).toFixed(2)} MB (SHA-256 ${sha256.slice(0, 8)}…)`).join(', ')}`,
    ].join('\n'),
    ...busyNote(busy),
    `Median (best). *Memory*: the peak above what the process held before. tokenmill and gigatoken read the files in this time and memory; the others have the texts beforehand, in documents that are cut between pieces. sentencepiece splits in another way, and merges characters: its row says what that costs, not how fast the same is done.`,
    table(
      ['', 'threads', 'CPU s', 'wall s', 'MB/s of CPU', 'memory, MB'],
      rows.map(({ peer, threads, samples, message }) => {
        if (samples.length === 0) return [peer, String(threads), message || '–', '', '', '']
        const figure = (of, scale) => {
          const all = samples.map((sample) => of(sample) / scale)
          return `${digits(median(all))} (${digits(Math.min(...all))})`
        }
        const fastest = Math.min(...samples.map((sample) => sample.cpu))
        return [
          ...[peer, String(threads), figure(({ cpu }) => cpu, 1e9), figure(({ wall }) => wall, 1e9)],
          `${digits((bytes / median(samples.map(({ cpu }) => cpu))) * 1e3)} (${digits((bytes / fastest) * 1e3)})`,
          samples[0].memory === undefined ? '–' : figure(({ memory }) => memory, 1e6),
        ]
      }),
    ),
    `What comes out, beside ${reference}. *Alike*: merges from the first on; *in both*: tokens of two bytes or more, in whatever order.`,
    table(
      ['', 'merges', 'alike', 'in both', ''],
      peers.flatMap((peer) => {
        if (!compared[peer]) return []
        const { merges, alike, shared, equal, pairs } = compared[peer]
        const unsteady = rows.some((row) => row.peer === peer && row.unsteady)
        const all = equal ? (pairs ? 'equal, both parts of each' : 'equal, the tokens') : ''
        const count = (number) => number.toLocaleString('en-US')
        return [
          [
            peer,
            count(merges),
            count(alike),
            count(shared),
            unsteady ? `${all} not the same in each process`.trim() : all,
          ],
        ]
      }),
    ),
  ].join('\n\n')
  console.log(markdown)
  const mine = compared.tokenmill
  if (reference === 'tokenizers' && mine && !mine.equal)
    throw new Failure('tokenmill gave other merges than tokenizers')
  if (rows.some(({ peer, unsteady, message }) => peer === 'tokenmill' && (unsteady || message)))
    throw new Failure('tokenmill failed, or gave other merges in another process')
  if (name !== '') {
    const about = texts.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 }))
    const data = { load: busy, texts: about, vocabulary, rounds, rows, reference, compared, pypi }
    say(`written to ${write({ name, date, markdown, data })}.md and .json`)
  }
}

/** How far the merges of `found` are those of `expected`. Where one has only tokens, tokens are compared. */
const comparison = (expected, found) => {
  const pairs = expected[0]?.includes(' ') && found[0]?.includes(' ')
  const tokens = (list) => list.map((line) => line.replace(' ', ''))
  const [left, right] = pairs ? [expected, found] : [tokens(expected), tokens(found)]
  const first = right.findIndex((line, index) => line !== left[index])
  const known = new Set(tokens(expected))
  return {
    merges: found.length,
    alike: first < 0 ? right.length : first,
    shared: new Set(tokens(found).filter((token) => known.has(token))).size,
    equal: first < 0 && left.length === right.length,
    pairs,
  }
}
