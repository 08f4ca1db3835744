import test from 'ava'
import { tokenizerJson } from '../../bench/lib/tokenizer-json.mjs'

const bytes = Array.from({ length: 256 }, (_, byte) => [String.fromCharCode(byte), byte] as const)
const withTokens = (...tokens: string[]) => new Map([...bytes, ...tokens.map((token, i) => [token, 256 + i] as const)])

test('bytes are written as the printable characters of GPT-2', (t) => {
  const vocab: Record<string, number> = tokenizerJson('r50k_base', withTokens()).model.vocab
  t.is(Object.keys(vocab).length, 256)
  t.is(vocab['A'], 65)
  t.is(vocab['Ġ'], 32)
  t.is(vocab['Ċ'], 10)
  t.is(vocab['ÿ'], 255)
})

test('the merge of a token joins the two parts that merging its bytes ends in', (t) => {
  // `th` comes before `he`, so `the` is `th` + `e`; ` the` is made of a byte and a token.
  const { merges } = tokenizerJson('r50k_base', withTokens('th', 'he', 'the', ' the')).model
  t.deepEqual(merges, [
    ['t', 'h'],
    ['h', 'e'],
    ['th', 'e'],
    ['Ġ', 'the'],
  ])
})

test('a token that no merge reaches has none', (t) => {
  const { merges, vocab } = tokenizerJson('cl100k_base', withTokens('ab', 'xyz')).model
  t.deepEqual(merges, [['a', 'b']])
  t.is(vocab['xyz'], 257)
})

test('each encoding splits with its own pattern', (t) => {
  const patterns = ['r50k_base', 'cl100k_base', 'o200k_base'].map((encoding) =>
    JSON.stringify(tokenizerJson(encoding, withTokens()).pre_tokenizer),
  )
  t.is(new Set(patterns).size, 3)
})
