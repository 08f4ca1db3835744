import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { BpeTokenizer } from '../../src/tokenizer/bpe-tokenizer.ts'
import { encodingNames, getEncoding } from '../../src/tokenizer/encodings.ts'
import { loadTokenizer } from '../../src/tokenizer/load.ts'
import { trainBpe } from '../../src/tokenizer/train-bpe.ts'

const folder = mkdtempSync(join(tmpdir(), 'tokenmill-save-load-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

const texts = [
  'low lower lowest, newer newest; wide wider widest.',
  '  The mill’s wheel\n\n\tturned 1234567 times — 水車が回る. 😀👩‍🌾',
  "it's IT'S they'Ll <|endoftext|> ſ K",
  'x'.repeat(300),
  '',
]

/** What comes back from a file gives the ids of what was saved. */
const sameIds = async (saved: BpeTokenizer, name: string, options?: Parameters<typeof loadTokenizer>[1]) => {
  const path = join(folder, name)
  await saved.save(path)
  const loaded = await loadTokenizer(path, options)
  return texts.map((text) => ({
    text,
    saved: [...saved.encodeOrdinary(text)],
    loaded: [...loaded.encodeOrdinary(text)],
  }))
}

for (const [pattern, specialTokens] of [
  ['gpt2', []],
  ['cl100k', ['<|endoftext|>']],
  ['o200k', ['<|endoftext|>', '<|pad|>']],
  ['llama3', ['<|endoftext|>']],
] as const) {
  test(`a tokenizer trained by the pattern of ${pattern} gives the same ids after saving and loading`, async (t) => {
    const trained = await trainBpe(
      { texts: Array.from({ length: 40 }, () => texts.join('\n')) },
      { vocabSize: 400, pattern, specialTokens: [...specialTokens] },
    )
    const special = Object.fromEntries(trained.specialTokens)
    for (const row of [
      ...(await sameIds(trained, `trained-${pattern}.json`)),
      ...(await sameIds(trained, `trained-${pattern}.tiktoken`, { pattern, specialTokens: special })),
    ])
      t.deepEqual(row.loaded, row.saved, row.text)
  })
}

for (const name of encodingNames.filter((each) => ['gpt2', 'p50k_edit', 'cl100k_base', 'o200k_base'].includes(each))) {
  test(`${name} gives the same ids after saving and loading`, async (t) => {
    for (const row of await sameIds(getEncoding(name), `${name}.json`)) t.deepEqual(row.loaded, row.saved, row.text)
  })
}
