/*
 * `npm run bench -- interop --python PYTHON [--name NAME]`: what `prepare` writes is read back by those for whom it is, and windows are those of PyTorch.
 *
 * PYTHON is an interpreter with numpy, torch and megatron-core. This measures nothing: it ends with an error when one id is another one.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBuilt } from '../../scripts/lib/ensure.mjs'
import { root, run } from '../../scripts/lib/run.mjs'
import { readArguments, say } from '../lib/arguments.mjs'
import { versions } from '../lib/machine.mjs'
import { bench } from '../lib/paths.mjs'
import { write } from '../lib/record.mjs'
import { table } from '../lib/table.mjs'

const help = `npm run bench -- interop [options]

  --python PYTHON     an interpreter that has numpy, torch and megatron-core (default: python3)
  --name NAME         of the record bench/results/DATE-NAME.md (default: interop); --name '' writes none
`

export const main = async (args) => {
  const options = readArguments(args, help, { python: 'python3', name: 'interop' })
  if (options === undefined) return
  const { python, name } = options
  await ensureBuilt({ say })
  const library = await import('../../dist/index.js')
  const results = []
  for (const encoding of ['gpt2', 'o200k_base']) {
    const folder = mkdtempSync(join(tmpdir(), 'tokenmill-interop-'))
    try {
      say(`writing and reading back ${encoding}`)
      await writeEverything(library, encoding, folder)
      const { output } = await run(python, [join(bench, 'interop', 'read_back.py'), folder], {
        quiet: true,
      })
      results.push({ encoding, ...JSON.parse(output.trim().split('\n').at(-1)) })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  const date = new Date().toISOString().slice(0, 10)
  const { tokenmill, commit, changed, node } = versions({})
  const markdown = [
    '# What is written, read back by others',
    [
      `- ${date}, \`npm run bench -- interop\``,
      `- tokenmill ${tokenmill} at ${commit}${changed ? ' with uncommitted changes' : ''}; Node ${node}; ${Object.entries(
        results[0].versions,
      )
        .map(([name, version]) => `${name} ${version}`)
        .join(', ')}`,
    ].join('\n'),
    'Every id of every document is equal to what `encode` gives, and every row of every batch to what PyTorch gives.',
    ...results.flatMap(({ encoding, seen }) => [`## ${encoding}`, table(['read by', 'equal'], Object.entries(seen))]),
  ].join('\n\n')
  console.log(markdown)
  if (name !== '') say(`written to ${write({ name, date, markdown, data: { results } })}.md and .json`)
}

/* A dataset in all formats, with documents over the ends of shards; the ids of its documents as `encode` gives them, and batches of windows. */
const writeEverything = async ({ DataLoader, getEncoding, prepare, TokenStore, WindowDataset }, encoding, folder) => {
  const tokenizer = getEncoding(encoding)
  const story = readFileSync(join(root, 'examples/mill.txt'), 'utf8')
  const documents = Array.from({ length: 400 }, (_, index) => {
    const start = (index * 7919) % story.length
    return `${index} 磨坊 <|endoftext|> ${story.slice(start, start + ((index * 37) % 900))}`
  })
  writeFileSync(join(folder, 'documents.jsonl'), documents.map((text) => `${JSON.stringify({ text })}\n`).join(''))
  const outDir = join(folder, 'data')
  const formats = ['raw', 'llmc', 'megatron', 'npy', ...(tokenizer.vocabSize <= 65_536 ? ['nanogpt'] : [])]
  const { dtype } = await prepare({
    ...{ inputs: [join(folder, 'documents.jsonl')], tokenizer, outDir, format: formats },
    ...{ split: { validation: 0.2 }, shardTokens: 9973 },
  })

  // The documents of each split keep their order.
  const left = documents.map((text) => [...tokenizer.encodeOrdinary(text), tokenizer.endOfTextId])
  const splits = {}
  for (const split of ['train', 'val']) {
    const store = await TokenStore.open(outDir, { split, tokenizer })
    splits[split] = []
    for (let at = 0; at < store.documents.length; at++) {
      const from = store.documents.start(at)
      const key = store
        .slice(from, at + 1 < store.documents.length ? store.documents.start(at + 1) : store.length)
        .join()
      const found = left.findIndex((ids) => ids?.join() === key)
      if (found < 0) throw new Error(`document ${at} of ${split} is none that was written`)
      splits[split].push(left[found])
      left[found] = undefined
    }
    store.close()
  }
  if (left.some((ids) => ids !== undefined)) throw new Error('a document is in no split')
  writeFileSync(join(folder, 'expected.json'), JSON.stringify({ dtype, splits }))

  const store = await TokenStore.open(outDir, { tokenizer })
  const rows = (values, columns) =>
    Array.from({ length: values.length / columns }, (_, row) => [
      ...values.subarray(row * columns, (row + 1) * columns),
    ])
  const made = [
    { contextLength: 64, stride: 64, batchSize: 8, dropLast: true },
    { contextLength: 100, stride: 37, batchSize: 16, dropLast: false },
  ].map(({ contextLength, stride, ...options }) => ({
    ...{ contextLength, stride, ...options, tokens: store.length },
    batches: Array.from(
      new DataLoader(new WindowDataset(store, { contextLength, stride }), options),
      ({ inputs, targets, shape }) => ({ inputs: rows(inputs, shape[1]), targets: rows(targets, shape[1]) }),
    ),
  }))
  store.close()
  writeFileSync(join(folder, 'windows.json'), JSON.stringify(made))
}
