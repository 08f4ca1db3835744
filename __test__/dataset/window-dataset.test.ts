import test from 'ava'
import * as fc from 'fast-check'
import type { BatchArrays } from '../../src/dataset/batch.ts'
import { MixedDataset } from '../../src/dataset/mixed-dataset.ts'
import { nextToken, type Objective } from '../../src/dataset/objective.ts'
import { PackedDataset } from '../../src/dataset/packed-dataset.ts'
import { WindowDataset, type WindowOptions } from '../../src/dataset/window-dataset.ts'

/** GPTDatasetV1 of "Build a Large Language Model (From Scratch)", chapter 2. */
const naiveWindows = (ids: readonly number[], maxLength: number, stride: number) => {
  const windows: { inputs: number[]; targets: number[] }[] = []
  for (let start = 0; start < ids.length - maxLength; start += stride) {
    windows.push({ inputs: ids.slice(start, start + maxLength), targets: ids.slice(start + 1, start + maxLength + 1) })
  }
  return windows
}

const windowsOf = (dataset: WindowDataset) =>
  Array.from({ length: dataset.length }, (_, index) => {
    const { inputs, targets } = dataset.get(index)
    return { inputs: [...inputs], targets: [...targets] }
  })

const range = (length: number) => Uint32Array.from({ length }, (_, index) => index)

test('windows are those of the book on any tokens', (t) => {
  const cases = fc.record({
    ids: fc.array(fc.integer({ min: 0, max: 2 ** 31 - 1 }), { minLength: 2, maxLength: 60 }),
    contextLength: fc.integer({ min: 1, max: 60 }),
    stride: fc.integer({ min: 1, max: 70 }),
  })
  fc.assert(
    fc.property(cases, ({ ids, contextLength, stride }) => {
      fc.pre(ids.length > contextLength)
      const dataset = new WindowDataset(Uint32Array.from(ids), { contextLength, stride })
      const expected = naiveWindows(ids, contextLength, stride)
      t.deepEqual(windowsOf(dataset), expected)
      t.is(dataset.length, Math.ceil((ids.length - contextLength) / stride))
    }),
    { numRuns: 500 },
  )
})

test('the stride is the context length unless told', (t) => {
  const dataset = new WindowDataset(range(9), { contextLength: 4 })
  t.deepEqual(windowsOf(dataset), [
    { inputs: [0, 1, 2, 3], targets: [1, 2, 3, 4] },
    { inputs: [4, 5, 6, 7], targets: [5, 6, 7, 8] },
  ])
  t.is(dataset.stride, 4)
  t.is(dataset.contextLength, 4)
  t.is(dataset.objective, nextToken())
})

test('samples are views of the tokens, which may themselves be a part of a buffer', (t) => {
  const tokens = range(20).subarray(5, 15)
  const { inputs, targets } = new WindowDataset(tokens, { contextLength: 3, stride: 2 }).get(1)
  t.is(inputs.buffer, tokens.buffer)
  t.is(targets.buffer, tokens.buffer)
  t.deepEqual(
    [[...inputs], [...targets]],
    [
      [7, 8, 9],
      [8, 9, 10],
    ],
  )
  t.true(inputs instanceof Uint32Array && targets instanceof Int32Array)
})

test('tokens may be a Uint16Array, a list or shared memory', (t) => {
  const expected = naiveWindows([1, 2, 3, 65535], 2, 1)
  const shared = new Uint32Array(new SharedArrayBuffer(16))
  shared.set([1, 2, 3, 65535])
  for (const tokens of [Uint16Array.of(1, 2, 3, 65535), [1, 2, 3, 65535], shared]) {
    t.deepEqual(windowsOf(new WindowDataset(tokens, { contextLength: 2, stride: 1 })), expected)
  }
})

test('a batch is not written over the tokens, its own other array or shared memory', (t) => {
  const memory = new ArrayBuffer(4 * 32)
  const tokens = new Uint32Array(memory, 0, 8).map((_, index) => index)
  const own = new Uint32Array(memory, 0, 8)
  own.set(tokens)
  const dataset = new WindowDataset(own, { contextLength: 2 })
  const [inputs, targets] = [new Uint32Array(4), new Int32Array(4)]
  const apart = 'that have no memory in common'
  for (const [out, message] of [
    [{ inputs: new Uint32Array(memory, 4, 4), targets }, `expected tokens and an array for inputs ${apart}`],
    [{ inputs, targets: new Int32Array(memory, 28, 4) }, `expected tokens and an array for targets ${apart}`],
    [
      { inputs: new Uint32Array(memory, 32, 4), targets: new Int32Array(memory, 44, 4) },
      `expected arrays for inputs and targets ${apart}`,
    ],
    [{ inputs: new Uint32Array(new SharedArrayBuffer(16)), targets }, /not shared with other threads for out\.inputs/],
    [{ inputs, targets: new Int32Array(new SharedArrayBuffer(16)) }, /not shared with other threads for out\.targets/],
  ] as const) {
    t.throws(() => dataset.batch(Float64Array.of(0, 1), { out: out as BatchArrays }), {
      code: 'ERR_INVALID_ARGUMENT',
      message,
    })
    t.deepEqual(own, tokens)
  }
  const out = { inputs: new Uint32Array(memory, 32, 4), targets: new Int32Array(memory, 48, 4) }
  const batch = dataset.batch(Float64Array.of(0, 1), { out })
  t.deepEqual(
    [[...batch.inputs], [...batch.targets]],
    [
      [0, 1, 2, 3],
      [1, 2, 3, 4],
    ],
  )
})

test('one window is made of as many tokens as it reads', (t) => {
  t.is(new WindowDataset(range(5), { contextLength: 4, stride: 1 }).length, 1)
  t.is(new WindowDataset(range(5), { contextLength: 4, stride: Number.MAX_SAFE_INTEGER }).length, 1)
})

for (const count of [0, 1, 4]) {
  test(`${count} tokens for a context of 4 are an error that says how many are needed`, (t) => {
    t.throws(() => new WindowDataset(range(count), { contextLength: 4 }), {
      code: 'ERR_INVALID_ARGUMENT',
      message: `expected at least 5 tokens for one window of contextLength 4, received ${count}`,
    })
  })
}

test('an objective says how many ids a window reads and what it makes of them', (t) => {
  const same: Objective = {
    name: 'same',
    idsPerWindow: (contextLength) => contextLength,
    sample: ({ ids, signed }, start, contextLength) => ({
      inputs: ids.subarray(start, start + contextLength),
      targets: signed.subarray(start, start + contextLength),
    }),
  }
  const dataset = new WindowDataset(range(8), { contextLength: 4, objective: same })
  t.is(dataset.length, 2)
  t.deepEqual([...dataset.get(1).targets], [4, 5, 6, 7])
})

const dataset = new WindowDataset(range(9), { contextLength: 4 })
for (const [index, code] of [
  [-1, 'ERR_OUT_OF_RANGE'],
  [2, 'ERR_OUT_OF_RANGE'],
  [Number.MAX_SAFE_INTEGER, 'ERR_OUT_OF_RANGE'],
  [0.5, 'ERR_INVALID_ARGUMENT'],
  [NaN, 'ERR_INVALID_ARGUMENT'],
  [Infinity, 'ERR_INVALID_ARGUMENT'],
  ['0', 'ERR_INVALID_ARGUMENT'],
  [null, 'ERR_INVALID_ARGUMENT'],
  [undefined, 'ERR_INVALID_ARGUMENT'],
] as const) {
  test(`window ${JSON.stringify(index)} or ${index} does not exist: ${code}`, (t) => {
    t.throws(() => dataset.get(index as number), { code })
  })
}

for (const [title, tokens, options, message] of [
  [
    'a contextLength of 0',
    range(9),
    { contextLength: 0 },
    /integer from 1 to 134217728 for options.contextLength, received 0/,
  ],
  ['a negative contextLength', range(9), { contextLength: -4 }, /options.contextLength, received -4/],
  ['a fractional contextLength', range(9), { contextLength: 1.5 }, /options.contextLength, received 1.5/],
  ['a contextLength of NaN', range(9), { contextLength: NaN }, /options.contextLength, received NaN/],
  ['an infinite contextLength', range(9), { contextLength: Infinity }, /options.contextLength, received Infinity/],
  ['a contextLength of text', range(9), { contextLength: '4' }, /options.contextLength, received "4"/],
  ['no contextLength', range(9), {}, /options.contextLength, received undefined/],
  ['no options', range(9), undefined, /options.contextLength/],
  ['options of null', range(9), null, /an object for options, received null/],
  ['a stride of 0', range(9), { contextLength: 4, stride: 0 }, /options.stride, received 0/],
  ['a stride of null', range(9), { contextLength: 4, stride: null }, /options.stride, received null/],
  ['an unknown option', range(9), { contextLength: 4, strides: 1 }, /received strides/],
  ['an objective of a name', range(9), { contextLength: 4, objective: 'next' }, /options.objective, received "next"/],
  ['an objective of null', range(9), { contextLength: 4, objective: null }, /options.objective, received null/],
  ['tokens of null', null, { contextLength: 4 }, /for tokens, received null/],
  ['tokens of text', 'abcdefgh', { contextLength: 4 }, /for tokens, received "abcdefgh"/],
  ['tokens of floats', new Float32Array(9), { contextLength: 4 }, /for tokens, received an object of Float32Array/],
  ['a token of 2^31', Uint32Array.of(0, 1, 2 ** 31, 3), { contextLength: 2 }, /tokens\[2\], received 2147483648/],
  ['a negative token', [0, -1, 2, 3], { contextLength: 2 }, /tokens\[1\], received -1/],
  ['a fractional token', [0, 0.5, 2, 3], { contextLength: 2 }, /tokens\[1\], received 0.5/],
  ['a hole in the tokens', Array(4), { contextLength: 2 }, /tokens\[0\], received undefined/],
] as const) {
  test(`${title} is an error that says so`, (t) => {
    t.throws(() => new WindowDataset(tokens as never, options as WindowOptions), {
      code: 'ERR_INVALID_ARGUMENT',
      message,
    })
  })
}

test('windows of tokens that went to another thread are an error, not zeros', (t) => {
  const tokens = range(9)
  const gone = new WindowDataset(tokens, { contextLength: 4 })
  structuredClone(tokens, { transfer: [tokens.buffer as ArrayBuffer] })
  t.throws(() => gone.get(0), { code: 'ERR_DISPOSED' })
})

test('what an objective says of inputs is of each of them', (t) => {
  for (const [member, array] of [
    ['attentionMask', Uint8Array.of(1)],
    ['attentionMask', [1, 1]],
    ['positionIds', Uint32Array.of(0, 1, 2)],
    ['segmentIds', Int32Array.of(1, 1)],
  ] as const) {
    const objective: Objective = {
      ...nextToken(),
      sample: (...args) => ({ ...nextToken().sample(...args), [member]: array as Uint8Array }),
    }
    const dataset = new WindowDataset(range(9), { contextLength: 2, objective })
    const message = new RegExp(`${member} of a sample of options\\.objective, received`)
    t.throws(() => dataset.get(0), { code: 'ERR_INVALID_ARGUMENT', message })
    t.throws(() => dataset.batch(Float64Array.of(0)), { code: 'ERR_INVALID_ARGUMENT', message })
  }
})

test('what an objective reads is a number of ids, for windows and for packing', (t) => {
  for (const ids of [NaN, 0, -5, 1.5, '2']) {
    const objective: Objective = { ...nextToken(), idsPerWindow: () => ids as number }
    const error = { code: 'ERR_INVALID_ARGUMENT', message: /options\.objective\.idsPerWindow\(\d\)/ }
    t.throws(() => new WindowDataset(range(9), { contextLength: 4, objective }), error)
    t.throws(() => new PackedDataset([range(9)], { contextLength: 4, objective }), error)
  }
})

test('the arrays of a batch are read once', (t) => {
  const dataset = new WindowDataset(range(9), { contextLength: 4 })
  const array = new Uint32Array(8)
  let reads = 0
  const out = {
    get inputs() {
      return reads++ === 0 ? array : (undefined as unknown as typeof array)
    },
    targets: new Int32Array(8),
  }
  t.is(dataset.batch(Float64Array.of(0, 1), { out }).inputs, array)
  t.is(reads, 1)
})

test('a batch of no windows has no rows, whatever the objective', (t) => {
  const none = new Float64Array(0)
  const kept: WindowOptions = { contextLength: 4, tails: 'keep' }
  for (const options of [{ contextLength: 4 }, kept, { contextLength: 4, objective: { ...nextToken() } }])
    t.deepEqual(new WindowDataset(range(9), options).batch(none).shape, [0, 4])
  const mixed = new MixedDataset([{ dataset: new WindowDataset(range(9), kept), weight: 1 }])
  t.deepEqual(mixed.batch(none), { inputs: new Uint32Array(0), targets: new Int32Array(0), shape: [0, 0] })
})
