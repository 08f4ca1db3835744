import test from 'ava'
import {
  BpeTokenizer,
  Embedding,
  InputEmbedding,
  Optimizer,
  TokenmillError,
  TokenStore,
  Vocabulary,
  WordVectors,
} from '../src/index.ts'

/* TypeScript refuses these; a program in JavaScript that makes a table as torch does is told how to. */
const makers = [
  [Embedding, 'Embedding.create, Embedding.fromArray or Embedding.load'],
  [InputEmbedding, 'InputEmbedding.create or InputEmbedding.load'],
  [Optimizer, 'Optimizer.adamW or Optimizer.sgd'],
  [WordVectors, 'WordVectors.load, WordVectors.fromArray or trainWordVectors'],
  [Vocabulary, 'Vocabulary.fromText or Vocabulary.fromWords'],
  [BpeTokenizer, 'getEncoding, loadTokenizer or trainBpe'],
  [TokenStore, 'TokenStore.open'],
] as const

for (const [of, expected] of makers) {
  test(`new ${of.name} is an error that says what makes one`, (t) => {
    const Class = of as unknown as new (...args: unknown[]) => unknown
    for (const args of [[], [50257, 256], [{ count: 3, dimensions: 2 }], [['a', 'b'], {}], [null, null]]) {
      t.throws(() => new Class(...args), {
        instanceOf: TokenmillError,
        code: 'ERR_INVALID_ARGUMENT',
        message: `expected ${expected} for a new ${of.name}, received a call of its constructor`,
      })
    }
  })
}
