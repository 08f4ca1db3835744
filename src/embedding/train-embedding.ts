import { access } from 'node:fs/promises'
import { DataLoader } from '../dataset/data-loader.ts'
import type { Dataset } from '../dataset/dataset.ts'
import { WindowDataset } from '../dataset/window-dataset.ts'
import { callNative, callNativeAsync, TokenmillError } from '../errors.ts'
import { runInTurns } from '../event-loop.ts'
import { native } from '../native.ts'
import type { NativeEmbeddingTrainer, NativeLoss } from '../native-binding.d.ts'
import {
  abortSignal,
  boolean,
  finiteNumber,
  integerIn,
  invalid,
  oneOf,
  options as known,
  own,
  positiveInteger,
} from '../validate.ts'
import { filePath } from '../file-path.ts'
import { now } from '../timers.ts'
import { InputEmbedding, type Position } from './input-embedding.ts'
import { checkedIdentity, checkMadeFor, readIdentity, type TokenizerIdentity, writeIdentity } from './made-for.ts'
import { checkMemory, memoryLimit } from './memory.ts'
import { frequencyLoss, learnableCounts } from './target-counts.ts'
import { readProgress, type SavedProgress, writeProgress } from './training-progress.ts'

/** Checkpoints of a training, to resume after an interruption. */
export interface TrainingCheckpoint {
  /** A safetensors file; it also is what `InputEmbedding.load` reads. */
  readonly path: string | URL
  /**
   * Steps between two checkpoints. One more is written at the end, and when the training is stopped by its signal.
   * @default 1000
   */
  readonly everySteps?: number | undefined
  /**
   * Whether to resume from an existing file. With `false` it is replaced.
   * @default true
   */
  readonly resume?: boolean | undefined
}

/** How far a training is. */
export interface EmbeddingTrainingProgress {
  /** Steps that were made. */
  readonly step: number
  /** All steps. */
  readonly steps: number
  /** The epoch of the last batch, from 0. */
  readonly epoch: number
  /** Targets that were learned from. */
  readonly targets: number
  /** Mean loss of the targets since the previous report, in nats; `NaN` when there was none. */
  readonly loss: number
  /** Learning rate of the last step. */
  readonly learningRate: number
  /** Mean loss of the validation dataset, when it was just measured. */
  readonly validationLoss?: number
}

/** What {@link trainEmbedding} trains, and how. */
export interface TrainEmbeddingOptions {
  /**
   * What is predicted:
   *
   * - `'nextToken'`: the next token, from those before it (GPT); for a dataset of `nextToken()`
   * - `'masked'`: masked tokens, from both sides (BERT); for a dataset of `maskedTokens()`
   */
  readonly objective: 'nextToken' | 'masked'
  /** Rows of the token table: ids are 0 to vocabSize - 1. */
  readonly vocabSize: number
  /** Values per token. */
  readonly dimensions: number
  /**
   * Positions: the most tokens of one row of input.
   * @default those of the first sample
   */
  readonly contextLength?: number | undefined
  /**
   * How the position of a token enters.
   * @default 'learned'
   */
  readonly position?: Position | undefined
  /**
   * Dropout rate.
   * @default 0
   */
  readonly dropout?: number | undefined
  /**
   * Context tokens on each side that a token is predicted from (with `'nextToken'`, only those before it).
   * @default 8, or contextLength where that is less
   */
  readonly neighbours?: number | undefined
  /**
   * Candidates per sampled-softmax step, drawn by frequency, instead of the whole vocabulary: for large vocabularies.
   * @default 'all' up to 8192 ids, else 4096
   */
  readonly candidates?: number | 'all' | undefined
  /**
   * Samples per step.
   * @default 32
   */
  readonly batchSize?: number | undefined
  /**
   * Passes over the dataset.
   * @default 1
   */
  readonly epochs?: number | undefined
  /**
   * Peak learning rate: linear warmup over the first 5 % of the steps, then linear decay to 0.
   * @default 0.003
   */
  readonly learningRate?: number | undefined
  /**
   * Decoupled weight decay of AdamW.
   * @default 0.01
   */
  readonly weightDecay?: number | undefined
  /** The validation dataset, of the same objective. */
  readonly validation?: Dataset | undefined
  /**
   * Steps between two validations; one more is made at the end.
   * @default at the end only
   */
  readonly validateEverySteps?: number | undefined
  /**
   * Random seed of the initial weights, the order of the samples, dropout and candidates.
   * @default 0
   */
  readonly seed?: number | undefined
  /** The tokenizer of the dataset. Checkpoints and files of the embedding keep its name and fingerprint: see `InputEmbedding.load`. */
  readonly tokenizer?: TokenizerIdentity | undefined
  /** Where checkpoints are written. */
  readonly checkpoint?: TrainingCheckpoint | undefined
  /** Stops the training after the step that is under way; the promise is rejected with `signal.reason`. */
  readonly signal?: AbortSignal | undefined
  /** Is called some times a second, and with each measured loss. What it throws stops the training. */
  readonly onProgress?: ((progress: EmbeddingTrainingProgress) => void) | undefined
}

/** What {@link trainEmbedding} has made. Losses are means, in nats. */
export interface EmbeddingTraining {
  /** The trained embedding. */
  readonly embedding: InputEmbedding
  /** Steps that were made, in all parts of an interrupted training. */
  readonly steps: number
  /** Targets that were learned from. */
  readonly targets: number
  /** The loss over the last epoch, as it was before each step; `NaN` when hiding tokens left that without a target. */
  readonly loss: number
  /** The loss of the validation dataset, when there is one. */
  readonly validationLoss?: number
  /**
   * The loss, on the validation dataset or else the dataset, of a unigram model: ids predicted by their frequency in the dataset alone, and ids that
   * only the validation dataset has by the share of those that the dataset has once.
   */
  readonly frequencyLoss: number
}

/** The share of steps of the warmup. */
const warmup = 0.05
/** Above so many ids, the softmax is sampled, from so few of them. */
const [manyIds, fewIds] = [8192, 4096]
/** Targets of the dataset that are counted, to know how frequent ids are. */
const mostCounted = 2 ** 22
/** How often progress is told, in milliseconds. */
const interval = 200

/**
 * Trains an embedding with a small model: a token is predicted from a weighted sum of the embeddings of its neighbours, and the logit of an id
 * is the product of that sum and the id's own row of the token table (tied weights). What is learned is thus nearly all in the embedding: ids
 * of similar contexts get similar rows. The same seed gives the same weights on the same machine with one thread.
 *
 * ```ts
 * const { embedding, validationLoss } = await trainEmbedding(dataset, { objective: 'nextToken', vocabSize, dimensions: 64, validation })
 * ```
 *
 * @throws `ERR_INVALID_ARGUMENT` when an option is wrong or does not fit the dataset, and when a dataset has no target; `ERR_OUT_OF_RANGE` for an id that is not below `vocabSize`;
 *   `ERR_INVALID_FILE` when the checkpoint is that of another training (of other options, for another tokenizer, or of a dataset with other frequencies of ids; `epochs`,
 *   `learningRate`, `batchSize` and `validation` may change); `ERR_LIMIT` when there is not enough memory.
 */
export const trainEmbedding = async (dataset: Dataset, options: TrainEmbeddingOptions): Promise<EmbeddingTraining> => {
  const resolved = own(resolve(dataset, options))
  const { vocabSize, epochs, validation, signal } = resolved
  const counts = await runInTurns(learnableCounts('dataset', dataset, vocabSize, mostCounted, epochs), signal)
  const validationCounts =
    validation && (await runInTurns(learnableCounts('options.validation', validation, vocabSize), signal))
  const training = own({ ...resolved, counts, validationCounts })
  const { trainer, progress } = await begin(training)
  try {
    return await new Run(training, trainer, progress).toEnd()
  } finally {
    trainer.dispose()
  }
}

/** A training from its first or next step to its last. */
class Run {
  readonly #training: Training
  readonly #trainer: NativeEmbeddingTrainer
  readonly #loader: DataLoader
  #step = 0
  #targets = 0
  /** Sums of the epoch, or of the whole of the last. */
  #epoch = { loss: 0, targets: 0 }
  /** Sums since the last report. */
  #told = { loss: 0, targets: 0, time: now() }
  #measured: { readonly step: number; readonly loss: number } | undefined

  constructor(training: Training, trainer: NativeEmbeddingTrainer, progress: SavedProgress | undefined) {
    this.#training = training
    this.#trainer = trainer
    this.#loader = training.loader()
    if (progress === undefined) return
    this.#resume(progress)
  }

  #resume(progress: SavedProgress): void {
    const { checkpoint, tokenizer } = this.#training
    try {
      checkMadeFor('it', readIdentity(this.#trainer.tokenizer ?? undefined), tokenizer)
      this.#loader.load(progress.loader)
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new TokenmillError('ERR_INVALID_FILE', `${checkpoint?.path}: it is of another training: ${why}`, { cause })
    }
    this.#step = progress.step
    this.#targets = progress.targets
    this.#epoch = { ...progress.epoch }
  }

  async toEnd(): Promise<EmbeddingTraining> {
    const { epochs, counts, validationCounts, trainer } = this.#training
    while (this.#loader.epoch < epochs) await this.#oneEpoch()
    await this.#save()
    const validationLoss = await this.#measure()
    return {
      embedding: callNative(() => InputEmbedding.of(this.#trainer.embedding(), trainer.seed)),
      steps: this.#step,
      targets: this.#targets,
      loss: this.#epoch.loss / this.#epoch.targets,
      ...(validationLoss === undefined ? {} : { validationLoss }),
      frequencyLoss: frequencyLoss(counts, validationCounts),
    }
  }

  async #oneEpoch(): Promise<void> {
    const { steps, checkpoint, validateEverySteps, learningRate } = this.#training
    const { epoch } = this.#loader
    if (this.#loader.state().sample === 0) this.#epoch = { loss: 0, targets: 0 }
    for await (const { inputs, targets, shape } of this.#loader) {
      const rate = learningRate(this.#step)
      this.#add(await callNativeAsync(() => this.#trainer.step(inputs, targets, [...shape], rate)))
      const isLast = this.#step === steps
      const isMeasured = isLast || (validateEverySteps !== undefined && this.#step % validateEverySteps === 0)
      const validationLoss = isMeasured ? await this.#measure() : undefined
      this.#tell({ epoch, learningRate: rate, isLast, ...(validationLoss === undefined ? {} : { validationLoss }) })
      await this.#stopIfAborted()
      if (checkpoint !== undefined && !isLast && this.#step % checkpoint.everySteps === 0) await this.#save()
    }
  }

  #add({ sum, targets }: NativeLoss): void {
    this.#step += 1
    this.#targets += targets
    for (const sums of [this.#epoch, this.#told]) {
      sums.loss += sum
      sums.targets += targets
    }
  }

  #tell({
    isLast,
    ...others
  }: Pick<EmbeddingTrainingProgress, 'epoch' | 'learningRate' | 'validationLoss'> & { isLast: boolean }) {
    const rest = own(others)
    const { onProgress, steps } = this.#training
    const isDue = now() - this.#told.time >= interval || isLast || rest.validationLoss !== undefined
    if (onProgress === undefined || !isDue) return
    const { loss, targets } = this.#told
    this.#told = { loss: 0, targets: 0, time: now() }
    onProgress({ step: this.#step, steps, targets: this.#targets, loss: loss / targets, ...rest })
  }

  /** The mean loss of the validation dataset as it is now. */
  async #measure(): Promise<number | undefined> {
    const { validation, batchSize } = this.#training
    if (validation === undefined) return undefined
    if (this.#measured?.step === this.#step) return this.#measured.loss
    const sums = { loss: 0, targets: 0 }
    for await (const { inputs, targets, shape } of new DataLoader(validation, { batchSize })) {
      const loss = await callNativeAsync(() => this.#trainer.loss(inputs, targets, [...shape]))
      sums.loss += loss.sum
      sums.targets += loss.targets
      await this.#stopIfAborted()
    }
    this.#measured = { step: this.#step, loss: sums.loss / sums.targets }
    return this.#measured.loss
  }

  /** An abort between two steps loses nothing where there is a checkpoint. */
  async #stopIfAborted(): Promise<void> {
    const { signal } = this.#training
    if (signal?.aborted !== true) return
    await this.#save()
    throw signal.reason
  }

  async #save(): Promise<void> {
    const { checkpoint } = this.#training
    if (checkpoint === undefined) return
    const progress = { loader: this.#loader.state(), step: this.#step, targets: this.#targets, epoch: this.#epoch }
    await callNativeAsync(() => this.#trainer.save(checkpoint.path, writeProgress(progress)))
  }
}

/** What is asked for, and how often each id is a target. */
type Training = ReturnType<typeof resolve> & {
  readonly counts: Float64Array
  readonly validationCounts: Float64Array | undefined
}

const optionKeys = [
  ...(['objective', 'vocabSize', 'dimensions', 'contextLength', 'position', 'dropout', 'neighbours'] as const),
  ...([
    'candidates',
    'batchSize',
    'epochs',
    'learningRate',
    'weightDecay',
    'validation',
    'validateEverySteps',
  ] as const),
  ...(['seed', 'tokenizer', 'checkpoint', 'signal', 'onProgress'] as const),
] as const

const resolve = (dataset: Dataset, options: TrainEmbeddingOptions) => {
  const {
    position = 'learned',
    dropout = 0,
    batchSize = 32,
    epochs = 1,
    learningRate = 0.003,
    weightDecay = 0.01,
    seed = 0,
    ...others
  } = known('options', options, optionKeys)
  const rest = own(others)
  const objective = oneOf('options.objective', rest.objective, ['nextToken', 'masked'])
  const vocabSize = positiveInteger('options.vocabSize', rest.vocabSize)
  const dimensions = positiveInteger('options.dimensions', rest.dimensions)
  const loader = () => new DataLoader(dataset, { batchSize, shuffle: true, seed })
  const steps = loader().length * positiveInteger('options.epochs', epochs)
  if (steps === 0) throw invalid('dataset', 'a dataset that is not empty', dataset)
  checkObjective('dataset', dataset, objective)
  if (rest.validation !== undefined) {
    if (new DataLoader(rest.validation, { batchSize }).length === 0)
      throw invalid('options.validation', 'a dataset that is not empty', rest.validation)
    checkObjective('options.validation', rest.validation, objective)
  }
  const contextLength = positiveInteger('options.contextLength', rest.contextLength ?? dataset.get(0).inputs.length)
  checkMemory(
    `training tables of ${vocabSize + contextLength} rows and ${dimensions} dimensions`,
    // The weights, their gradients and two moments of each.
    4 * (vocabSize + contextLength) * dimensions,
    'f32',
  )
  const most = between('options.learningRate', learningRate, 0, Infinity)
  if (rest.onProgress !== undefined && typeof rest.onProgress !== 'function')
    throw invalid('options.onProgress', 'a function', rest.onProgress)
  abortSignal(rest.signal)
  const tokenizer = checkedIdentity('options.tokenizer', rest.tokenizer)
  return {
    ...rest,
    tokenizer,
    loader,
    steps,
    epochs,
    batchSize,
    vocabSize,
    embedding: own({
      vocabSize,
      contextLength,
      dimensions,
      position: oneOf('options.position', position, ['learned', 'sinusoidal', 'none']),
      dropout: between('options.dropout', dropout, 0, 1),
      scale: 1,
      tokenTypes: 0,
      dtype: 'f32' as const,
      ...(tokenizer && { tokenizer: writeIdentity(tokenizer) }),
    }),
    trainer: own({
      objective,
      neighbours: integerIn('options.neighbours', rest.neighbours ?? Math.min(8, contextLength), 1, contextLength),
      weightDecay: between('options.weightDecay', weightDecay, 0, Infinity),
      seed: integerIn('options.seed', seed, 0),
      ...candidatesOf('options.candidates', rest.candidates, vocabSize),
    }),
    ...(rest.validateEverySteps === undefined
      ? {}
      : { validateEverySteps: positiveInteger('options.validateEverySteps', rest.validateEverySteps) }),
    checkpoint: rest.checkpoint === undefined ? undefined : checkpointOf('options.checkpoint', rest.checkpoint),
    learningRate: (step: number) => most * rise(step / steps),
  }
}

/** From 0 to 1 over the first steps, then back to 0. */
const rise = (done: number): number =>
  done < warmup ? (done + 1e-3) / (warmup + 1e-3) : Math.max(0, 1 - done) / (1 - warmup)

const candidatesOf = (name: string, value: unknown, vocabSize: number): { readonly draws?: number } => {
  if (value === 'all' || (value === undefined && vocabSize <= manyIds)) return {}
  if (value !== undefined && typeof value !== 'number') throw invalid(name, "a number or 'all'", value)
  return { draws: value === undefined ? fewIds : integerIn(name, value, 1, 2 ** 24) }
}

const checkpointOf = (name: string, checkpoint: TrainingCheckpoint) => {
  if (typeof checkpoint !== 'object' || checkpoint === null) throw invalid(name, 'an object', checkpoint)
  const { path, everySteps = 1000, resume = true } = known(name, checkpoint, ['path', 'everySteps', 'resume'])
  return {
    path: filePath(`${name}.path`, path),
    everySteps: positiveInteger(`${name}.everySteps`, everySteps),
    resume: boolean(`${name}.resume`, resume),
  }
}

const between = (name: string, value: unknown, least: number, below: number): number => {
  const number = finiteNumber(name, value)
  if (number >= least && number < below) return number
  throw invalid(name, below === Infinity ? `a number ≥ ${least}` : `a number from ${least} to below ${below}`, number)
}

/**
 * A dataset whose targets are of another kind would be learned from without a word: from both sides the next token is known, since it is
 * the neighbour.
 */
const checkObjective = (name: string, dataset: Dataset, objective: 'nextToken' | 'masked'): void => {
  if (!(dataset instanceof WindowDataset)) return
  const expected = objective === 'nextToken' ? 'next-token' : 'masked-tokens'
  if (dataset.objective.name === expected) return
  throw new TokenmillError(
    'ERR_INVALID_ARGUMENT',
    `expected a ${name} with the objective ${expected} for options.objective '${objective}', received one with ${dataset.objective.name}`,
  )
}

/** A new trainer, or that of the checkpoint and how far it was. */
const begin = async (
  training: Training,
): Promise<{ readonly trainer: NativeEmbeddingTrainer; readonly progress: SavedProgress | undefined }> =>
  callNativeAsync(async () => {
    const { checkpoint, embedding, trainer: config, counts } = training
    const trainers = native().NativeEmbeddingTrainer
    if (checkpoint?.resume !== true || !(await exists(checkpoint.path)))
      return { trainer: await trainers.create(embedding, config, counts), progress: undefined }
    const trainer = await trainers.load(checkpoint.path, embedding, config, counts, memoryLimit())
    return { trainer, progress: readProgress(checkpoint.path, trainer.progress) }
  })

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
