import { TokenmillError } from '../../errors.ts'
import { checkSavesAsJson } from '../../tokenizer/save-bpe.ts'
import { trainBpe, type TrainBpeOptions, type TrainedTokenizer, type TrainProgress } from '../../tokenizer/train-bpe.ts'
import { CliFailure, exitCodes, usageFailure } from '../failure.ts'
import { interruptible } from '../interrupt.ts'
import { write, writeJson } from '../output.ts'
import { bytes, integer, rate, time } from '../terminal/format.ts'
import { ProgressLine } from '../terminal/progress-line.ts'
import { checkWritable } from '../writable.ts'

export interface TrainFlags {
  readonly vocabSize: number
  readonly output: string
  readonly pattern: string
  readonly special: readonly string[]
  readonly minFrequency: number
  readonly maxTokenLength?: number
  readonly inputFormat: NonNullable<TrainBpeOptions['format']>
  readonly field: string
  readonly utf8: 'replace' | 'strict'
  readonly memory?: number
  readonly json?: boolean
}

/** `tokenmill train` */
export const train = async (inputs: readonly string[], flags: TrainFlags): Promise<void> => {
  const { vocabSize, output, pattern, special: specialTokens, minFrequency, maxTokenLength, memory, field } = flags
  // Before the work, not after it.
  if (!/\.(json|tiktoken)$/.test(output)) throw usageFailure('pass an --output that ends in .json or .tiktoken')
  await checkWritable(output)
  const isJson = output.endsWith('.json')
  if (isJson) checkSavesAsJson(pattern, specialTokens)
  const began = performance.now()
  const line = new ProgressLine()
  let mergesBegan = began
  const onProgress = (progress: TrainProgress) => {
    const now = performance.now()
    if (progress.phase === 'count') mergesBegan = now
    line.show(progress.phase === 'count' ? countText(progress, now - began) : mergeText(progress, now - mergesBegan))
  }
  const options = {
    vocabSize,
    pattern,
    specialTokens,
    minFrequency,
    field,
    format: flags.inputFormat,
    onProgress,
  }
  const tokenizer = await interruptible('nothing was written', async (signal) => {
    const trained = await trainBpe(inputs, {
      ...options,
      signal,
      utf8: flags.utf8,
      ...(maxTokenLength !== undefined && { maxTokenLength }),
      ...(memory !== undefined && { memoryLimit: memory * 2 ** 20 }),
    })
    signal.throwIfAborted()
    await (isJson ? saveJson(trained, output) : trained.save(output))
    return trained
  }).finally(() => line.end())
  const { training, fingerprint } = tokenizer
  const seconds = (performance.now() - began) / 1000
  if (flags.json) return writeJson({ output, vocabSize: tokenizer.vocabSize, ...training, fingerprint, seconds })
  const { texts, bytes: length, pieces, merges, missing } = training
  await write(`${integer(texts)} texts, ${bytes(length)}, ${integer(pieces)} distinct pieces\n`)
  await write(
    `${integer(tokenizer.vocabSize)} tokens, ${integer(merges)} of them by merges, in ${output}, ${time(seconds * 1000)}\n`,
  )
  if (missing > 0) await write(`${integer(missing)} fewer than asked for: no pair is left that is frequent enough\n`)
}

/** Where a special token is written like a token that was made of the texts, the tokens go into a file of the other form, so that no work is lost. */
const saveJson = async (trained: TrainedTokenizer, output: string): Promise<void> => {
  try {
    await trained.save(output)
  } catch (error) {
    if (!(error instanceof TokenmillError) || error.code !== 'ERR_INVALID_ARGUMENT') throw error
    const instead = `${output}.tiktoken`
    await trained.save(instead)
    const message = `${error.message}; the tokens are in ${instead}, which has no place for special tokens and the pattern`
    throw new CliFailure(error.code, message, { cause: error, exitCode: exitCodes.usage })
  }
}

const countText = ({ bytes: counted, bytesRead, bytesToRead }: TrainProgress, ms: number): string => {
  const share = bytesToRead > 0 ? Math.min(1, bytesRead / bytesToRead) : 0
  const left = share > 0.01 && share < 1 ? `  ${time((ms * (1 - share)) / share)} left to count` : ''
  return `counting  ${share > 0 ? `${Math.floor(100 * share)} %  ` : ''}${bytes(counted)}  ${rate(counted, ms, 'bytes')}${left}`
}

const mergeText = ({ merges, mergesToMake }: TrainProgress, ms: number): string => {
  const share = mergesToMake > 0 ? merges / mergesToMake : 1
  const left = share > 0.01 && share < 1 ? `  ${time((ms * (1 - share)) / share)} left` : ''
  return `merging  ${Math.floor(100 * share)} %  ${integer(merges)} of ${integer(mergesToMake)} merges${left}`
}
