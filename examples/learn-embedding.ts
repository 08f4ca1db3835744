/* An embedding that has learned from a text, by guessing each next token from those before it. */
import { readFile } from 'node:fs/promises'
import { trainBpe, trainEmbedding, WindowDataset } from 'tokenmill'

const text = await readFile(new URL('mill.txt', import.meta.url), 'utf8')
const tokenizer = await trainBpe({ texts: [text] }, { vocabSize: 400 })
const ids = tokenizer.encodeOrdinary(text)

// Of a text that is read again and again, only what was not read says what was learned.
const cut = Math.floor(ids.length * 0.9)
const windows = (tokens: Uint32Array) => new WindowDataset(tokens, { contextLength: 32 })

const { embedding, validationLoss, frequencyLoss } = await trainEmbedding(windows(ids.subarray(0, cut)), {
  objective: 'nextToken',
  vocabSize: tokenizer.vocabSize,
  dimensions: 32,
  epochs: 10,
  batchSize: 8,
  learningRate: 0.01,
  seed: 1,
  validation: windows(ids.subarray(cut)),
  validateEverySteps: 50,
  onProgress: ({ step, steps, validationLoss: loss }) => {
    if (loss !== undefined) console.log(`step ${step} of ${steps}: ${loss.toFixed(3)} nats on text that was not read`)
  },
})
console.log(`by frequency alone ${frequencyLoss.toFixed(3)}, with context ${validationLoss?.toFixed(3)}`)

// Tokens that stand in like places have like rows.
const table = embedding.parameters()[0]?.dataSync() as Float32Array
const row = (id: number) => table.subarray(id * embedding.dimensions, (id + 1) * embedding.dimensions)
const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, index) => sum + value * (b[index] as number), 0)
const likeness = (a: number, b: number) => dot(row(a), row(b)) / Math.sqrt(dot(row(a), row(a)) * dot(row(b), row(b)))
for (const token of ['.', ' the', 'e']) {
  const id = tokenizer.tokenToId(token)
  if (id === undefined) continue
  const others = Array.from({ length: tokenizer.vocabSize }, (_, other) => other).filter((other) => other !== id)
  const near = others.sort((a, b) => likeness(id, b) - likeness(id, a)).slice(0, 5)
  const shown = near.map((other) => JSON.stringify(tokenizer.idToToken(other)))
  console.log(`${JSON.stringify(token)} is used like ${shown.join(', ')}`)
}
embedding.dispose()
