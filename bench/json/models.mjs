import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../scripts/lib/run.mjs'
import { tokenizerJsonOf } from '../lib/commands.mjs'
import { bench, runFolder } from '../lib/paths.mjs'
import { ensureTokenizerJson } from '../lib/tokenizer-json.mjs'

/*
 * The models whose files are read. The first has the published ranks of cl100k_base, which are the greater part of Llama 3's, and its pre-tokenizer; the
 * others are trained on the texts, which needs Python.
 */
const all = [
  { id: 'llama3', title: 'BPE like Llama 3' },
  { id: 'bert', title: 'WordPiece like BERT', size: 'vocabulary' },
  { id: 'roberta', title: 'BPE like RoBERTa', size: 'vocabulary' },
  { id: 'xlmr', title: 'Unigram like XLM-R', size: 'pieces' },
  { id: 'llama2', title: 'BPE like Llama 2', size: 'pieces' },
]

export const modelIds = all.map(({ id }) => id)

/**
 * Those of `chosen` that can be made here, with `file`, the tokenizer.json, and `tokens`, how many they have. Those of sentencepiece have its own file too, `pieces`.
 *
 * @param {{ chosen: readonly string[], texts: readonly { documents: readonly string[] }[], python: string | undefined,
 *   sizes: { vocabulary: number, pieces: number }, say: (what: string) => void }} options
 */
export const makeModels = async ({ chosen, texts, python, sizes, say }) => {
  const documents = join(runFolder, 'all.json')
  writeFileSync(documents, JSON.stringify(texts.flatMap(({ documents }) => documents)))
  const models = []
  for (const { id, title, size } of all) {
    if (!chosen.includes(id) || (size && !python)) continue
    const file = size ? join(runFolder, `${id}.tokenizer.json`) : tokenizerJsonOf('cl100k_base')
    if (size) {
      say(`Training a ${title}`)
      await run(python, [join(bench, 'json', 'train.py'), id, documents, String(sizes[size]), file], { quiet: true })
    } else await ensureTokenizerJson('cl100k_base', file)
    const tokens = Object.keys(JSON.parse(readFileSync(file, 'utf8')).model.vocab).length
    models.push({ id, title, file, tokens, ...(size === 'pieces' && { pieces: `${file}.model` }) })
  }
  return models
}
