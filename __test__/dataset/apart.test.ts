import test from 'ava'
import type { BatchArrays } from '../../src/dataset/batch.ts'
import { DataLoader } from '../../src/dataset/data-loader.ts'
import type { Dataset } from '../../src/dataset/dataset.ts'
import { ExampleDataset } from '../../src/dataset/example-dataset.ts'
import { classification, completion } from '../../src/dataset/example-objective.ts'
import { maskedTokens } from '../../src/dataset/masked-tokens.ts'
import { MixedDataset } from '../../src/dataset/mixed-dataset.ts'
import { PackedDataset } from '../../src/dataset/packed-dataset.ts'
import { WindowDataset } from '../../src/dataset/window-dataset.ts'
import { getEncoding } from '../../src/tokenizer/encodings.ts'

const tokenizer = getEncoding('gpt2')

/** Two rows of four inputs at most, and memory that a dataset reads. */
type Made = readonly [dataset: Dataset, memory: Uint32Array | Int32Array]

const mixed = ([dataset, memory]: Made): Made => [new MixedDataset([{ dataset, weight: 1 }]), memory]

const ofIds = (make: (ids: Uint32Array) => Dataset) => (): Made => {
  const ids = Uint32Array.from({ length: 9 }, (_, at) => at + 10)
  return [make(ids), ids]
}

const ofSamples = (dataset: Dataset): Made => [dataset, dataset.get(0).inputs]

const examples = () =>
  ofSamples(
    new ExampleDataset([{ prompt: 'one two', completion: ' three' }], {
      tokenizer,
      maxLength: 4,
      objective: completion(),
    }),
  )

const classes = () =>
  new ExampleDataset([{ text: 'one two', label: 'b' }], {
    tokenizer,
    maxLength: 4,
    objective: classification({ labels: ['a', 'b'] }),
  })

const windows = ofIds((ids) => new WindowDataset(ids, { contextLength: 4 }))

const datasets: Readonly<Record<string, () => Made>> = {
  windows,
  'windows with kept tails': ofIds((ids) => new WindowDataset(ids, { contextLength: 4, tails: 'keep' })),
  'windows with masks': ofIds(
    (ids) => new WindowDataset(ids, { contextLength: 4, objective: maskedTokens({ maskId: 1, vocabSize: 30 }) }),
  ),
  'packed documents': ofIds((ids) => new PackedDataset(ids, { contextLength: 4 })),
  examples,
  classes: () => ofSamples(classes()),
  'labels of classes': () => {
    const dataset = classes()
    return [dataset, dataset.get(0).targets]
  },
  'a mixture of windows': () => mixed(windows()),
  'a mixture of examples': () => mixed(examples()),
  "a dataset of the caller's own": ofIds((ids) => ({
    length: 2,
    get: (index) => ({ inputs: ids.subarray(index * 4, index * 4 + 4), targets: new Int32Array(4) }),
  })),
}

const apart = 'that have no memory in common'

/** What comes of a batch of `dataset` in `out`, by each way that there is. */
const ways: readonly ((dataset: Dataset, out: BatchArrays) => unknown)[] = [
  (dataset, out) => dataset.batch?.(Float64Array.of(0), { out }),
  (dataset, out) => new DataLoader(dataset, { batchSize: 1 }).batches({ out }).next(),
]

for (const [name, make] of Object.entries(datasets)) {
  test(`a batch of ${name} is not written over what it is read from, nor over its own other array`, (t) => {
    const [dataset, memory] = make()
    const before = memory.slice()
    const [inputs, targets] = [new Uint32Array(4), new Int32Array(4)]
    const { buffer, byteOffset, length } = memory as Uint32Array<ArrayBuffer>
    const shared = new ArrayBuffer(32)
    for (const [out, what] of [
      [{ inputs: new Uint32Array(buffer, byteOffset, length), targets }, 'tokens and an array for inputs'],
      [{ inputs, targets: new Int32Array(buffer, byteOffset, length) }, 'tokens and an array for targets'],
      [{ inputs: new Uint32Array(shared), targets: new Int32Array(shared) }, 'arrays for inputs and targets'],
      [
        { inputs: new Uint32Array(shared, 0, 5), targets: new Int32Array(shared, 16, 4) },
        'arrays for inputs and targets',
      ],
    ] as const) {
      for (const way of dataset.batch === undefined ? ways.slice(1) : ways)
        t.throws(() => way(dataset, out), { code: 'ERR_INVALID_ARGUMENT', message: `expected ${what} ${apart}` })
    }
    t.deepEqual(memory, before)
    t.deepEqual(new Uint8Array(shared), new Uint8Array(32))
    const expected = new DataLoader(dataset, { batchSize: 1 }).batches().next().value
    const out = { inputs: new Uint32Array(shared, 0, 4), targets: new Int32Array(shared, 16, 4) }
    t.deepEqual(new DataLoader(dataset, { batchSize: 1 }).batches({ out }).next().value, expected)
  })
}

test('a large batch of a mixture, made some rows at a time, is not written over what a dataset of the caller reads', (t) => {
  const [rows, columns] = [3, 2 ** 17]
  const memory = new ArrayBuffer(4 * rows * columns)
  const get = () => ({ inputs: new Uint32Array(memory, 0, columns), targets: new Int32Array(columns) })
  const mixture = new MixedDataset([{ dataset: { length: 1, get }, weight: 1 }], { length: rows })
  const [indices, targets] = [Float64Array.of(0, 1, 2), new Int32Array(rows * columns)]
  t.throws(() => mixture.batch(indices, { out: { inputs: new Uint32Array(memory), targets } }), {
    code: 'ERR_INVALID_ARGUMENT',
    message: `expected tokens and an array for inputs ${apart}`,
  })
  t.notThrows(() => mixture.batch(indices, { out: { inputs: new Uint32Array(rows * columns), targets } }))
})
