import { tmpdir } from 'node:os'
import { cancellable } from '../cancel.ts'
import { callNative } from '../errors.ts'
import { native } from '../native.ts'
import {
  checkedSource,
  inPhases,
  readSource,
  resolveTrainSource,
  type TrainSource,
  type TrainSourceOptions,
  trainSourceOptionNames,
  type TrainSourceProgress,
} from '../train-source.ts'
import { integerIn, invalid, isArray, options as checkedOptions, own, string } from '../validate.ts'
import { BpeTokenizer } from './bpe-tokenizer.ts'
import { checkedPattern } from './pattern.ts'
import { isToken } from './special-tokens.ts'

/** What {@link trainBpe} makes, and how. */
export interface TrainBpeOptions extends TrainSourceOptions {
  /**
   * How many tokens: the special ones, the 256 bytes, and those that merges make. There are fewer when the texts have no more pairs that are
   * frequent enough: `training.missing` of the tokenizer says how many.
   */
  readonly vocabSize: number
  /**
   * How texts are split into pieces, over whose ends nothing is merged: by the name of a pattern, also `'llama3'`, `'qwen2'` and others, or by a regular
   * expression of your own, in the syntax of Rust's `fancy-regex`. Text between two matches is a piece too.
   * @default 'gpt2'
   */
  readonly pattern?: 'gpt2' | 'cl100k' | 'o200k' | 'llama3' | 'qwen2' | (string & {}) | undefined
  /**
   * They get the ids from 0 on, in this order. Where they stand in the texts of the training they are plain text.
   * @default []
   */
  readonly specialTokens?: readonly string[] | undefined
  /**
   * Pairs that stand in the texts less often are not merged.
   * @default 1
   */
  readonly minFrequency?: number | undefined
  /**
   * Tokens of more than two bytes are shorter than this, in bytes: the `max_token_length` of Hugging Face's trainer, which is exclusive.
   * @default none, but no token has more than 4096 bytes
   */
  readonly maxTokenLength?: number | undefined
  /**
   * Bytes of memory for counts of pieces and for their merging. What does not fit goes to temporary files; nothing is dropped, and the result is the
   * same.
   * @default 2 ** 30
   */
  readonly memoryLimit?: number | undefined
  /**
   * The folder for temporary files. They have no name there, and are gone when the training or the process ends. One that is named must be there, and be
   * writable, also when nothing comes to it.
   * @default os.tmpdir()
   */
  readonly tempDir?: string | undefined
  /**
   * The name of the tokenizer.
   * @default 'trainBpe'
   */
  readonly name?: string | undefined
  /** Is called some times a second, and at the end of each phase. What it throws stops the training. */
  readonly onProgress?: ((progress: TrainProgress) => void) | undefined
}

/** How far a training is. */
export interface TrainProgress extends TrainSourceProgress {
  /** `'count'`: texts are read and their pieces counted. `'merge'`: tokens are made. */
  readonly phase: 'count' | 'merge'
  /** Merges that were made. */
  readonly merges: number
  /** Merges that `vocabSize` asks for. */
  readonly mergesToMake: number
}

/** What a training was made of. */
export interface TrainSummary {
  /** Texts. */
  readonly texts: number
  /** Bytes of all texts. */
  readonly bytes: number
  /** Distinct pieces of all texts. */
  readonly pieces: number
  /** Merges: tokens that are neither special nor single bytes. */
  readonly merges: number
  /** How many tokens fewer there are than `vocabSize` asked for. */
  readonly missing: number
}

/** A tokenizer that {@link trainBpe} has made. */
export class TrainedTokenizer extends BpeTokenizer {
  /** What it was made of. */
  readonly training: TrainSummary

  /** @internal */
  constructor(name: string, handle: ConstructorParameters<typeof BpeTokenizer>[1], training: TrainSummary) {
    super(name, handle)
    this.training = training
  }
}

const optionNames = [
  ...(['vocabSize', 'pattern', 'specialTokens', 'minFrequency', 'maxTokenLength', 'memoryLimit', 'tempDir'] as const),
  ...(['name', ...trainSourceOptionNames] as const),
] as const

/** Ids are below this. */
const mostIds = 2 ** 21 - 1

/**
 * Trains a byte-level BPE tokenizer on all cores. The merges are those of Hugging Face's `BpeTrainer` with the byte-level alphabet and the same
 * settings, ties included: of pairs that are equally frequent, the one whose left token has the smaller id is merged first, then the one whose right
 * token has. They depend neither on the number of threads nor on the order of the texts nor on the memory.
 *
 * Ids are given to the special tokens first, then to the 256 bytes, then to merged tokens in the order in which they are made.
 *
 * ```ts
 * const tokenizer = await trainBpe({ texts: ['low low low lower lowest'] }, { vocabSize: 260 })
 * tokenizer.encode('lowest')
 * ```
 *
 * @param source paths and globs of files, or `{ texts }`. No piece goes from one text into another.
 * @throws `ERR_INVALID_ARGUMENT`, `ERR_INVALID_FILE`, `ERR_INVALID_UTF8`; `ERR_LIMIT` when a limit or the disk for temporary files is reached.
 */
export const trainBpe = async (source: TrainSource, options: TrainBpeOptions): Promise<TrainedTokenizer> => {
  const { name, reading, pattern, memoryLimit, tempDir, hasTempDir, ...settings } = resolved(options)
  const checked = checkedSource(source, reading)
  reading.signal?.throwIfAborted()
  const trainer = callNative(() => new (native().NativeTrainer)(pattern, memoryLimit, tempDir, hasTempDir))
  const mergesToMake = settings.vocabSize - 256 - settings.specialTokens.length
  const glance = (phase: TrainProgress['phase']): TrainProgress => {
    const { texts, bytes, bytesRead, bytesToRead, merges } = trainer.progress()
    return { phase, texts, bytes, bytesRead, bytesToRead, merges, mergesToMake }
  }
  return inPhases('count', glance, reading, async (signal, enter) => {
    await readSource(trainer, checked, { ...reading, signal })
    enter('merge')
    const handle = await cancellable(signal, (flag) => trainer.train(own(settings), flag))
    return callNative(() => {
      const { texts, bytes, pieces, missing } = trainer.progress()
      return new TrainedTokenizer(name, handle, { texts, bytes, pieces, missing, merges: mergesToMake - missing })
    })
  })
}

/** The options with their defaults, checked. */
const resolved = (options: TrainBpeOptions) => {
  if (options === undefined) throw invalid('options', 'an object with vocabSize', options)
  const {
    vocabSize,
    pattern = 'gpt2',
    specialTokens = [],
    minFrequency = 1,
    maxTokenLength,
    memoryLimit = 2 ** 30,
    tempDir,
    name = 'trainBpe',
    ...reading
  } = checkedOptions('options', options, optionNames)
  if (!isArray(specialTokens)) throw invalid('options.specialTokens', 'an array of strings', specialTokens)
  const special = Array.from(specialTokens as readonly unknown[], (token, index) => {
    if (isToken(token)) return token
    throw invalid(`options.specialTokens[${index}]`, 'a well-formed string that is not empty', token)
  })
  return {
    vocabSize: integerIn('options.vocabSize', vocabSize, 256 + special.length, mostIds),
    pattern: checkedPattern('options.pattern', pattern),
    specialTokens: special,
    minFrequency: integerIn('options.minFrequency', minFrequency, 0),
    ...(maxTokenLength !== undefined && {
      maxTokenLength: integerIn('options.maxTokenLength', maxTokenLength, 0, 2 ** 32 - 1),
    }),
    memoryLimit: integerIn('options.memoryLimit', memoryLimit, 0),
    tempDir: string('options.tempDir', tempDir === undefined ? tmpdir() : tempDir),
    // The system's may be missing where nothing needs it.
    hasTempDir: tempDir !== undefined,
    name: string('options.name', name),
    reading: resolveTrainSource<TrainProgress>(reading),
  }
}
