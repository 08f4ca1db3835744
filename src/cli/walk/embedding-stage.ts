import type { DataLoader } from '../../dataset/data-loader.ts'
import { InputEmbedding } from '../../embedding/input-embedding.ts'
import type { EmbeddedToken, ShownToken, Walk } from './facts.ts'
import { timed } from './timed.ts'

/* Large texts are embedded for this long, which is enough to tell the speed. */
const embedForMs = 3000

/* Positions of the first window whose rows are kept to be shown. */
const shownRows = 8

/** The embedding of every batch, and the rows of the first window taken apart. */
export const embeddingStage = (
  loader: DataLoader,
  options: {
    readonly vocabSize: number
    readonly contextLength: number
    readonly dimensions: number
    readonly seed: number
  },
  show: (id: number) => ShownToken,
): Walk['embeddings'] => {
  const { value: embedding, ms: createMs } = timed(() => InputEmbedding.create(options))
  try {
    const { vocabSize, contextLength, dimensions } = options
    const run = embedAll(loader, embedding)
    const windowRows = windowOf(embedding, run.firstInputs, run.firstOutput, dimensions, show)
    return {
      device: embedding.device,
      dtype: embedding.dtype,
      tokenTable: [vocabSize, dimensions],
      positionTable: [contextLength, dimensions],
      tableBytes: (vocabSize + contextLength) * dimensions * 4,
      shape: run.shape,
      createMs,
      ms: run.ms,
      tokens: run.tokens,
      batches: run.batches,
      rows: windowRows.slice(0, shownRows),
      twice: findTwice(windowRows),
    }
  } finally {
    embedding.dispose()
  }
}

interface EmbeddedRun {
  readonly shape: readonly number[]
  readonly ms: number
  readonly tokens: number
  readonly batches: number
  /** Ids and values of the first window. */
  readonly firstInputs: Uint32Array
  readonly firstOutput: Float32Array
}

const embedAll = (loader: DataLoader, embedding: InputEmbedding): EmbeddedRun => {
  const first = embedFirst(loader, embedding)
  let [ms, tokens, batches] = [0, 0, 0]
  for (const batch of loader) {
    const { value: output, ms: forwardMs } = timed(() => embedding.forward(batch))
    output.dispose()
    ms += forwardMs
    tokens += batch.inputs.length
    batches++
    if (ms > embedForMs) break
  }
  return { ...first, ms, tokens, batches }
}

/* Not timed: what the first call of all sets up is no part of what a batch takes. */
const embedFirst = (
  loader: DataLoader,
  embedding: InputEmbedding,
): Pick<EmbeddedRun, 'shape' | 'firstInputs' | 'firstOutput'> => {
  for (const batch of loader) {
    const output = embedding.forward(batch)
    const [, columns] = batch.shape
    const firstOutput = output.toFloat32().subarray(0, columns * embedding.dimensions)
    output.dispose()
    return { shape: output.shape, firstInputs: batch.inputs.subarray(0, columns), firstOutput }
  }
  throw new Error('a dataset with a window has a batch')
}

/** Each token of the first window: its row of the token table, its position's row, and what came out. */
const windowOf = (
  embedding: InputEmbedding,
  ids: Uint32Array,
  output: Float32Array,
  dimensions: number,
  show: (id: number) => ShownToken,
): EmbeddedToken[] => {
  const table = (name: string): Float32Array => {
    const parameter = embedding.parameters().find((each) => each.name === name)
    if (!parameter) throw new Error(`an input embedding with learned positions has the parameter ${name}`)
    return parameter.toFloat32()
  }
  const [tokens, positions] = [table('wte.weight'), table('wpe.weight')]
  const row = (values: Float32Array, index: number) =>
    Array.from(values.subarray(index * dimensions, (index + 1) * dimensions), (value) => Number(value.toPrecision(9)))
  return Array.from(ids, (id, at) => ({
    ...show(id),
    at,
    token: row(tokens, id),
    position: row(positions, at),
    input: row(output, at),
  }))
}

/** The first token that stands at two positions of the window, a word rather than a blank. */
const findTwice = (window: readonly EmbeddedToken[]): Walk['embeddings']['twice'] => {
  const repeated = window.flatMap((second) => {
    const first = window.find(({ id, at }) => id === second.id && at < second.at)
    return first ? [{ first, second }] : []
  })
  const pair = repeated.find(({ first }) => /\p{L}/u.test(first.text)) ?? repeated[0]
  if (!pair) return null
  const distance = Math.hypot(...pair.first.input.map((value, i) => value - (pair.second.input[i] as number)))
  return { ...pair, distance }
}
