/*
 * `npm run bench -- json [--corpus FILE…] [--max-bytes N] [--models LIST] [--vocabulary N] [--pieces N] [--peers LIST] [--rounds N] [--limit SECONDS]
 * [--name NAME]`: the ids of documents by a tokenizer.json like those of Llama 3, BERT, RoBERTa, XLM-R and Llama 2, beside what else reads such a file in Node and in Python.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBuilt } from '../../scripts/lib/ensure.mjs'
import { Failure } from '../../scripts/lib/run.mjs'
import { listOf, readArguments, say } from '../lib/arguments.mjs'
import { defaultTexts } from '../lib/default-texts.mjs'
import { documentsOf } from '../lib/documents.mjs'
import { countDifferences } from '../lib/ids.mjs'
import { load, machine, versions } from '../lib/machine.mjs'
import { bench, runFolder } from '../lib/paths.mjs'
import { busyNote, write } from '../lib/record.mjs'
import { runChild } from '../lib/run-child.mjs'
import { peersFromNpm, pythonWithPeers } from '../lib/setup.mjs'
import { random, shuffled } from '../lib/stats.mjs'
import { textOfFile } from '../lib/texts.mjs'
import { makeModels, modelIds } from './models.mjs'
import { tablesOf } from './report.mjs'

/* `reads` where it is not the tokenizer.json: models without such a file are left to the others. */
const all = [
  { id: 'tokenmill', title: 'tokenmill', runtime: 'node' },
  { id: 'tokenizers', title: 'tokenizers (Python)', runtime: 'python', package: 'tokenizers' },
  { id: 'hf-native', title: 'tokenizers (npm, native)', runtime: 'node', package: 'tokenizers' },
  { id: 'hf-js', title: '@huggingface/tokenizers', runtime: 'node', package: '@huggingface/tokenizers' },
  ...['tokie', 'gigatoken', 'fastokens'].map((id) => ({ id, title: id, runtime: 'python', package: id })),
  { id: 'sentencepiece', title: 'sentencepiece', runtime: 'python', package: 'sentencepiece', reads: 'pieces' },
]
const ids = all.map(({ id }) => id)

const ownFile =
  'sentencepiece encodes with its own file of a model. That of the Unigram drops white space at the end of a document, where the tokenizer.json has one more token.'

const help = `npm run bench -- json [options]

  --corpus FILE…      UTF-8 text, packed with xz or not (default: text out of node_modules)
  --max-bytes N       of each text (default: 2000000)
  --models LIST       of ${modelIds.join(', ')}
  --vocabulary N      tokens of the WordPiece, at most (default: 30522)
  --pieces N          tokens of the Unigram and of the BPE like Llama 2, at most (default: 32000)
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
      models: modelIds.join(','),
      vocabulary: 30_522,
      pieces: 32_000,
      peers: ids.join(','),
      rounds: 3,
      passes: 3,
      limit: 120,
    },
    name: 'json',
  })
  if (options === undefined) return
  const { corpus, 'max-bytes': maxBytes, vocabulary, pieces, rounds, passes, limit, name } = options
  const chosenModels = listOf(options.models.split(','), modelIds, 'model')
  process.on('exit', () => rmSync(runFolder, { recursive: true, force: true }))

  await ensureBuilt({ say })
  await peersFromNpm(say)
  const python = await pythonWithPeers(say, { all: true })
  if (!python) say('Without Python there are neither its peers nor models that are trained')
  const chosen = listOf(options.peers.split(','), ids, 'peer')
  const peers = all.filter(({ id, runtime }) => chosen.includes(id) && (runtime === 'node' || python))

  mkdirSync(runFolder, { recursive: true })
  const texts = (
    corpus.length > 0 ? corpus.map((file) => textOfFile(file, { maxBytes })) : defaultTexts({ maxBytes })
  ).map((text) => ({ ...text, documents: documentsOf(text.text), list: join(runFolder, `${text.name}.json`) }))
  const repeated = texts.find(({ name }, i) => texts.findIndex((text) => text.name === name) < i)
  if (repeated) throw new Failure(`two texts are called ${repeated.name}`)
  for (const { documents, list } of texts) writeFileSync(list, JSON.stringify(documents))

  const models = await makeModels({ chosen: chosenModels, texts, python, sizes: { vocabulary, pieces }, say })

  const before = load()
  if (before > 0.5) say(`This machine is busy (load ${before}): good for a check, not for figures`)
  const out = join(runFolder, 'ids')
  const cells = models.flatMap((model) =>
    texts.flatMap((text) =>
      peers
        .filter(({ reads = 'file' }) => model[reads])
        .map((peer) => ({ model, text, peer, load: [], first: [], warm: [], message: '', ids: undefined })),
    ),
  )
  const next = random(Date.now())
  for (let round = 1; round <= rounds; round++) {
    say(`round ${round} of ${rounds}`)
    for (const cell of shuffled(cells, next)) {
      const { model, text, peer } = cell
      if (cell.message) continue
      rmSync(out, { force: true })
      const rest = [model[peer.reads ?? 'file'], text.warmUp, text.list, String(passes), String(limit / 3), out]
      const command =
        peer.runtime === 'python'
          ? [python, join(bench, 'json', 'child.py'), peer.id, ...rest]
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
  const versionOf = ({ runtime, package: name }) => (runtime === 'node' ? npm : pypi)[name]
  const packages = peers
    .filter((peer) => peer.package)
    .map((peer) => `${peer.title.replace(', native', '')} ${versionOf(peer)}`)
  const parts = [
    '# Ids by a tokenizer.json',
    [
      `- ${date}, \`npm run bench -- json\``,
      `- ${cpu}, ${cores} cores, ${memoryGB} GB, ${system}; load before ${busy.before}, after ${busy.after}`,
      `- tokenmill ${tokenmill} at ${commit}${changed ? ' with uncommitted changes' : ''}, ${process.env.TOKENMILL_NATIVE_PATH ? 'the addon as it is published' : 'the addon of the profile `fast`'}; Node ${node}, Python ${pythonVersion ?? 'none, so there are neither its peers nor models that are trained'}; ${packages.join(', ')}`,
      `- ${rounds} rounds, up to ${passes} warm passes each; documents of some 10 KB, one call for each, one thread, without special tokens`,
      `- models: ${models.map(({ title, tokens }) => `${title} ${tokens.toLocaleString('en-US')} tokens`).join(', ')}; all but that like Llama 3 are trained on the texts`,
      `- texts: ${texts.map(({ name, bytes, sha256, documents }) => `${name} ${(bytes / 1e6).toFixed(2)} MB in ${documents.length} (SHA-256 ${sha256.slice(0, 8)}…)`).join(', ')}`,
    ].join('\n'),
    ...busyNote(busy),
    `MB/s, median (best). First pass: text that it has not seen, after 20 KB that it has; warm: the same documents again, the best pass of each process. *Ids*: how many differ from those of Python’s tokenizers.`,
    ...(peers.some(({ reads }) => reads === 'pieces') ? [ownFile] : []),
    ...models.flatMap((model) => tablesOf({ model, peers, texts, cells })),
  ]
  const markdown = parts.join('\n\n')
  console.log(markdown)
  const wrong = cells.find(({ peer, different, message }) => peer.id === 'tokenmill' && (different > 0 || message))
  if (wrong) throw new Failure(`tokenmill: ${wrong.model.title}, ${wrong.text.name}: ${wrong.message || 'other ids'}`)
  if (name !== '') {
    const data = {
      load: busy,
      texts: texts.map(({ name, bytes, sha256, documents }) => ({ name, bytes, sha256, documents: documents.length })),
      models: models.map(({ id, tokens }) => ({ id, tokens })),
      ...{ rounds, passes, npm, pypi },
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
