import type { Dataset } from '../../dataset/dataset.ts'
import { maskedTokens } from '../../dataset/masked-tokens.ts'
import { nextToken } from '../../dataset/objective.ts'
import { TokenStore } from '../../dataset/token-store.ts'
import { WindowDataset } from '../../dataset/window-dataset.ts'
import type { TokenizerIdentity } from '../../embedding/made-for.ts'
import {
  type EmbeddingTrainingProgress,
  trainEmbedding,
  type TrainEmbeddingOptions,
} from '../../embedding/train-embedding.ts'
import { checkLength, splitName, textName } from '../check-length.ts'
import { isFolder, openDataset } from '../dataset.ts'
import { usageFailure } from '../failure.ts'
import { readInput } from '../input.ts'
import { interruptible } from '../interrupt.ts'
import { encodeOptions, forText, refuseGiven, textFlags } from '../options.ts'
import { write, writeJson } from '../output.ts'
import { integer, rate, time } from '../terminal/format.ts'
import { ProgressLine } from '../terminal/progress-line.ts'
import { tokenizerOf } from '../tokenizer-of.ts'
import { checkWritable } from '../writable.ts'
import type { EmbedFlags } from './embed.ts'

export interface TrainEmbedFlags {
  readonly objective: 'nextToken' | 'masked'
  readonly dimensions: number
  readonly contextLength: number
  readonly neighbours?: number
  readonly candidates?: number
  readonly batchSize: number
  readonly epochs: number
  readonly learningRate: number
  readonly dropout?: number
  readonly seed: number
  readonly checkpoint?: string
  readonly checkpointSteps: number
}

/** What they are called. */
export const trainingFlags = [
  '--objective',
  '--dimensions',
  '--context-length',
  '--neighbours',
  '--candidates',
  '--batch-size',
  '--epochs',
  '--learning-rate',
  '--dropout',
  '--seed',
  '--checkpoint',
  '--checkpoint-steps',
] as const

/** The share of a text that is measured and not learned. */
const heldOut = 0.1

/** `tokenmill embed --train` */
export const trainEmbed = async (
  file: string | undefined,
  flags: EmbedFlags,
  given: ReadonlySet<string>,
): Promise<void> => {
  const { output, checkpoint, neighbours, candidates, dropout, seed, objective } = flags
  // Before the work, not after it.
  if (output === undefined || !output.endsWith('.safetensors'))
    throw usageFailure('pass an --output that ends in .safetensors')
  if (checkpoint === undefined) refuseGiven(given, ['--checkpoint-steps'], 'is for --checkpoint')
  await checkWritable(output)
  if (checkpoint !== undefined) await checkWritable(checkpoint)
  const began = performance.now()
  const source = await sourceOf(file, flags, given)
  const line = new ProgressLine()
  const options: TrainEmbeddingOptions = {
    objective,
    vocabSize: source.vocabSize,
    tokenizer: source.tokenizer,
    dimensions: flags.dimensions,
    batchSize: flags.batchSize,
    epochs: flags.epochs,
    learningRate: flags.learningRate,
    seed,
    onProgress: (progress) => line.show(progressText(progress, performance.now() - began)),
    ...(neighbours !== undefined && { neighbours }),
    ...(candidates !== undefined && { candidates }),
    ...(dropout !== undefined && { dropout }),
    ...(source.validation !== undefined && { validation: source.validation }),
    ...(checkpoint !== undefined && { checkpoint: { path: checkpoint, everySteps: flags.checkpointSteps } }),
  }
  try {
    const { embedding, ...facts } = await interruptible(whenInterrupted(checkpoint), (signal) =>
      trainEmbedding(source.training, { ...options, signal }),
    ).finally(() => line.end())
    await embedding.save(output)
    embedding.dispose()
    const seconds = (performance.now() - began) / 1000
    if (flags.json) return await writeJson({ output, vocabSize: source.vocabSize, ...facts, seconds })
    const { steps, targets, loss, validationLoss, frequencyLoss } = facts
    await write(`${integer(steps)} steps, ${integer(targets)} targets, ${time(seconds * 1000)}, in ${output}\n`)
    await write(
      validationLoss === undefined
        ? `loss ${loss.toFixed(3)} nats; by frequency alone ${frequencyLoss.toFixed(3)}\n`
        : `loss of held-out text ${validationLoss.toFixed(3)} nats; by frequency alone ${frequencyLoss.toFixed(3)}\n`,
    )
  } finally {
    source.close()
  }
}

/** What is learned from, and what is measured. */
interface Source {
  readonly training: Dataset
  readonly validation?: Dataset
  readonly vocabSize: number
  readonly tokenizer: TokenizerIdentity
  close(): void
}

/** The splits of a dataset that `prepare` has made, or a text, whose end is held out. */
const sourceOf = async (file: string | undefined, flags: EmbedFlags, given: ReadonlySet<string>): Promise<Source> => {
  if (file !== undefined && (await isFolder(file))) {
    refuseGiven(given, textFlags, forText)
    return ofFolder(file, flags)
  }
  const tokenizer = await tokenizerOf(flags)
  const ids = tokenizer.encode(flags.text ?? (await readInput(file)).bytes, encodeOptions(flags))
  const cut = Math.floor(ids.length * (1 - heldOut))
  const dataset = datasetOf(textName(file), flags, tokenizer.vocabSize)
  const [training, validation] = [ids.subarray(0, cut), ids.subarray(cut)]
  const isLong = validation.length > flags.contextLength
  return {
    ...dataset.sizes,
    tokenizer,
    training: dataset.of(isLong ? training : ids),
    ...(isLong && { validation: dataset.of(validation) }),
    close: () => {},
  }
}

const ofFolder = async (folder: string, flags: EmbedFlags): Promise<Source> => {
  const {
    store,
    manifest: { tokenizer, splits },
  } = await openDataset(folder, flags, { split: 'train', mode: 'map' })
  const held =
    (splits.val?.tokens ?? 0) > flags.contextLength ? await TokenStore.open(folder, { split: 'val' }) : undefined
  const dataset = datasetOf(splitName(folder, 'train'), flags, tokenizer.vocabSize)
  return {
    ...dataset.sizes,
    tokenizer,
    training: dataset.of(store),
    ...(held !== undefined && { validation: dataset.of(held) }),
    close: () => {
      store.close()
      held?.close()
    },
  }
}

/** Windows of the objective. What hides a token is one id more than there are. */
const datasetOf = (source: string, { objective, contextLength, seed }: EmbedFlags, vocabSize: number) => {
  const isMasked = objective === 'masked'
  const asked = isMasked ? maskedTokens({ maskId: vocabSize, vocabSize, seed }) : nextToken()
  return {
    sizes: { vocabSize: isMasked ? vocabSize + 1 : vocabSize },
    of: (tokens: Uint32Array | TokenStore) => {
      checkLength(source, tokens.length, contextLength, asked.idsPerWindow(contextLength))
      return new WindowDataset(tokens, { contextLength, objective: asked })
    },
  }
}

const progressText = (progress: EmbeddingTrainingProgress, ms: number): string => {
  const { step, steps, targets, loss, validationLoss } = progress
  const share = step / steps
  const left = share > 0.01 && share < 1 ? `  ${time((ms * (1 - share)) / share)} left` : ''
  const held = validationLoss === undefined ? '' : `, ${validationLoss.toFixed(3)} held out`
  return `step ${integer(step)} of ${integer(steps)}  loss ${loss.toFixed(3)}${held}  ${rate(targets, ms, 'targets')}${left}`
}

const whenInterrupted = (checkpoint: string | undefined): string =>
  checkpoint === undefined
    ? 'nothing was written; with --checkpoint, the same command would go on'
    : `the same command goes on from ${checkpoint}`
