/*
 * A fine-tuning set for summaries: the loss is of the summary alone. node --import tsx examples/fine-tune-summarisation.ts
 */
import { completion, DataLoader, ExampleDataset, getEncoding } from 'tokenmill'

interface Article {
  readonly text: string
  readonly summary: string
}

const records: readonly Article[] = [
  {
    text: 'The mill at Tokenford stood still for a week, since the river had frozen from bank to bank. On Friday it thawed.',
    summary: 'Frost stopped the mill for a week.',
  },
  {
    text: 'The council met on Monday and talked until midnight. It decided to mend the bridge, and nothing else.',
    summary: 'The bridge will be mended.',
  },
]

const tokenizer = getEncoding('gpt2')
const objective = completion<Article>({
  prompt: ({ text }) => `${text}\nTL;DR:`,
  completion: ({ summary }) => ` ${summary}`,
})
const dataset = new ExampleDataset(records, { tokenizer, maxLength: 48, objective })
console.log(`${dataset.length} examples, ${dataset.cutExamples} cut, ${dataset.unscoredExamples} without a summary`)

for (const { targets, shape } of new DataLoader(dataset, { batchSize: 2 })) {
  const [rows, columns] = shape
  for (let row = 0; row < rows; row++) {
    const asked = targets.subarray(row * columns, (row + 1) * columns).filter((id) => id !== -100)
    console.log(`asked for ${asked.length} of ${columns}: ${JSON.stringify(tokenizer.decode(Array.from(asked)))}`)
  }
}
