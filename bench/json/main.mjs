/*
 * `npm run bench -- json [--corpus FILE…] [--max-bytes N] [--vocabulary N] [--peers LIST] [--rounds N] [--limit SECONDS] [--name NAME]`: the ids of
 * documents by a tokenizer.json like that of Llama 3 and by one like that of BERT, beside what else reads such a file in Node and in Python.
 *
 * The first has the published ranks of cl100k_base, which are the greater part of Llama 3's, and its pre-tokenizer; the second is trained on the texts.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBuilt } from '../../scripts/lib/ensure.mjs'
import { Failure, run } from '../../scripts/lib/run.mjs'
import { listOf, readArguments, say } from '../lib/arguments.mjs'
import { tokenizerJsonOf } from '../lib/commands.mjs'
import { defaultTexts } from '../lib/default-texts.mjs'
import { documentsOf } from '../lib/documents.mjs'
import { countDifferences } from '../lib/ids.mjs'
import { load, machine, versions } from '../lib/machine.mjs'
import { bench, runFolder } from '../lib/paths.mjs'
import { busyNote, write } from '../lib/record.mjs'
import { runChild } from '../lib/run-child.mjs'
import { peersFromNpm, pythonWithPeers } from '../lib/setup.mjs'
import { digits, median, random, shuffled } from '../lib/stats.mjs'
import { table } from '../lib/table.mjs'
import { ensureTokenizerJson } from '../lib/tokenizer-json.mjs'
import { textOfFile } from '../lib/texts.mjs'

const all = [
  { id: 'tokenmill', title: 'tokenmill', runtime: 'node' },
  { id: 'tokenizers', title: 'tokenizers (Python)', runtime: 'python' },
  { id: 'hf-native', title: 'tokenizers (npm, native)', runtime: 'node' },
  { id: 'hf-js', title: '@huggingface/tokenizers', runtime: 'node' },
]
const ids = all.map(({ id }) => id)

const help = `npm run bench -- json [options]

  --corpus FILE…      UTF-8 text, packed with xz or not (default: text out of node_modules)
  --max-bytes N       of each text (default: 2000000)
  --vocabulary N      tokens of the WordPiece (default: 30522)
  --peers LIST        of ${ids.join(', ')}
  --rounds N          processes per figure (default: 3)
  --passes N          warm passes of a process (default: 3)
  --limit SECONDS     a process that takes longer is stopped (default: 120)
  --name NAME         of the record bench/results/DATE-NAME.md (default: json); --name '' writes none
`

export const main = async (args) => {
  const options = readArguments(args, help, {
    ...{
      corpus: [],
      'max-bytes': 2_000_000,
      vocabulary: 30_522,
      peers: ids.join(','),
      rounds: 3,
      passes: 3,
      limit: 120,
    },
    name: 'json',
  })
  if (options === undefined) return
  const { corpus, 'max-bytes': maxBytes, vocabulary, rounds, passes, limit, name } = options
  process.on('exit', () => rmSync(runFolder, { recursive: true, force: true }))

  await ensureBuilt({ say })
  await peersFromNpm(say)
  const python = await pythonWithPeers(say, { all: true })
  if (!python) say('Without Python there is neither its tokenizers nor a WordPiece')
  const chosen = listOf(options.peers.split(','), ids, 'peer')
  const peers = all.filter(({ id, runtime }) => chosen.includes(id) && (runtime === 'node' || python))

  mkdirSync(runFolder, { recursive: true })
  const texts = (
    corpus.length > 0 ? corpus.map((file) => textOfFile(file, { maxBytes })) : defaultTexts({ maxBytes })
  ).map((text) => ({ ...text, documents: documentsOf(text.text), list: join(runFolder, `${text.name}.json`) }))
  const repeated = texts.find(({ name }, i) => texts.findIndex((text) => text.name === name) < i)
  if (repeated) throw new Failure(`two texts are called ${repeated.name}`)
  for (const { documents, list } of texts) writeFileSync(list, JSON.stringify(documents))

  const models = [{ id: 'llama3', title: 'BPE like Llama 3', file: tokenizerJsonOf('cl100k_base') }]
  await ensureTokenizerJson('cl100k_base', models[0].file)
  const child = join(bench, 'json', 'child.py')
  if (python) {
    const [file, list] = ['wordpiece.tokenizer.json', 'all.json'].map((name) => join(runFolder, name))
    writeFileSync(list, JSON.stringify(texts.flatMap(({ documents }) => documents)))
    say('Training the WordPiece')
    await run(python, [child, 'wordpiece', list, String(vocabulary), file], { quiet: true })
    models.push({ id: 'bert', title: 'WordPiece like BERT', file })
  }

  const before = load()
  if (before > 0.5) say(`This machine is busy (load ${before}): good for a check, not for figures`)
  const out = join(runFolder, 'ids')
  const cells = models.flatMap((model) =>
    texts.flatMap((text) =>
      peers.map((peer) => ({ model, text, peer, load: [], first: [], warm: [], message: '', ids: undefined })),
    ),
  )
  const next = random(Date.now())
  for (let round = 1; round <= rounds; round++) {
    say(`round ${round} of ${rounds}`)
    for (const cell of shuffled(cells, next)) {
      const { model, text, peer } = cell
      if (cell.message) continue
      rmSync(out, { force: true })
      const rest = [model.file, text.warmUp, text.list, String(passes), String(limit / 3), out]
      const command =
        peer.runtime === 'python'
          ? [python, child, 'encode', ...rest]
          : [process.execPath, join(bench, 'json', 'child.mjs'), peer.id, ...rest]
      const { lines, outcome, message } = await runChild({ command, env: { TOKENMILL_THREADS: '1' }, limit })
      const times = (wanted) =>
        lines
          .filter(({ step }) => step === wanted)
          .map(({ wall, cpu }) => (peer.runtime === 'node' ? Math.min(wall, cpu) : cpu))
      if (outcome !== 'done') cell.message = outcome === 'cut' ? `stopped after ${limit} s` : message
      for (const step of ['load', 'first']) cell[step].push(...times(step))
      if (times('warm').length > 0) cell.warm.push(Math.min(...times('warm')))
      if (outcome === 'done') keepIds(cell, readFileSync(out))
    }
  }

  // Beside Python's tokenizers; without it beside ours.
  for (const cell of cells) {
    const of = (id) =>
      cells.find(({ model, text, peer }) => model === cell.model && text === cell.text && peer.id === id)
    const reference = of('tokenizers')?.ids ?? of('tokenmill')?.ids
    if (cell.ids && reference) cell.different = cell.unsteady ? Infinity : countDifferences(reference, cell.ids)
  }
  const date = new Date().toISOString().slice(0, 10)
  const busy = { before, after: load() }
  const { cpu, cores, memoryGB, system } = machine()
  const { tokenmill, commit, changed, node, python: pythonVersion, npm, pypi } = versions({ python })
  const packages = [
    ...(pypi.tokenizers ? [`tokenizers (Python) ${pypi.tokenizers}`] : []),
    ...[`tokenizers (npm) ${npm.tokenizers}`, `@huggingface/tokenizers ${npm['@huggingface/tokenizers']}`],
  ]
  const parts = [
    '# Ids by a tokenizer.json',
    [
      `- ${date}, \`npm run bench -- json\``,
      `- ${cpu}, ${cores} cores, ${memoryGB} GB, ${system}; load before ${busy.before}, after ${busy.after}`,
      `- tokenmill ${tokenmill} at ${commit}${changed ? ' with uncommitted changes' : ''}, ${process.env.TOKENMILL_NATIVE_PATH ? 'the addon as it is published' : 'the addon of the profile `fast`'}; Node ${node}, Python ${pythonVersion ?? 'none, so there is neither its peer nor a WordPiece'}; ${packages.join(', ')}`,
      `- ${rounds} rounds, up to ${passes} warm passes each; documents of some 10 KB, one call for each, one thread, without special tokens`,
      `- texts: ${texts.map(({ name, bytes, sha256, documents }) => `${name} ${(bytes / 1e6).toFixed(2)} MB in ${documents.length} (SHA-256 ${sha256.slice(0, 8)}…)`).join(', ')}`,
    ].join('\n'),
    ...busyNote(busy),
    `MB/s, median (best). First pass: text that it has not seen, after 20 KB that it has; warm: the same documents again, the best pass of each process. *Ids*: how many differ from those of Python’s tokenizers.`,
  ]
  for (const model of models) {
    const mine = cells.filter((cell) => cell.model === model)
    const row = (peer) => mine.filter((cell) => cell.peer === peer)
    for (const [step, title] of [
      ['first', 'first pass'],
      ['warm', 'warm'],
    ]) {
      parts.push(
        `## ${model.title}, ${title}`,
        table(
          ['', ...texts.map(({ name }) => name), 'ids'],
          peers.map((peer) => [peer.title, ...row(peer).map((cell) => speed(cell, step)), sameIds(row(peer))]),
        ),
      )
    }
    const loads = peers.map((peer) => [
      peer.title,
      ms(row(peer).flatMap(({ load }) => load)),
      row(peer).find(({ message }) => message)?.message ?? '',
    ])
    parts.push(`Loading the file, in a fresh process, module included for Node:`, table(['', 'ms', ''], loads))
  }
  const markdown = parts.join('\n\n')
  console.log(markdown)
  const wrong = cells.find(({ peer, different, message }) => peer.id === 'tokenmill' && (different > 0 || message))
  if (wrong) throw new Failure(`tokenmill: ${wrong.model.title}, ${wrong.text.name}: ${wrong.message || 'other ids'}`)
  if (name !== '') {
    const data = {
      load: busy,
      texts: texts.map(({ name, bytes, sha256, documents }) => ({ name, bytes, sha256, documents: documents.length })),
      ...{ vocabulary, rounds, passes, npm, pypi },
      cells: cells.map(({ model, text, peer, load, first, warm, message, different }) => ({
        ...{ model: model.id, text: text.name, peer: peer.id, load, first, warm, message, different },
      })),
    }
    say(`written to ${write({ name, date, markdown, data })}.md and .json`)
  }
}

/* Those of the first process; whoever gives others in another one is noted. */
const keepIds = (cell, bytes) => {
  const ids = new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
  cell.ids ??= ids
  if (Buffer.compare(Buffer.from(cell.ids.buffer), bytes) !== 0) cell.unsteady = true
}

const speed = ({ text: { bytes }, message, ...cell }, step) => {
  const times = cell[step]
  if (times.length === 0) return message ? 'fails' : 'too slow'
  return `${digits((bytes / median(times)) * 1e3)} (${digits((bytes / Math.min(...times)) * 1e3)})`
}

const sameIds = (cells) => {
  const wrong = cells.filter(({ different }) => different !== 0)
  if (wrong.length === 0) return '='
  return wrong
    .map(
      ({ text, different }) =>
        `${text.name} ${different === undefined ? '?' : `≠ ${different.toLocaleString('en-US')}`}`,
    )
    .join(', ')
}

const ms = (times) =>
  times.length === 0 ? '–' : `${digits(median(times) / 1e6)} (${digits(Math.min(...times) / 1e6)})`
