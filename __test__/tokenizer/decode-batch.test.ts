import test from 'ava'
import {
  getEncoding,
  loadTokenizer,
  TokenBatch,
  TokenmillError,
  Vocabulary,
  WordTokenizer,
  type ErrorCode,
  type Tokenizer,
} from '../../src/index.ts'
import { jsonFile } from './json-cases.ts'

const texts = ['the mill', '', 'é 日本 👩‍👩‍👧', 'the '.repeat(500)]

const tokenizers = async (): Promise<Tokenizer[]> => [
  getEncoding('o200k_base'),
  ...(await Promise.all(['bert', 'llama2', 'qwen2', 'roberta'].map((name) => loadTokenizer(jsonFile(name))))),
  new WordTokenizer(Vocabulary.fromText(`${texts.join(' ')} <|unk|>`), { unknown: null }),
]

test('a batch gives the text of each row', async (t) => {
  for (const tokenizer of await tokenizers()) {
    const batch = tokenizer.encodeBatch(texts)
    const expected = [...batch].map((row) => tokenizer.decode(row))
    t.deepEqual(tokenizer.decodeBatch(batch), expected, tokenizer.name)
    t.deepEqual(tokenizer.decodeBatch([...batch]), expected)
    t.deepEqual(tokenizer.decodeBatch([...batch].map((row) => [...row])), expected)
    t.deepEqual(tokenizer.decodeBatch([...batch].map((row) => row.values())), expected)
    t.deepEqual(tokenizer.decodeBatch([]), [])
  }
})

test('options are those of decode', async (t) => {
  const bert = await loadTokenizer(jsonFile('bert'))
  const rows = bert.encodeBatch(['the', 'a mill'], { addSpecialTokens: true })
  t.deepEqual(
    bert.decodeBatch(rows, { skipSpecialTokens: true }),
    [...rows].map((row) => bert.decode(row, { skipSpecialTokens: true })),
  )
  t.notDeepEqual(bert.decodeBatch(rows, { skipSpecialTokens: true }), bert.decodeBatch(rows))
  t.throws(() => bert.decodeBatch([], { skipSpecial: true } as never), { code: 'ERR_INVALID_ARGUMENT' })
})

test('errors name the row', async (t) => {
  const throws = (call: () => unknown, code: ErrorCode, message: RegExp) =>
    t.throws(call, { instanceOf: TokenmillError, code, message })
  for (const tokenizer of await tokenizers()) {
    throws(() => tokenizer.decodeBatch([[1], [1, 4e6]]), 'ERR_OUT_OF_RANGE', /^rows\[1\]: expected .*received 4000000/)
    throws(
      () => tokenizer.decodeBatch([[1], [1, 1.5]]),
      'ERR_INVALID_ARGUMENT',
      /^rows\[1\]: expected an integer.* for ids\[1\], received 1\.5$/,
    )
    throws(() => tokenizer.decodeBatch([[1], '1'] as never), 'ERR_INVALID_ARGUMENT', /^rows\[1\]: .*received "1"$/)
    throws(() => tokenizer.decodeBatch(new Uint32Array(2) as never), 'ERR_INVALID_ARGUMENT', /^rows\[0\]: /)
    for (const rows of ['1', 1, null, undefined, {}])
      throws(
        () => tokenizer.decodeBatch(rows as never),
        'ERR_INVALID_ARGUMENT',
        /^expected a TokenBatch or an array of ids of each text for rows, received /,
      )
  }
  const gpt2 = getEncoding('gpt2')
  const part = gpt2.encode('磨').subarray(0, 1)
  throws(() => gpt2.decodeBatch([[1], part], { errors: 'strict' }), 'ERR_INVALID_UTF8', /^rows\[1\]: /)
  t.deepEqual(gpt2.decodeBatch([[1], part]), ['"', '\ufffd'])
})

test('a batch whose memory was transferred has no rows', (t) => {
  const gpt2 = getEncoding('gpt2')
  for (const name of ['ids', 'rowStarts'] as const) {
    const { ids, rowStarts } = gpt2.encodeBatch(['the', 'mill'])
    const batch = new TokenBatch(ids.slice(), rowStarts.slice())
    structuredClone(null, { transfer: [batch[name].buffer] })
    t.throws(() => gpt2.decodeBatch(batch), { instanceOf: TokenmillError, code: 'ERR_INVALID_ARGUMENT' }, name)
  }
})
