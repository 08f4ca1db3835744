/*
 * `npm run bench -- prepare [--corpus FILE…] [--bytes N] [--slice N] [--python PYTHON] [--rounds N] [--name NAME]`: JSON lines in Zstandard to a dataset of GPT-2's
 * ids, two threads or processes, beside nanoGPT's and Megatron-LM's ways and beside encoding the same texts in memory.
 *
 * Each figure is of a whole process, from its start to its end. The ids of the peers are compared with ours.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBuilt } from '../../scripts/lib/ensure.mjs'
import { Failure, run } from '../../scripts/lib/run.mjs'
import { readArguments, say } from '../lib/arguments.mjs'
import { tokenizerJsonOf } from '../lib/commands.mjs'
import { defaultTexts } from '../lib/default-texts.mjs'
import { load, machine, versions } from '../lib/machine.mjs'
import { bench, madeFolder, runFolder } from '../lib/paths.mjs'
import { ranksFolder } from '../lib/ranks.mjs'
import { busyNote, write } from '../lib/record.mjs'
import { peersFromNpm } from '../lib/setup.mjs'
import { digits, median } from '../lib/stats.mjs'
import { table } from '../lib/table.mjs'
import { ensureTokenizerJson } from '../lib/tokenizer-json.mjs'
import { textOfFile } from '../lib/texts.mjs'
import { writeCorpus } from './corpus.mjs'
import { runTree } from './tree.mjs'

const help = `npm run bench -- prepare [options]

  --corpus FILE…      UTF-8 text, packed with xz or not, out of which documents are cut (default: text out of node_modules)
  --bytes N           of text in the large corpus, in JSON lines and Zstandard (default: 1000000000)
  --slice N           of text in the small one, which the peers and other forms of compression get (default: 60000000)
  --python PYTHON     an interpreter that has numpy, tiktoken, tokenizers, torch, megatron-core and zstandard (default: python3)
  --rounds N          (default: 3)
  --make              only write the corpora, which stay for the next time
  --name NAME         of the record bench/results/DATE-NAME.md (default: prepare); --name '' writes none
`
const modules = ['numpy', 'tiktoken', 'tokenizers', 'torch', 'megatron.core', 'zstandard']

export const main = async (args) => {
  const options = readArguments(args, help, {
    ...{ corpus: [], bytes: 1e9, slice: 60e6, python: 'python3', rounds: 3, name: 'prepare', make: false },
  })
  if (options === undefined) return
  const { corpus, bytes, slice, python, rounds, name, make } = options
  process.on('exit', () => rmSync(runFolder, { recursive: true, force: true }))
  if (!make) await ensureBuilt({ say })
  await peersFromNpm(say)
  await ensureTokenizerJson('r50k_base', tokenizerJsonOf('r50k_base'))
  const peerVersions = await versionsOf(python)
  if (peerVersions === undefined) say(`${python} has not all of ${modules.join(', ')}: its rows are left out`)

  const texts = (corpus.length > 0 ? corpus.map((file) => textOfFile(file, {})) : defaultTexts({})).map(
    ({ text }) => text,
  )
  say(`writing ${digits(bytes / 1e6)} MB of text, and ${digits(slice / 1e6)} MB in each form`)
  const made = (name, bytes, form) =>
    writeCorpus({
      ...{ texts, folder: join(madeFolder, 'prepare'), name, bytes, form },
      fileBytes: Math.min(bytes / 2, 64e6),
    })
  const large = await made('large', bytes, 'zst')
  const small = { zst: await made('small', slice, 'zst'), gz: await made('small', slice, 'gz') }
  small.jsonl = await made('small', slice, 'jsonl')

  if (make) return

  const before = load()
  if (before > 0.5) say(`This machine is busy (load ${before}): good for a check, not for figures`)
  const out = join(runFolder, 'out')
  const ours = (of) => ({
    of,
    command: [process.execPath, join(bench, 'prepare', 'child.mjs'), 'prepare', out, ...of.files],
  })
  const inMemory = (of) => ({
    of,
    memory: true,
    command: [process.execPath, join(bench, 'prepare', 'child.mjs'), 'encode', ...of.files],
  })
  const peer = (name, from) => ({
    of: small.zst,
    own: true,
    command: [python, join(bench, 'prepare', 'child.py'), name, out, from, ...small.zst.files],
  })
  const rows = [
    { title: `tokenmill prepare, ${size(large)}, jsonl.zst`, ...ours(large) },
    { title: `encodeBatchAsync in memory, ${size(large)}`, ...inMemory(large) },
    ...Object.entries(small).map(([form, of]) => ({
      title: `tokenmill prepare, ${size(of)}, ${form === 'jsonl' ? form : `jsonl.${form}`}`,
      ...ours(of),
    })),
    { title: `encodeBatchAsync in memory, ${size(small.zst)}`, ...inMemory(small.zst) },
    ...(peerVersions === undefined
      ? []
      : [
          { title: `nanoGPT's way (tiktoken), ${size(small.zst)}, jsonl.zst`, ...peer('nanogpt', ranksFolder) },
          {
            title: `Megatron-LM's way (tokenizers), ${size(small.zst)}, jsonl.zst`,
            ...peer('megatron', tokenizerJsonOf('r50k_base')),
          },
        ]),
  ].map((row) => ({ ...row, samples: [] }))
  const ids = new Map()
  for (let round = 1; round <= rounds; round++) {
    for (const row of rows) {
      rmSync(out, { recursive: true, force: true })
      mkdirSync(out, { recursive: true })
      const { seconds, peak, output } = await runTree(...[row.command[0], row.command.slice(1)])
      const own = row.memory || row.own ? JSON.parse(output.trim().split('\n').at(-1)) : undefined
      if (row.memory && own.bytes !== row.of.bytes) throw new Failure('the texts in memory are not those of the corpus')
      row.samples.push({ seconds: own?.seconds ?? seconds, peak })
      say(`round ${round} of ${rounds}: ${row.title}: ${digits(row.of.bytes / 1e6 / row.samples.at(-1).seconds)} MB/s`)
      if (row.memory) continue
      const hash = hashOf(out)
      const known = ids.get(row.of.sha256) ?? hash
      if (known !== hash) throw new Failure(`${row.title} wrote other ids`)
      ids.set(row.of.sha256, hash)
    }
  }

  const date = new Date().toISOString().slice(0, 10)
  const busy = { before, after: load() }
  const { cpu, cores, memoryGB, system } = machine()
  const { tokenmill, commit, changed, node } = versions({})
  const rate = (row) => row.of.bytes / 1e6 / median(row.samples.map(({ seconds }) => seconds))
  const [prepared, encoded] = rows
  const ratio = (title) => {
    const row = rows.find((row) => row.title.startsWith(title))
    return row && digits(rate(prepared) / rate(row))
  }
  const markdown = [
    '# Documents to a dataset',
    [
      `- ${date}, \`npm run bench -- prepare\``,
      `- ${cpu}, ${cores} cores, ${memoryGB} GB, ${system}; load before ${busy.before}, after ${busy.after}`,
      `- tokenmill ${tokenmill} at ${commit}${changed ? ' with uncommitted changes' : ''}, ${process.env.TOKENMILL_NATIVE_PATH ? 'the addon as it is published' : 'the addon of the profile `fast`'}; Node ${node}; ${peerVersions ?? 'no peers from Python, which is not here'}`,
      `- ${rounds} rounds; ids of GPT-2; two threads, or two processes beside the one that reads and writes`,
      `- documents of 1,500 to 4,500 characters: ${large.documents.toLocaleString('en-US')} in ${size(large)}, SHA-256 of the texts ${large.sha256.slice(0, 8)}…; the texts come again with one word in fifty changed`,
    ].join('\n'),
    ...busyNote(busy),
    'From the start of a process to its end, median (best); in memory: the calls alone; from Python: without loading its modules, which takes seconds. *Memory*: the most that was resident in all processes together, what they share counted once. MB are 10⁶ bytes of text. The files of all hold the same ids.',
    table(
      ['', 'MB/s', 'seconds', 'memory, MB'],
      rows.map((row) => {
        const seconds = row.samples.map(({ seconds }) => seconds)
        const peaks = row.samples.map(({ peak }) => peak ?? 0)
        return [
          row.title,
          `${digits(rate(row))} (${digits(row.of.bytes / 1e6 / Math.min(...seconds))})`,
          digits(median(seconds)),
          row.memory || median(peaks) === 0 ? '–' : digits(Math.max(...peaks) / 1e6),
        ]
      }),
    ),
    [
      `\`prepare\` of ${size(large)} over encoding in memory: ${digits(rate(prepared) / rate(encoded))}`,
      ...["nanoGPT's way", "Megatron-LM's way"].flatMap((title) =>
        ratio(title) ? [`over ${title}: ${ratio(title)}`] : [],
      ),
    ].join('; ') + '.',
  ].join('\n\n')
  console.log(markdown)
  if (name === '') return
  const data = { rows: rows.map(({ title, samples, of }) => ({ title, samples, bytes: of.bytes })), peerVersions, busy }
  say(`written to ${write({ name, date, markdown, data })}.md and .json`)
}

const size = ({ bytes }) => (bytes >= 1e9 ? `${digits(bytes / 1e9)} GB` : `${digits(bytes / 1e6)} MB`)

/* Of the ids: all that is in .bin files, which have no header. */
const hashOf = (folder) => {
  const hash = createHash('sha256')
  for (const name of readdirSync(folder).sort())
    if (/^train.*\.bin$/.test(name)) hash.update(readFileSync(join(folder, name)))
  return hash.digest('hex')
}

const versionsOf = async (python) => {
  const names = modules.map((name) => name.split('.')[0])
  const code = `import ${modules.join(', ')}\nfrom importlib.metadata import version\nprint(', '.join(f'{n} {version(n)}' for n in ${JSON.stringify(names.map((name) => (name === 'megatron' ? 'megatron-core' : name)))}))`
  const { code: status, output } = await run(python, ['-W', 'ignore', '-c', code], {
    quiet: true,
    allowFailure: true,
  }).catch(() => ({ code: 1, output: '' }))
  return status === 0 ? output.trim().split('\n').at(-1) : undefined
}
