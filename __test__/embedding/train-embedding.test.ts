import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import {
  type Dataset,
  InputEmbedding,
  maskedTokens,
  setThreads,
  trainBpe,
  trainEmbedding,
  type EmbeddingTraining,
  type EmbeddingTrainingProgress,
  type TrainEmbeddingOptions,
  WindowDataset,
} from '../../src/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'tokenmill-train-embedding-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

/* The last bit depends on which thread adds first. */
test.before(() => setThreads(1))

/** English: the pages of the documentation and the story of the examples. */
const text = readdirSync(new URL('../../docs/', import.meta.url))
  .filter((name) => name.endsWith('.md'))
  .map((name) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8'))
  .concat(readFileSync(new URL('../../examples/mill.txt', import.meta.url), 'utf8'))
  .join('\n')

const vocabSize = 512
const ids = trainBpe({ texts: [text] }, { vocabSize }).then((tokenizer) => tokenizer.encodeOrdinary(text))

/** Nine tenths to learn from, every tenth part of 500 tokens to measure. */
const split = async (): Promise<{ readonly training: Uint32Array; readonly heldOut: Uint32Array }> => {
  const parts = [[], []] as [number[], number[]]
  ;(await ids).forEach((id, index) => parts[Math.floor(index / 500) % 10 === 9 ? 1 : 0].push(id))
  return { training: Uint32Array.from(parts[0]), heldOut: Uint32Array.from(parts[1]) }
}

/** The entropy of the ids that occur, in nats: the least loss that is possible without any context. */
const entropyOf = (values: Iterable<number>): number => {
  const counts = new Map<number, number>()
  let total = 0
  for (const value of values) {
    counts.set(value, (counts.get(value) ?? 0) + 1)
    total += 1
  }
  return [...counts.values()].reduce((sum, count) => sum - (count / total) * Math.log(count / total), 0)
}

const targetsOf = function* (dataset: Dataset): Generator<number> {
  for (let index = 0; index < dataset.length; index++)
    for (const target of dataset.get(index).targets) if (target >= 0) yield target
}

/** A dataset whose targets are those of the whole dataset in another order. */
const shuffled = (dataset: WindowDataset): Dataset => {
  const targets = [...targetsOf(dataset)]
  let state = 1
  for (let last = targets.length - 1; last > 0; last--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const other = state % (last + 1)
    ;[targets[last], targets[other]] = [targets[other] as number, targets[last] as number]
  }
  const { length, contextLength } = dataset
  return {
    length,
    get: (index) => ({
      inputs: dataset.get(index).inputs,
      targets: Int32Array.from(targets.slice(index * contextLength, (index + 1) * contextLength)),
    }),
  }
}

const windows = (tokens: Uint32Array) => new WindowDataset(tokens, { contextLength: 32 })
const blanks = (tokens: Uint32Array) =>
  new WindowDataset(tokens, {
    contextLength: 32,
    objective: maskedTokens({ maskId: vocabSize, vocabSize, probability: 0.25 }),
  })
const base = {
  vocabSize: vocabSize + 1,
  dimensions: 48,
  batchSize: 16,
  epochs: 6,
  learningRate: 0.01,
  seed: 1,
} as const

const assertLearned = (t: ExecutionContext, { validationLoss, frequencyLoss }: EmbeddingTraining, heldOut: Dataset) => {
  const entropy = entropyOf(targetsOf(heldOut))
  const loss = validationLoss as number
  t.log(`held-out loss ${loss.toFixed(3)}, entropy ${entropy.toFixed(3)}, by frequency ${frequencyLoss.toFixed(3)}`)
  t.true(frequencyLoss >= entropy)
  t.true(loss <= entropy - 0.3, `${loss} is not 0.3 under ${entropy}`)
}

test('the next token of held-out text is guessed at least 0.3 nats better than by frequency', async (t) => {
  const { training, heldOut } = await split()
  const validation = windows(heldOut)
  const trained = await trainEmbedding(windows(training), { ...base, objective: 'nextToken', validation })
  assertLearned(t, trained, validation)
  t.is(trained.steps, 6 * Math.ceil(windows(training).length / 16))
  t.is(trained.targets, 6 * windows(training).length * 32)
  t.true(trained.loss < trained.frequencyLoss)
  const { embedding } = trained
  t.deepEqual([embedding.vocabSize, embedding.contextLength, embedding.dimensions], [vocabSize + 1, 32, 48])
})

test('so it is when targets are told from some ids', async (t) => {
  const { training, heldOut } = await split()
  const validation = windows(heldOut)
  const options: TrainEmbeddingOptions = { ...base, objective: 'nextToken', validation, candidates: 128 }
  assertLearned(t, await trainEmbedding(windows(training), options), validation)
})

test('hidden tokens of held-out text are guessed at least 0.3 nats better than by frequency', async (t) => {
  const { training, heldOut } = await split()
  const validation = blanks(heldOut)
  const options: TrainEmbeddingOptions = { ...base, neighbours: 4, objective: 'masked', validation }
  assertLearned(t, await trainEmbedding(blanks(training), options), validation)
})

test('shuffled targets are not guessed better than by frequency', async (t) => {
  const { training, heldOut } = await split()
  const validation = windows(heldOut)
  const options: TrainEmbeddingOptions = { ...base, epochs: 2, objective: 'nextToken', validation }
  const { validationLoss } = await trainEmbedding(shuffled(windows(training)), options)
  const entropy = entropyOf(targetsOf(validation))
  t.true((validationLoss as number) > entropy - 0.05, `${validationLoss} is under ${entropy}`)
})

test('by frequency, ids that are not in use cost nothing, and new ones something', async (t) => {
  // Of a generator, so that no id tells of another.
  let state = 1
  const drawn = Uint32Array.from({ length: 6000 }, () => (state = (state * 16807) % 2147483647) % 50)
  const dataset = new WindowDataset(drawn.subarray(0, 5000), { contextLength: 16 })
  const seen = new WindowDataset(drawn.subarray(5000), { contextLength: 16 })
  const one = { objective: 'nextToken', dimensions: 4, batchSize: 64, candidates: 64 } as const
  const losses = async (options: Pick<TrainEmbeddingOptions, 'vocabSize' | 'validation'>) =>
    (await trainEmbedding(dataset, { ...one, ...options })).frequencyLoss
  for (const size of [50, 10_000]) {
    t.true(Math.abs((await losses({ vocabSize: size, validation: seen })) - Math.log(50)) < 0.02)
    t.true(Math.abs((await losses({ vocabSize: size })) - entropyOf(targetsOf(dataset))) < 1e-9)
  }
  const unseen = new WindowDataset(new Uint32Array(32).fill(9999), { contextLength: 16 })
  const loss = await losses({ vocabSize: 10_000, validation: unseen })
  t.true(loss > Math.log(10_000) && Number.isFinite(loss), `${loss}`)
})

const small = async (): Promise<WindowDataset> => windows((await split()).training.subarray(0, 5000))
const quick: TrainEmbeddingOptions = { ...base, dimensions: 8, objective: 'nextToken', epochs: 2, dropout: 0.1 }

const bitsOf = (embedding: InputEmbedding): number[][] =>
  embedding.parameters().map((parameter) => [...new Uint32Array((parameter.dataSync() as Float32Array).buffer)])

test('the same seed gives the same weights, another one others', async (t) => {
  const dataset = await small()
  const train = async (seed: number) => bitsOf((await trainEmbedding(dataset, { ...quick, seed })).embedding)
  const first = await train(1)
  t.deepEqual(await train(1), first)
  t.notDeepEqual(await train(2), first)
})

/** Stops a training after `step` steps. */
const stopAfter = async (t: ExecutionContext, dataset: Dataset, options: TrainEmbeddingOptions, step: number) => {
  const controller = new AbortController()
  const reason = new Error('enough')
  let reads = 0
  const counted: Dataset = {
    length: dataset.length,
    get: (index, at) => {
      // Two are looked at, then all are counted, and then each step reads 16.
      if (++reads === dataset.length + 1 + 16 * step) controller.abort(reason)
      return dataset.get(index, at)
    },
  }
  const promise = trainEmbedding(counted, { ...options, signal: controller.signal })
  t.is(await t.throwsAsync(promise), reason)
}

test('a training that was stopped goes on as if it had not been', async (t) => {
  const dataset = await small()
  const whole = await trainEmbedding(dataset, { ...quick, validation: dataset })
  const path = join(folder, 'stopped.safetensors')
  const options: TrainEmbeddingOptions = { ...quick, validation: dataset, checkpoint: { path, everySteps: 3 } }
  for (const step of [2, 5, 6]) await stopAfter(t, dataset, options, step)
  const { embedding, ...rest } = await trainEmbedding(dataset, options)
  t.deepEqual(bitsOf(embedding), bitsOf(whole.embedding))
  const { embedding: _, ...expected } = whole
  t.deepEqual(rest, expected)
  // The checkpoint of the end is the embedding, and going on from it makes no step.
  t.deepEqual(bitsOf(await InputEmbedding.load(path)), bitsOf(embedding))
  const again = await trainEmbedding(dataset, options)
  t.deepEqual(bitsOf(again.embedding), bitsOf(embedding))
  t.deepEqual([again.steps, again.loss], [rest.steps, rest.loss])
})

test('a checkpoint of a dataset of another length is refused, also when its ids are as frequent', async (t) => {
  const dataset = (length: number) =>
    new WindowDataset(
      Uint32Array.from({ length: length + 1 }, (_, id) => id % 4),
      { contextLength: 4 },
    )
  const path = join(folder, 'length.safetensors')
  const options: TrainEmbeddingOptions = { objective: 'nextToken', vocabSize: 4, dimensions: 2, checkpoint: { path } }
  await trainEmbedding(dataset(36), options)
  const message = /length\.safetensors: it is of another training: expected the state of a loader with samples 19/
  await t.throwsAsync(trainEmbedding(dataset(76), options), { code: 'ERR_INVALID_FILE', message })
})

test('a checkpoint is replaced when it is not to be gone on from, and refused when it is another', async (t) => {
  const dataset = await small()
  const path = join(folder, 'other.safetensors')
  const one: TrainEmbeddingOptions = { ...quick, epochs: 1, checkpoint: { path } }
  const first = await trainEmbedding(dataset, one)
  const other: TrainEmbeddingOptions = { ...one, seed: 9 }
  await t.throwsAsync(trainEmbedding(dataset, other), { code: 'ERR_INVALID_FILE', message: /another training/ })
  const again = await trainEmbedding(dataset, { ...other, checkpoint: { path, resume: false } })
  t.notDeepEqual(bitsOf(again.embedding), bitsOf(first.embedding))
  await first.embedding.save(path)
  await t.throwsAsync(trainEmbedding(dataset, one), { code: 'ERR_INVALID_FILE', message: /no checkpoint/ })
})

test('progress tells each measured loss and the end', async (t) => {
  const dataset = await small()
  const told: EmbeddingTrainingProgress[] = []
  const { steps, validationLoss, targets } = await trainEmbedding(dataset, {
    ...quick,
    validation: dataset,
    validateEverySteps: 4,
    onProgress: (progress) => void told.push(progress),
  })
  const measured = told.filter((progress) => progress.validationLoss !== undefined)
  t.deepEqual(
    measured.map(({ step }) => step),
    [...Array.from({ length: Math.floor((steps - 1) / 4) }, (_, index) => 4 * (index + 1)), steps],
  )
  const last = told.at(-1)
  t.deepEqual(
    [last?.step, last?.steps, last?.targets, last?.epoch, last?.validationLoss],
    [steps, steps, targets, 1, validationLoss],
  )
  t.true(told.every(({ loss }) => loss > 0 && loss < 10))
  t.true((measured[0]?.validationLoss as number) > (validationLoss as number))
})

test('what onProgress throws stops the training', async (t) => {
  const error = new Error('stop')
  const onProgress = () => {
    throw error
  }
  t.is(await t.throwsAsync(trainEmbedding(await small(), { ...quick, onProgress })), error)
})

test('a signal stops the training while it measures', async (t) => {
  const [dataset, controller, reason] = [await small(), new AbortController(), new Error('enough')]
  let reads = 0
  const validation: Dataset = {
    length: 10 * dataset.length,
    get: (index, at) => {
      // Its targets are counted first.
      if (++reads === validation.length + 2) controller.abort(reason)
      return dataset.get(index % dataset.length, at)
    },
  }
  const options = { ...quick, epochs: 1, validation, signal: controller.signal }
  t.is(await t.throwsAsync(trainEmbedding(dataset, options)), reason)
  t.true(
    reads > validation.length + 1 && reads < validation.length + dataset.length,
    `${reads} of ${validation.length}`,
  )
})

const wait = (milliseconds: number) => {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

test('a signal stops the training while targets are counted, before its first step', async (t) => {
  const [dataset, controller, reason] = [await small(), new AbortController(), new Error('enough')]
  let reads = 0
  const slow: Dataset = {
    length: dataset.length,
    get: (index, at) => {
      if (++reads > 3) wait(1)
      return dataset.get(index, at)
    },
  }
  setTimeout(() => controller.abort(reason))
  t.is(await t.throwsAsync(trainEmbedding(slow, { ...quick, signal: controller.signal })), reason)
  t.true(reads < dataset.length, `${reads} of ${dataset.length}`)
})

test('a signal stops the training while targets of the validation dataset are counted, before its first step', async (t) => {
  const [dataset, controller, reason] = [await small(), new AbortController(), new Error('enough')]
  let reads = 0
  const validation: Dataset = {
    length: dataset.length,
    get: (index, at) => {
      if (++reads > 5) wait(1)
      if (reads === 6) setTimeout(() => controller.abort(reason))
      return dataset.get(index, at)
    },
  }
  const options = { ...quick, epochs: 1, validation, signal: controller.signal }
  t.is(await t.throwsAsync(trainEmbedding(dataset, options)), reason)
  t.true(reads < dataset.length, `${reads} of ${dataset.length}`)
})

test('a signal that is aborted stops the training before it begins', async (t) => {
  const reason = new Error('no')
  const promise = trainEmbedding(await small(), { ...quick, signal: AbortSignal.abort(reason) })
  t.is(await t.throwsAsync(promise), reason)
})

const wrong: readonly (readonly [string, Partial<Record<keyof TrainEmbeddingOptions, unknown>>, RegExp])[] = [
  ['no objective', { objective: undefined }, /options\.objective/],
  ['an unknown objective', { objective: 'both' }, /options\.objective/],
  ['the objective of another dataset', { objective: 'masked' }, /masked-tokens/],
  ['vocabSize 0', { vocabSize: 0 }, /options\.vocabSize/],
  ['dimensions 1.5', { dimensions: 1.5 }, /options\.dimensions/],
  ['contextLength 0', { contextLength: 0 }, /options\.contextLength/],
  ['an unknown position', { position: 'rope' }, /options\.position/],
  ['dropout 1', { dropout: 1 }, /options\.dropout/],
  ['neighbours 0', { neighbours: 0 }, /options\.neighbours/],
  ['more neighbours than context', { neighbours: 33 }, /options\.neighbours/],
  ['candidates 0', { candidates: 0 }, /options\.candidates/],
  ["candidates 'some'", { candidates: 'some' }, /options\.candidates/],
  ['batchSize 0', { batchSize: 0 }, /batchSize/],
  ['epochs 0', { epochs: 0 }, /options\.epochs/],
  ['a learning rate that is NaN', { learningRate: NaN }, /options\.learningRate/],
  ['a negative learning rate', { learningRate: -1 }, /options\.learningRate/],
  ['an infinite learning rate', { learningRate: Infinity }, /options\.learningRate/],
  ['a negative weight decay', { weightDecay: -0.1 }, /options\.weightDecay/],
  ['a seed of -1', { seed: -1 }, /seed/],
  ['validateEverySteps 0', { validateEverySteps: 0 }, /options\.validateEverySteps/],
  ['a validation that is no dataset', { validation: 5 }, /dataset/],
  ['a checkpoint that is a path', { checkpoint: 'x' }, /options\.checkpoint/],
  ['a checkpoint without a path', { checkpoint: {} }, /options\.checkpoint\.path/],
  ['a signal that is none', { signal: 1 }, /options\.signal/],
  ['an onProgress that is no function', { onProgress: 1 }, /options\.onProgress/],
  ['an unknown option', { batch: 1 } as never, /received batch/],
]

for (const [what, options, message] of wrong) {
  test(`${what} is ERR_INVALID_ARGUMENT`, async (t) => {
    const promise = trainEmbedding(await small(), { ...quick, ...options } as TrainEmbeddingOptions)
    await t.throwsAsync(promise, { code: 'ERR_INVALID_ARGUMENT', message })
  })
}

test('a dataset without a target is refused before the first step, a validation dataset too', async (t) => {
  const dataset = await small()
  const none: Dataset = {
    length: dataset.length,
    get: (index) => ({ ...dataset.get(index), targets: new Int32Array(32).fill(-100) }),
  }
  const error = (name: string) => ({
    code: 'ERR_INVALID_ARGUMENT',
    message: `expected a dataset with targets for ${name}, received "targets that are all -100"`,
  })
  let steps = 0
  const options = { ...quick, onProgress: () => void steps++ }
  await t.throwsAsync(trainEmbedding(none, options), error('dataset'))
  await t.throwsAsync(trainEmbedding(dataset, { ...options, validation: none }), error('options.validation'))
  const wrongId: Dataset = {
    ...none,
    get: (index) => ({ ...none.get(index), targets: new Int32Array(32).fill(vocabSize + 1) }),
  }
  await t.throwsAsync(trainEmbedding(dataset, { ...options, validation: wrongId }), { code: 'ERR_OUT_OF_RANGE' })
  t.is(steps, 0)
})

test('a dataset that hides nothing in its first epoch is learned from in the next', async (t) => {
  const dataset = await small()
  const later: Dataset = {
    length: 64,
    get: (index, { epoch = 0 } = {}) => {
      const sample = dataset.get(index)
      return epoch > 0 ? sample : { ...sample, targets: new Int32Array(32).fill(-100) }
    },
  }
  const { loss, frequencyLoss, targets } = await trainEmbedding(later, { ...quick, epochs: 2 })
  t.true(loss > 0 && frequencyLoss > 0)
  t.is(targets, 64 * 32)
})

test('a checkpoint for another tokenizer is refused', async (t) => {
  const dataset = await small()
  const path = join(folder, 'tokenizer.safetensors')
  const mine = { name: 'a', fingerprint: 'a'.repeat(64) }
  const other = { name: 'b', fingerprint: 'b'.repeat(64) }
  const options: TrainEmbeddingOptions = { ...quick, epochs: 1, checkpoint: { path } }
  await trainEmbedding(dataset, { ...options, tokenizer: mine })
  await t.throwsAsync(trainEmbedding(dataset, { ...options, tokenizer: other }), {
    code: 'ERR_INVALID_FILE',
    message:
      /tokenizer\.safetensors: it is of another training: expected the tokenizer that it was made for, a with .* received b with/,
  })
  for (const tokenizer of [mine, undefined])
    t.deepEqual(
      (await trainEmbedding(dataset, { ...options, ...(tokenizer && { tokenizer }) })).embedding.tokenizer,
      mine,
    )

  // One that does not say it is of any.
  await trainEmbedding(dataset, { ...options, checkpoint: { path, resume: false } })
  t.deepEqual((await trainEmbedding(dataset, { ...options, tokenizer: other })).embedding.tokenizer, other)
})

test('an id that is not below vocabSize is ERR_OUT_OF_RANGE', async (t) => {
  await t.throwsAsync(trainEmbedding(await small(), { ...quick, vocabSize: 100 }), { code: 'ERR_OUT_OF_RANGE' })
})

test('tables that no memory can hold are ERR_LIMIT', async (t) => {
  const options = { ...quick, dimensions: 2 ** 40 }
  await t.throwsAsync(trainEmbedding(await small(), options), { code: 'ERR_LIMIT' })
})
