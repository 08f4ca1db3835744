/* The whole walk: a text file to input embeddings. node --import tsx examples/walk.ts [FILE] */
import { readFile } from 'node:fs/promises'
import { DataLoader, getEncoding, InputEmbedding, WindowDataset } from 'tokenmill'

const file = process.argv[2] ?? new URL('mill.txt', import.meta.url)
const contextLength = 64

const tokenizer = getEncoding('o200k_base')
const ids = await tokenizer.encodeAsync(await readFile(file), { disallowedSpecial: [] })
const dataset = new WindowDataset(ids, { contextLength, stride: 32 })
const loader = new DataLoader(dataset, { batchSize: 8, shuffle: true, seed: 1, dropLast: true })
const embedding = InputEmbedding.create({ vocabSize: tokenizer.vocabSize, contextLength, dimensions: 128, seed: 1 })

console.log(`${ids.length} tokens, ${dataset.length} windows`)
let batches = 0
for await (const batch of loader) {
  const output = embedding.forward(batch)
  if (batches++ === 0) {
    console.log(`x  ${JSON.stringify(tokenizer.decode(batch.inputs.subarray(0, 12)))}`)
    console.log(`y  ${JSON.stringify(tokenizer.decode(Uint32Array.from(batch.targets.subarray(0, 12))))}`)
    console.log(`ids [${batch.shape.join(', ')}] -> input embeddings [${output.shape.join(', ')}]`)
  }
  // A model would take it from here.
  output.dispose()
}
console.log(`${batches} batches`)
embedding.dispose()
