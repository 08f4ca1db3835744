/*
 * From text to what a model reads, one small step after another; the order of chapter 2 of Sebastian Raschka's "Build a
 * Large Language Model (From Scratch)". node --import tsx examples/chapter-2.ts
 */
import { readFile } from 'node:fs/promises'
import { DataLoader, Embedding, getEncoding, InputEmbedding, Vocabulary, WindowDataset, WordTokenizer } from 'tokenmill'

const step = (title: string) => console.log(`\n${title}`)
const text = await readFile(new URL('mill.txt', import.meta.url), 'utf8')

step('1. A vocabulary: every word of the text, sorted, numbered')
const vocabulary = Vocabulary.fromText(text)
console.log(vocabulary.size, [...vocabulary].slice(0, 5))

step('2. Words to ids and back')
const words = new WordTokenizer(vocabulary)
const wordIds = words.encode('The miller laughed, and the river laughed.')
console.log(wordIds, words.decode(wordIds))

step('3. A word that the text does not have')
console.log(words.decode(words.encode('The miller laughed at the astronomer.')))

step('4. Byte-pair encoding has a way to write every word')
const tokenizer = getEncoding('gpt2')
const pieces = Array.from(tokenizer.encode('The astronomer said: snorflebrinkish!'), (id) => tokenizer.idToToken(id))
console.log(pieces)

step('5. Where a document ends is a token of its own')
const joined = tokenizer.encode('one text<|endoftext|>another', { allowedSpecial: ['<|endoftext|>'] })
console.log(joined, tokenizer.endOfTextId)

step('6. At each position: what was read, and what comes next')
const ids = tokenizer.encode(text, { disallowedSpecial: [] })
for (let i = 1; i <= 4; i++) {
  const [context, next] = [tokenizer.decode(ids.subarray(0, i)), tokenizer.decode(ids.subarray(i, i + 1))]
  console.log(`${JSON.stringify(context)} -> ${JSON.stringify(next)}`)
}

step('7. Windows and batches')
const contextLength = 4
const dataset = new WindowDataset(ids, { contextLength })
const [batch] = new DataLoader(dataset, { batchSize: 8 })
if (!batch) throw new Error('the text has more than one batch')
console.log(`${dataset.length} windows, inputs and targets [${batch.shape.join(', ')}]`)

step('8. A row for each token')
const small = Embedding.create({ count: 6, dimensions: 3, seed: 123 })
const rows = small.forward(Uint32Array.from([2, 3, 5, 1]))
console.log(rows.shape, rows.toFloat32())

step('9. Token row + position row = input embedding')
const embedding = InputEmbedding.create({ vocabSize: tokenizer.vocabSize, contextLength, dimensions: 256, seed: 123 })
const output = embedding.forward(batch)
console.log(`[${batch.shape.join(', ')}] -> [${output.shape.join(', ')}]`)

for (const native of [rows, small, output, embedding]) native.dispose()
