import {
  type Batch,
  DataLoader,
  type Dataset,
  devices,
  Embedding,
  InputEmbedding,
  type Sample,
  Tensor,
  WindowDataset,
} from 'tokenmill'
import { equal } from './equal.js'

const dataset = new WindowDataset(new Uint32Array(10), { contextLength: 4 })
const asDataset: Dataset = dataset
equal<ReturnType<WindowDataset['get']>, Sample>()
new WindowDataset([[1, 2, 3], Uint32Array.of(4, 5)], { contextLength: 1, boundaries: 'within' })

const loader = new DataLoader(dataset, { batchSize: 2, shuffle: true, seed: 1, dropLast: true })
for (const batch of loader) equal<typeof batch, Batch>()
const read = async (): Promise<void> => {
  for await (const { inputs, targets, shape } of loader) {
    equal<typeof inputs, Uint32Array<ArrayBuffer>>()
    equal<typeof targets, Int32Array<ArrayBuffer>>()
    equal<(typeof shape)[1], number>()
    // @ts-expect-error a batch has two dimensions
    void shape[2]
  }
}
// A dataset is whatever has a length and gives samples.
new DataLoader({ length: 1, get: () => ({ inputs: new Uint32Array(1), targets: new Int32Array(1) }) }, { batchSize: 1 })

// @ts-expect-error how long a window is has no default
new WindowDataset(new Uint32Array(10), {})
// @ts-expect-error tokens are ids, not text
new WindowDataset('some text', { contextLength: 4 })
// @ts-expect-error how large a batch is has no default
new DataLoader(dataset)
// @ts-expect-error ids are no dataset
new DataLoader(new Uint32Array(10), { batchSize: 1 })

const embedding = InputEmbedding.create({ vocabSize: 100, contextLength: 4, dimensions: 8, position: 'sinusoidal' })
const forward = (batch: Batch) => {
  using output = embedding.forward(batch)
  equal<typeof output, Tensor>()
  equal<ReturnType<Tensor['data']>, Promise<Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>>>()
  const inPlace = embedding.forward(batch, { out: new Float32Array(64) })
  equal<typeof inPlace, Float32Array<ArrayBuffer>>()
  return output.shape
}
equal<ReturnType<typeof forward>, readonly number[]>()
embedding.forward([1, 2, 3], { positionOffset: 1 })
embedding.forward(new Uint32Array(4), { shape: [2, 2] })
const table = Embedding.fromArray([1, 2, 3, 4], { count: 2, dimensions: 2 })
equal<ReturnType<typeof table.forwardAsync>, Promise<Tensor>>()
for (const device of devices()) {
  if (device.kind === 'cuda') {
    if (device.available) equal<typeof device.memory, number>()
    else equal<typeof device.reason, string>()
  }
}

// @ts-expect-error an embedding is made by create, fromArray or load
new Embedding()
// @ts-expect-error a tensor comes out of an embedding
new Tensor()
// @ts-expect-error there is no such position
InputEmbedding.create({ vocabSize: 1, contextLength: 1, dimensions: 1, position: 'rotary' })
// @ts-expect-error there is no such device
Embedding.create({ count: 1, dimensions: 1, device: 'tpu' })
// @ts-expect-error the number of rows has no default
Embedding.create({ dimensions: 1 })
// @ts-expect-error text must be encoded first
embedding.forward('some text')
