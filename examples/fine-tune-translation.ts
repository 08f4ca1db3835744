/*
 * A fine-tuning set for translations, in another order in each epoch. node --import tsx examples/fine-tune-translation.ts
 */
import { completion, DataLoader, ExampleDataset, getEncoding } from 'tokenmill'

interface Pair {
  readonly english: string
  readonly german: string
}

const records: readonly Pair[] = [
  { english: 'The miller laughed.', german: 'Der Müller lachte.' },
  { english: 'Where does the river end?', german: 'Wo endet der Fluss?' },
  { english: 'Bread.', german: 'Brot.' },
  { english: 'Nobody knows how old the mill is.', german: 'Niemand weiß, wie alt die Mühle ist.' },
]

const tokenizer = getEncoding('o200k_base')
const objective = completion<Pair>({
  prompt: ({ english }) => `English: ${english}\nGerman:`,
  completion: ({ german }) => ` ${german}`,
})
const dataset = new ExampleDataset(records, { tokenizer, maxLength: 64, objective, tooLong: 'error' })

for (let epoch = 0; epoch < 2; epoch++) {
  for (const { inputs, shape } of new DataLoader(dataset, { batchSize: 3, shuffle: true, seed: 7, epoch })) {
    const first = tokenizer.decode(inputs.subarray(0, shape[1]), { skipSpecialTokens: true })
    console.log(`epoch ${epoch}, [${shape.join(', ')}]: ${JSON.stringify(first)}`)
  }
}
