/*
 * `npm run bench -- word-vectors [--python PYTHON] [--corpus FILE…] [--max-bytes N] [--objectives LIST] [--threads LIST] [--epochs N] [--rounds N] [--limit SECONDS]
 * [--name NAME]`: skip-gram and CBOW beside gensim, with the same options on the same sentences.
 *
 * Processes take turns and train once each, with another seed in each round. What comes out is part of it: the ten nearest of some words are compared.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBuilt } from '../../scripts/lib/ensure.mjs'
import { Failure } from '../../scripts/lib/run.mjs'
import { readArguments, say } from '../lib/arguments.mjs'
import { defaultTexts } from '../lib/default-texts.mjs'
import { load, machine, versions } from '../lib/machine.mjs'
import { bench, runFolder } from '../lib/paths.mjs'
import { busyNote, write } from '../lib/record.mjs'
import { runChild } from '../lib/run-child.mjs'
import { digits, median, random, shuffled } from '../lib/stats.mjs'
import { table } from '../lib/table.mjs'
import { textOfFile } from '../lib/texts.mjs'

const help = `npm run bench -- word-vectors [options]

  --python PYTHON     an interpreter with gensim; without it there is no peer
  --corpus FILE…      UTF-8 text, packed with xz or not (default: text out of node_modules)
  --max-bytes N       of each text (default: 8000000; with --corpus: all of it)
  --objectives LIST   (default: skipgram,cbow)
  --threads LIST      (default: 1,2)
  --epochs N          (default: 5)
  --rounds N          processes per figure, at least 2 to compare what comes out (default: 3)
  --limit SECONDS     a process that takes longer is stopped (default: 300)
  --name NAME         of the record bench/results/DATE-NAME.md (default: word-vectors); --name '' writes none
`

/** What is compared: the nearest of every sixth word, without the most frequent, which are near everything. */
const [firstWord, everyWord, mostWords, nearest] = [100, 6, 500, 10]

export const main = async (args) => {
  const options = readArguments(args, help, {
    ...{
      corpus: [],
      'max-bytes': undefined,
      objectives: 'skipgram,cbow',
      threads: [1, 2],
      python: undefined,
      epochs: 5,
    },
    ...{ rounds: 3, limit: 300, name: 'word-vectors' },
  })
  if (options === undefined) return
  const { corpus, threads, python, epochs, rounds, limit, name } = options
  const maxBytes = Number(options['max-bytes'] ?? (corpus.length > 0 ? Infinity : 8_000_000))
  const objectives = options.objectives.split(',')
  process.on('exit', () => rmSync(runFolder, { recursive: true, force: true }))

  await ensureBuilt({ say })
  const texts = corpus.length > 0 ? corpus.map((file) => textOfFile(file, { maxBytes })) : defaultTexts({ maxBytes })
  mkdirSync(runFolder, { recursive: true })
  const sentences = join(runFolder, 'sentences.txt')
  const lines = texts.flatMap(({ text }) => text.toLowerCase().split('\n'))
  const split = lines.map((line) => line.match(/[\p{L}\p{M}\p{N}]+/gu) ?? []).filter((words) => words.length > 0)
  writeFileSync(sentences, split.map((words) => words.join(' ')).join('\n'))
  const count = split.reduce((sum, words) => sum + words.length, 0)

  const before = load()
  if (before > 0.5) say(`This machine is busy (load ${before}): good for a check, not for figures`)
  const peers = python === undefined ? ['tokenmill'] : ['tokenmill', 'gensim']
  const rows = objectives.flatMap((objective) =>
    threads.flatMap((threads) => peers.map((peer) => ({ objective, threads, peer, samples: [], message: '' }))),
  )
  const vectorsOf = (peer, objective, round) => join(runFolder, `${peer}-${objective}-${round}.bin`)
  const next = random(Date.now())
  let pypi = {}
  for (let round = 1; round <= rounds; round++) {
    for (const row of shuffled(rows, next)) {
      if (row.message) continue
      const { objective, threads: count, peer } = row
      say(`round ${round} of ${rounds}: ${peer}, ${objective}, threads: ${count}`)
      const out = count === threads[0] ? vectorsOf(peer, objective, round) : join(runFolder, 'ignored.bin')
      const flags = [sentences, out, objective, String(count), String(epochs), String(round)]
      const child = join(bench, 'word-vectors', peer === 'tokenmill' ? 'child.mjs' : 'child.py')
      const command = [peer === 'tokenmill' ? process.execPath : python, child, ...flags]
      const { lines, outcome, message } = await runChild({ command, env: { OPENBLAS_NUM_THREADS: '1' }, limit })
      if (outcome === 'done') row.samples.push(lines.at(-1))
      else row.message = outcome === 'cut' ? `cut after ${limit} s` : `fails: ${message}`
      pypi = lines.at(-1)?.versions ?? pypi
    }
  }
  const overlaps = await overlapsOf({ objectives, peers, rounds, rows, vectorsOf })

  const date = new Date().toISOString().slice(0, 10)
  const busy = { before, after: load() }
  const { cpu, cores, memoryGB, system } = machine()
  const { tokenmill, commit, changed, node } = versions({})
  const figure = ({ samples }, of) => {
    const all = samples.map((sample) => of(sample) / 1e9)
    return `${digits(median(all))} (${digits(Math.min(...all))})`
  }
  const ratio = (row) => {
    const peer = rows.find(
      ({ objective, threads, peer }) => objective === row.objective && threads === row.threads && peer === 'gensim',
    )
    if (row.peer === 'gensim' || !peer || peer.samples.length === 0) return ''
    const wall = ({ samples }) => median(samples.map(({ train }) => train.wall))
    return `${digits(wall(peer) / wall(row))} ×`
  }
  const markdown = [
    '# Training word vectors',
    [
      `- ${date}, \`npm run bench -- word-vectors\``,
      `- ${cpu}, ${cores} cores, ${memoryGB} GB, ${system}; load before ${busy.before}, after ${busy.after}`,
      `- tokenmill ${tokenmill} at ${commit}${changed ? ' with uncommitted changes' : ''}, ${process.env.TOKENMILL_NATIVE_PATH ? 'another build of the addon' : 'the addon of the profile `fast`'}; Node ${node}; ${
        Object.entries(pypi)
          .map(([name, version]) => `${name} ${version}`)
          .join(', ') || 'no gensim'
      }`,
      `- 100 dimensions, window 5, 5 negatives, words that stand there 5 times, ${epochs} epochs; ${rounds} rounds, one training per process`,
      `- texts: ${texts.map(({ name, bytes, sha256 }) => `${name} ${(bytes / 1e6).toFixed(2)} MB (SHA-256 ${sha256.slice(0, 8)}…)`).join(', ')}; ${count.toLocaleString('en-US')} words`,
    ].join('\n'),
    ...busyNote(busy),
    'Median (best). *Reading*: from the file to words and their counts. *Beside gensim*: its time of training by the clock over ours.',
    table(
      ['', 'threads', '', 'reading, wall s', 'training, CPU s', 'training, wall s', 'beside gensim'],
      rows.map((row) => {
        const { objective, threads, peer, samples, message } = row
        if (samples.length === 0) return [objective, String(threads), peer, message || '–', '', '', '']
        const figures = [({ read }) => read.wall, ({ train }) => train.cpu, ({ train }) => train.wall]
        return [objective, String(threads), peer, ...figures.map((of) => figure(row, of)), ratio(row)]
      }),
    ),
    `What comes out with ${threads[0]} thread(s): how many of the ${nearest} nearest of ${mostWords} words are in both, of two trainings with different seeds. Mean of all such pairs.`,
    table(
      ['', ...Object.keys(overlaps[0]?.pairs ?? {})],
      overlaps.map(({ objective, pairs }) => [
        objective,
        ...Object.values(pairs).map((overlap) => (Number.isNaN(overlap) ? '–' : overlap.toFixed(3))),
      ]),
    ),
  ].join('\n\n')
  console.log(markdown)
  if (name !== '') {
    const about = texts.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 }))
    const data = { load: busy, texts: about, words: count, epochs, rounds, rows, overlaps, pypi }
    say(`written to ${write({ name, date, markdown, data })}.md and .json`)
  }
  const failed = rows.find(({ message }) => message)
  if (failed) throw new Failure(`${failed.peer} ${failed.message}`)
  for (const { objective, pairs } of overlaps) {
    const [both, theirs] = [pairs['tokenmill and gensim'], pairs['gensim twice']]
    if (both < theirs - 0.05) throw new Failure(`${objective}: the nearest words are not those of gensim`)
  }
}

/** For each objective: the mean overlap of pairs of trainings with different seeds. */
const overlapsOf = async ({ objectives, peers, rounds, rows, vectorsOf }) => {
  const { WordVectors } = await import('../../dist/index.js')
  const results = []
  for (const objective of objectives) {
    if (rows.some((row) => row.objective === objective && row.message)) continue
    const all = []
    for (const peer of peers) {
      for (let round = 1; round <= rounds; round++) {
        all.push({ peer, round, vectors: await WordVectors.load(vectorsOf(peer, objective, round)) })
      }
    }
    const words = all[0].vectors.words.filter((_, index) => index >= firstWord && (index - firstWord) % everyWord === 0)
    const asked = words.slice(0, mostWords)
    for (const training of all) {
      training.near = asked.map((word) => new Set(training.vectors.nearest(word, nearest).map(({ word }) => word)))
      training.vectors.dispose()
    }
    const overlap = (a, b) =>
      a.near.reduce((sum, near, index) => sum + common(near, b.near[index]), 0) / (asked.length * nearest)
    const mean = (first, second) => {
      const pairs = all
        .filter(({ peer }) => peer === first)
        .flatMap((a) => all.filter(({ peer, round }) => peer === second && round > a.round).map((b) => overlap(a, b)))
      return pairs.reduce((sum, one) => sum + one, 0) / pairs.length
    }
    const pairs = { 'tokenmill twice': mean('tokenmill', 'tokenmill') }
    if (peers.includes('gensim')) {
      pairs['gensim twice'] = mean('gensim', 'gensim')
      pairs['tokenmill and gensim'] = (mean('tokenmill', 'gensim') + mean('gensim', 'tokenmill')) / 2
    }
    results.push({ objective, pairs })
  }
  return results
}

const common = (a, b) => [...a].filter((word) => b.has(word)).length
