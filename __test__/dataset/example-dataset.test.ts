import test from 'ava'
import type { Batch } from '../../src/dataset/batch.ts'
import { DataLoader } from '../../src/dataset/data-loader.ts'
import { ExampleDataset, type ExampleOptions } from '../../src/dataset/example-dataset.ts'
import { classification, completion } from '../../src/dataset/example-objective.ts'
import { getEncoding } from '../../src/tokenizer/encodings.ts'
import { loadTokenizer } from '../../src/tokenizer/load.ts'
import { Vocabulary } from '../../src/tokenizer/vocabulary.ts'
import { WordTokenizer } from '../../src/tokenizer/word-tokenizer.ts'

const tokenizer = getEncoding('gpt2')
const end = tokenizer.endOfTextId as number
const records = [
  { prompt: 'Two and two are', completion: ' four.' },
  { prompt: 'Say <|endoftext|>:', completion: ' <|endoftext|>' },
  { prompt: 'A', completion: ' longer completion than the others have, by far' },
]

test('a completion is asked for and its end, the prompt is not', (t) => {
  const dataset = new ExampleDataset(records, { tokenizer, maxLength: 100, objective: completion() })
  t.is(dataset.length, 3)
  for (const [index, record] of records.entries()) {
    const { inputs, targets } = dataset.get(index)
    const prompt = tokenizer.encodeOrdinary(record.prompt)
    const answer = tokenizer.encodeOrdinary(record.completion)
    t.deepEqual([...inputs], [...prompt, ...answer])
    t.deepEqual([...targets], [...Array<number>(prompt.length - 1).fill(-100), ...answer, end])
  }
  t.deepEqual([dataset.cutExamples, dataset.droppedExamples, dataset.unscoredExamples], [0, 0, 0])
})

test('text of a record never becomes a special token', (t) => {
  const dataset = new ExampleDataset(records, { tokenizer, maxLength: 100, objective: completion({ endId: null }) })
  for (let index = 0; index < dataset.length; index++) {
    const { inputs, targets } = dataset.get(index)
    t.false(inputs.includes(end) || targets.includes(end))
  }
})

test('batches are filled up to the longest, with -100 and a mask', (t) => {
  const dataset = new ExampleDataset(records, { tokenizer, maxLength: 100, objective: completion() })
  const [batch] = [...new DataLoader(dataset, { batchSize: 3 })] as [Batch]
  const [rows, columns] = batch.shape
  t.is(rows, 3)
  t.is(columns, Math.max(...[0, 1, 2].map((index) => dataset.get(index).inputs.length)))
  for (let row = 0; row < rows; row++) {
    const { inputs, targets } = dataset.get(row)
    const [start, stop] = [row * columns, (row + 1) * columns]
    const padding = columns - inputs.length
    t.deepEqual([...batch.inputs.subarray(start, stop)], [...inputs, ...Array<number>(padding).fill(end)])
    t.deepEqual([...batch.targets.subarray(start, stop)], [...targets, ...Array<number>(padding).fill(-100)])
    t.deepEqual(
      [...(batch.attentionMask as Uint8Array).subarray(start, stop)],
      [...Array<number>(inputs.length).fill(1), ...Array<number>(padding).fill(0)],
    )
  }
})

test('fields may be functions, and the end any id', (t) => {
  const objective = completion<{ from: string; to: string }>({
    prompt: ({ from }) => `English: ${from}\nGerman:`,
    completion: ({ to }) => ` ${to}`,
    endId: 198,
  })
  const dataset = new ExampleDataset([{ from: 'tree', to: 'Baum' }], { tokenizer, maxLength: 50, objective })
  const { inputs, targets } = dataset.get(0)
  t.is(tokenizer.decode(inputs), 'English: tree\nGerman: Baum')
  t.is(tokenizer.decode(targets.filter((id) => id !== -100) as never), ' Baum\n')
})

test('longer examples are cut, dropped or an error, and counted', (t) => {
  const options = { tokenizer, objective: completion() }
  const cut = new ExampleDataset(records, { ...options, maxLength: 6 })
  t.deepEqual([cut.length, cut.cutExamples, cut.droppedExamples], [3, 2, 0])
  for (let index = 0; index < 3; index++) t.true(cut.get(index).inputs.length <= 6)
  // The second prompt alone is longer than that.
  t.is(cut.unscoredExamples, 1)
  const dropped = new ExampleDataset(records, { ...options, maxLength: 6, tooLong: 'drop' })
  t.deepEqual([dropped.length, dropped.cutExamples, dropped.droppedExamples], [1, 0, 2])
  t.throws(() => new ExampleDataset(records, { ...options, maxLength: 6, tooLong: 'error' }), {
    code: 'ERR_LIMIT',
    message: /at most 7 tokens, as options.maxLength says, received \d+ in records\[1\]/,
  })
})

test('a class is one target for each row', (t) => {
  const objective = classification({ labels: ['ham', 'spam'] })
  const texts = [
    { text: 'See you at eight', label: 'ham' },
    { text: 'You won!', label: 'spam' },
    { text: 'Win now', label: 'spam' },
  ]
  const dataset = new ExampleDataset(texts, { tokenizer, maxLength: 3, objective })
  t.is(dataset.cutExamples, 1)
  const [batch] = [...new DataLoader(dataset, { batchSize: 3 })] as [Batch]
  t.deepEqual([...batch.targets], [0, 1, 1])
  t.deepEqual(batch.shape, [3, 3])
  t.deepEqual([...batch.inputs.subarray(0, 3)], [...tokenizer.encode('See you at')])
  t.deepEqual([...(batch.attentionMask as Uint8Array)], [1, 1, 1, 1, 1, 1, 1, 1, 0])
})

for (const name of ['bert', 'roberta', 'llama2']) {
  test(`special tokens of ${name} stand around a text and stay where it is cut, as in encodePadded`, async (t) => {
    const json = await loadTokenizer(new URL(`../../testdata/tokenizer-json/${name}.json`, import.meta.url))
    const texts = ['the mill turns', 'a [SEP] b </s>', '', 'and the river turns the mill, and the mill turns the river']
    const rows = texts.map((text) => ({ text, label: 'a' }))
    const objective = classification({ labels: ['a'], addSpecialTokens: true })
    for (const maxLength of [2, 3, 7, 100]) {
      const dataset = new ExampleDataset(rows, { tokenizer: json, maxLength, objective })
      const padded = texts.map((text) =>
        json.encodePadded([text], { maxLength, padTo: 0, padToMultipleOf: 1, disallowedSpecial: [] }),
      )
      t.deepEqual(
        Array.from(texts, (_, index) => [...dataset.get(index).inputs]),
        padded.map(({ ids }) => [...ids]),
      )
      const counts = texts.map((text) => json.encode(text, { addSpecialTokens: true, disallowedSpecial: [] }).length)
      t.is(dataset.cutExamples, counts.filter((count) => count > maxLength).length)
    }
    const [long] = rows.slice(-1)
    const options = { tokenizer: json, objective } as const
    if (name !== 'llama2')
      t.throws(() => new ExampleDataset([long], { ...options, maxLength: 1 }), {
        code: 'ERR_INVALID_ARGUMENT',
        message: /room for the 2 tokens of records\[0\] that are kept, received 1$/,
      })
    t.throws(() => new ExampleDataset([long], { ...options, maxLength: 3, tooLong: 'error' }), { code: 'ERR_LIMIT' })
  })
}

test('tokenizers that put nothing around a text add no special tokens', (t) => {
  const objective = classification({ labels: ['a'], addSpecialTokens: true })
  const dataset = new ExampleDataset([{ text: 'A', label: 'a' }], { tokenizer, maxLength: 3, objective })
  t.deepEqual([...dataset.get(0).inputs], [32])
  t.throws(() => classification({ labels: ['a'], addSpecialTokens: 1 as never }), {
    message: /options.addSpecialTokens, received 1/,
  })
})

test('parts of an objective of your own may be kept where an example is cut', (t) => {
  const objective = {
    name: 'own',
    example: (text: string) => ({
      parts: [
        { text, scored: false },
        { ids: [7], scored: false, kept: true },
        { text, scored: true },
        { ids: [9], scored: true, kept: true },
      ],
    }),
  }
  const dataset = new ExampleDataset(['A B'], { tokenizer, maxLength: 4, objective })
  t.deepEqual([...dataset.get(0).inputs], [...tokenizer.encode('A B'), 7, tokenizer.encode('A')[0] as number])
  t.deepEqual([...dataset.get(0).targets], [-100, -100, tokenizer.encode('A')[0] as number, 9])
})

test('a single row of one input and a class is a class', (t) => {
  const objective = classification({ labels: ['no', 'yes'] })
  const dataset = new ExampleDataset([{ text: 'A', label: 'yes' }], { tokenizer, maxLength: 3, objective })
  const [batch] = [...new DataLoader(dataset, { batchSize: 2 })] as [Batch]
  t.deepEqual([[...batch.inputs], [...batch.targets], batch.shape], [[32], [1], [1, 1]])
})

test('records may be made on the way, and words be the tokens', (t) => {
  const words = new WordTokenizer(Vocabulary.fromText('yes no maybe'))
  function* answers() {
    for (const word of ['yes', 'no']) yield { prompt: 'maybe', completion: word }
  }
  const dataset = new ExampleDataset(answers(), { tokenizer: words, maxLength: 9, objective: completion() })
  t.deepEqual(words.decode(dataset.get(1).inputs), 'maybe no')
  t.is<number | undefined, number | undefined>(dataset.paddingId, words.endOfTextId)
})

test('every sample is the same at any time', (t) => {
  const dataset = new ExampleDataset(records, { tokenizer, maxLength: 8, objective: completion() })
  t.deepEqual(dataset.get(2), dataset.get(2))
  for (const index of [-1, 3]) t.throws(() => dataset.get(index), { code: 'ERR_OUT_OF_RANGE' })
})

const good = { tokenizer, maxLength: 10, objective: completion() }
for (const [title, given, options, message] of [
  ['a record without a prompt', [{ completion: 'x' }], good, /records\[0\].prompt, received undefined/],
  ['a record of null', [records[0], null], good, /records\[1\], received null/],
  ['records of nothing', null, good, /for records, received null/],
  ['records of text', 'text', good, /for records/],
  ['no records', [], good, /at least one example/],
  ['no tokenizer', records, { ...good, tokenizer: undefined }, /options.tokenizer/],
  ['no maxLength', records, { ...good, maxLength: undefined }, /options.maxLength, received undefined/],
  ['an objective of a name', records, { ...good, objective: 'completion' }, /options.objective, received "completion"/],
  ['another policy', records, { ...good, tooLong: 'split' }, /options.tooLong, received "split"/],
  [
    'an unknown label',
    [{ text: 'a', label: 'eggs' }],
    { ...good, objective: classification({ labels: ['ham', 'spam'] }) },
    /one of ham, spam for the label of records\[0\], received "eggs"/,
  ],
  [
    'a function that makes no text',
    records,
    { ...good, objective: completion({ prompt: (() => 3) as never }) },
    /what options.prompt makes of records\[0\], received 3/,
  ],
] as const) {
  test(`${title} is an error that says so`, (t) => {
    t.throws(() => new ExampleDataset(given as never, options as ExampleOptions<unknown>), {
      code: 'ERR_INVALID_ARGUMENT',
      message,
    })
  })
}

test('no labels, and labels of which one comes twice, are an error', (t) => {
  for (const labels of [undefined, [], ['a', 3], ['a', 'b', 'a']])
    t.throws(() => classification({ labels: labels as never }), {
      code: 'ERR_INVALID_ARGUMENT',
      message: /options.labels/,
    })
})
