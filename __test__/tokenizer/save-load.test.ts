import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
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

/** What comes back from a file gives the ids, the texts and the special tokens of what was saved. */
const comesBack = async (
  t: ExecutionContext,
  saved: BpeTokenizer,
  name: string,
  options?: Parameters<typeof loadTokenizer>[1],
) => {
  const path = join(folder, name)
  await saved.save(path)
  const loaded = await loadTokenizer(path, options)
  t.deepEqual([...loaded.specialTokens], [...saved.specialTokens])
  t.is(loaded.vocabSize, saved.vocabSize)
  for (const text of [...texts, [...saved.specialTokens.keys()].join('a')]) {
    const all = [...saved.encode(text, { allowedSpecial: 'all' })]
    t.deepEqual([...loaded.encode(text, { allowedSpecial: 'all' })], all, text)
    t.deepEqual([...loaded.encodeOrdinary(text)], [...saved.encodeOrdinary(text)], text)
    t.is(loaded.decode(all), saved.decode(all), text)
    t.is(loaded.decode(all, { skipSpecialTokens: true }), saved.decode(all, { skipSpecialTokens: true }), text)
  }
}

for (const [index, [pattern, specialTokens]] of (
  [
    ['gpt2', []],
    ['cl100k', ['<|endoftext|>']],
    ['o200k', ['<|endoftext|>', '<|pad|>']],
    ['llama3', ['<|endoftext|>']],
    // Those look around at what has no bounded length.
    ['\\p{Nd}{1,3}(?=(?:\\p{Nd}{3})*\\b)|\\p{L}+', []],
    ['(?<=l+)o|(?=(e+))e\\w', []],
    ['\\Glow|w\\Ke', []],
  ] as const
).entries()) {
  test(`a tokenizer trained by the pattern of ${pattern} is the same after saving and loading`, async (t) => {
    const trained = await trainBpe(
      { texts: Array.from({ length: 40 }, () => texts.join('\n')) },
      { vocabSize: 400, pattern, specialTokens: [...specialTokens] },
    )
    const special = Object.fromEntries(trained.specialTokens)
    await comesBack(t, trained, `trained-${index}.json`)
    await comesBack(t, trained, `trained-${index}.tiktoken`, { pattern, specialTokens: special })
  })
}

for (const name of encodingNames) {
  test(`${name} is the same after saving and loading`, async (t) => {
    const encoding = getEncoding(name)
    await comesBack(t, encoding, `${name}.json`)
    const pattern = name.startsWith('o200k') ? 'o200k' : name === 'cl100k_base' ? 'cl100k' : 'gpt2'
    await comesBack(t, encoding, `${name}.tiktoken`, { pattern, specialTokens: encoding.specialTokens })
  })
}

test('what a tokenizer.json repeats by a count with a ? behind it may be left out, as Hugging Face reads it', async (t) => {
  const path = join(folder, 'counted.json')
  await (await trainBpe({ texts: [] }, { vocabSize: 256, pattern: 'a{3}' })).save(path)
  const json = readFileSync(path, 'utf8')
  t.true(json.includes('"a{3}"'))
  writeFileSync(path, json.replace('"a{3}"', '"a{3}?|b{1,2}?"'))
  const { wordIds } = (await loadTokenizer(path)).encodeWithOffsets('xyaaabb', { wordIds: true })
  t.deepEqual(wordIds, Int32Array.of(0, 1, 2, 2, 2, 3, 4))
})
