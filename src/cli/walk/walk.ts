import { DataLoader } from '../../dataset/data-loader.ts'
import { WindowDataset } from '../../dataset/window-dataset.ts'
import type { EncodeOptions, Tokenizer } from '../../tokenizer/tokenizer.ts'
import { Vocabulary } from '../../tokenizer/vocabulary.ts'
import { WordTokenizer } from '../../tokenizer/word-tokenizer.ts'
import { checkLength, textName } from '../check-length.ts'
import { visible, visibleToken } from '../terminal/visible.ts'
import { embeddingStage } from './embedding-stage.ts'
import { colourfulLine, firstLines, textSizes } from './excerpt.ts'
import type { ShownToken, Walk, WalkOptions } from './facts.ts'
import { timed } from './timed.ts'

/* How much is kept to be shown. */
const shown = { lines: 4, words: 400, tokens: 400, ids: 64, windows: 2, passageTokens: 160 } as const

/** Takes `bytes` through every stage. `loadTokenizer` gives the tokenizer of `kind: 'bpe'`. */
export const walk = async (
  source: string,
  bytes: Buffer,
  loadTokenizer: () => Tokenizer,
  options: WalkOptions,
): Promise<Walk> => {
  const { kind, contextLength, stride, batchSize, dimensions, seed } = options
  const started = performance.now()
  const { value: text, ms: textMs } = timed(() => bytes.toString())
  const words = wordStage(text, options.encode)
  const { value: tokenizer, ms: loadMs } = timed(() => warm(kind === 'word' ? words.tokenizer : loadTokenizer()))

  const { ids, ms: encodeMs } = await encodeStage(tokenizer, kind === 'word' ? text : bytes, options.encode)
  checkLength(textName(source), ids.length, contextLength)

  const { value: dataset, ms: windowMs } = timed(() => new WindowDataset(ids, { contextLength, stride }))
  const loader = new DataLoader(dataset, { batchSize })
  const show = (id: number): ShownToken => ({ id, text: visibleToken(tokenizer, id) })

  return {
    text: { source, bytes: bytes.length, ...textSizes(text), ms: textMs, start: firstLines(text, shown.lines) },
    words: words.facts,
    tokens: {
      tokenizer: tokenizer.name,
      vocabSize: tokenizer.vocabSize,
      count: ids.length,
      distinct: new Set(ids).size,
      loadMs,
      ms: encodeMs,
      start: Array.from(ids.subarray(0, shown.tokens), show),
      passage: passage(text, tokenizer, options.encode, show),
      roundTrip: tokenizer.decode(ids) === text,
    },
    ids: {
      type: 'Uint32Array',
      bytes: ids.byteLength,
      ...extremes(ids),
      start: Array.from(ids.subarray(0, shown.ids)),
    },
    windows: {
      contextLength,
      stride,
      count: dataset.length,
      ms: windowMs,
      start: Array.from({ length: Math.min(shown.windows, dataset.length) }, (_, index) => {
        const { inputs, targets } = dataset.get(index)
        return { index, start: index * stride, inputs: Array.from(inputs, show), targets: Array.from(targets, show) }
      }),
    },
    batches: batchStage(loader, batchSize),
    embeddings: embeddingStage(loader, { vocabSize: tokenizer.vocabSize, contextLength, dimensions, seed }, show),
    ms: performance.now() - started,
  }
}

/* A text that takes a while is encoded off the event loop, so that an interrupt is heard; a short one where it is fastest. */
const encodeStage = async (
  tokenizer: Tokenizer,
  text: string | Buffer,
  options: EncodeOptions,
): Promise<{ ids: Uint32Array; ms: number }> => {
  const start = performance.now()
  const ids = text.length < 2 ** 20 ? tokenizer.encode(text, options) : await tokenizer.encodeAsync(text, options)
  return { ids, ms: performance.now() - start }
}

/* Encodings are loaded at their first use; that is no part of the time that a text takes. */
const warm = (tokenizer: Tokenizer): Tokenizer => {
  tokenizer.encodeOrdinary('a')
  return tokenizer
}

const extremes = (ids: Uint32Array): { smallest: number; largest: number } => {
  let [smallest, largest] = [Infinity, -Infinity]
  for (const id of ids) {
    if (id < smallest) smallest = id
    if (id > largest) largest = id
  }
  return { smallest, largest }
}

const wordStage = (text: string, encode: EncodeOptions): { tokenizer: WordTokenizer; facts: Walk['words'] } => {
  const { value, ms } = timed(() => {
    const tokenizer = new WordTokenizer(Vocabulary.fromText(text))
    return { tokenizer, count: tokenizer.count(text, encode) }
  })
  const { tokenizer, count } = value
  const size = tokenizer.vocabSize
  const specialTokens = [...tokenizer.specialTokens].map(([special, id]) => ({ id, text: special }))
  const entries = size - specialTokens.length
  const wanted = Math.min(entries, shown.words)
  return {
    tokenizer,
    facts: {
      count,
      vocabularySize: size,
      entries: Array.from({ length: wanted }, (_, i) => {
        const id = Math.floor((i * entries) / wanted) // spread over the whole alphabet
        return { id, text: visible(tokenizer.idToToken(id) ?? '') }
      }),
      specialTokens,
      ms,
    },
  }
}

const passage = (
  text: string,
  tokenizer: Tokenizer,
  encode: EncodeOptions,
  show: (id: number) => ShownToken,
): Walk['tokens']['passage'] => {
  const found = colourfulLine(text)
  if (!found) return null
  const ids = tokenizer.encode(found.text, encode)
  return { line: found.line, tokens: Array.from(ids.subarray(0, shown.passageTokens), show) }
}

const batchStage = (loader: DataLoader, batchSize: number): Walk['batches'] => {
  let count = 0
  let shape: readonly number[] = []
  let lastShape: readonly number[] = []
  const { ms } = timed(() => {
    for (const batch of loader) {
      if (count++ === 0) shape = batch.shape
      lastShape = batch.shape
    }
  })
  return { batchSize, count, shape, lastShape, ms }
}
