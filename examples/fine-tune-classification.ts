/*
 * A fine-tuning set for classification: texts and their classes. node --import tsx examples/fine-tune-classification.ts
 */
import { classification, DataLoader, ExampleDataset, getEncoding } from 'tokenmill'

const labels = ['ham', 'spam'] as const
const records: readonly { readonly text: string; readonly label: (typeof labels)[number] }[] = [
  { text: 'The flour is ready, come by before noon.', label: 'ham' },
  { text: 'You have WON a mill!!! Reply now to claim it.', label: 'spam' },
  { text: 'Shall we meet at the river on Sunday?', label: 'ham' },
  { text: 'Cheap sacks, cheap sacks, only today', label: 'spam' },
  { text: 'The stone needs dressing again.', label: 'ham' },
]

const tokenizer = getEncoding('gpt2')
const dataset = new ExampleDataset(records, { tokenizer, maxLength: 32, objective: classification({ labels }) })

for (const { inputs, targets, attentionMask, shape } of new DataLoader(dataset, {
  batchSize: 2,
  shuffle: true,
  seed: 1,
})) {
  const [rows, columns] = shape
  console.log(`[${rows}, ${columns}]`)
  for (let row = 0; row < rows; row++) {
    const length = attentionMask?.subarray(row * columns, (row + 1) * columns).reduce((sum, bit) => sum + bit, 0)
    const text = tokenizer.decode(inputs.subarray(row * columns, row * columns + (length ?? columns)))
    console.log(`  ${labels[targets[row] ?? -1]}: ${text}`)
  }
}
