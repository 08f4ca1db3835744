import { tmpdir } from 'node:os'
import { cancellable } from '../cancel.ts'
import { callNative, fromNative, TokenmillError } from '../errors.ts'
import type { NativeTrainer } from '../native-binding.d.ts'
import { native } from '../native.ts'
import { integerIn, invalid, oneOf, options as checkedOptions, string } from '../validate.ts'
import { BpeTokenizer } from './bpe-tokenizer.ts'
import { checkedPattern } from './pattern.ts'
import { batches, checkedSource, type TrainSource } from './train-source.ts'
import type { Text } from './tokenizer.ts'

/** What {@link trainBpe} makes, and how. */
export interface TrainBpeOptions {
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
  readonly pattern?: 'gpt2' | 'cl100k' | 'o200k' | 'llama3' | 'qwen2' | (string & {})
  /**
   * They get the ids from 0 on, in this order. Where they stand in the texts of the training they are plain text.
   * @default []
   */
  readonly specialTokens?: readonly string[]
  /**
   * Pairs that stand in the texts less often are not merged.
   * @default 1
   */
  readonly minFrequency?: number
  /**
   * Tokens of more than two bytes are shorter than this, in bytes: the `max_token_length` of Hugging Face's trainer, which is exclusive.
   * @default none, but no token has more than 4096 bytes
   */
  readonly maxTokenLength?: number
  /**
   * Bytes of memory for counts of pieces and for their merging. What does not fit goes to temporary files; nothing is dropped, and the result is the
   * same.
   * @default 2 ** 30
   */
  readonly memoryLimit?: number
  /**
   * The folder for temporary files. They have no name there, and are gone when the training or the process ends.
   * @default os.tmpdir()
   */
  readonly tempDir?: string
  /**
   * What the files hold: `'text'` one text each, `'lines'` a text per line, without its line end, `'jsonl'` a text per line in a field of a JSON object,
   * `'parquet'` a text per row; each may be packed by gzip or Zstandard. `'auto'` goes by their names.
   * @default 'auto'
   */
  readonly format?: 'auto' | 'text' | 'lines' | 'jsonl' | 'parquet'
  /**
   * The field or column with the text.
   * @default 'text'
   */
  readonly field?: string
  /**
   * What bytes that are not UTF-8 are: `'strict'` an `ERR_INVALID_UTF8`, `'replace'` U+FFFD for each maximal invalid part.
   * @default 'strict'
   */
  readonly utf8?: 'replace' | 'strict'
  /**
   * The name of the tokenizer.
   * @default 'trainBpe'
   */
  readonly name?: string
  /** Stops the training; the promise is rejected with `signal.reason`. */
  readonly signal?: AbortSignal
  /** Is called some times a second, and at the end of each phase. What it throws stops the training. */
  readonly onProgress?: (progress: TrainProgress) => void
}

/** How far a training is. */
export interface TrainProgress {
  /** `'count'`: texts are read and their pieces counted. `'merge'`: tokens are made. */
  readonly phase: 'count' | 'merge'
  /** Texts that were counted. */
  readonly texts: number
  /** Their bytes, as UTF-8. */
  readonly bytes: number
  /** Bytes that were read from files, as they are on disk. */
  readonly bytesRead: number
  /** Bytes that there are to read; 0 when the source is not files. */
  readonly bytesToRead: number
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
  ...(['format', 'field', 'utf8', 'name', 'signal', 'onProgress'] as const),
] as const

/** Ids are below this. */
const mostIds = 2 ** 21 - 1
/** How often progress is told, in milliseconds. */
const interval = 200

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
  const { signal, onProgress, name, ...settings } = resolved(options)
  const checked = checkedSource(source)
  signal?.throwIfAborted()
  const { pattern, memoryLimit, tempDir } = settings
  const trainer = callNative(() => new (native().NativeTrainer)(pattern, memoryLimit, tempDir))
  const mergesToMake = settings.vocabSize - 256 - settings.specialTokens.length
  return watched(trainer, { signal, onProgress, mergesToMake }, async (signal, enter) => {
    enter('count')
    const strict = settings.utf8 === 'strict'
    if ('paths' in checked) {
      const { format, field } = settings
      await cancellable(signal, (flag) => trainer.addFiles(checked.paths, format, field, strict, flag))
    } else {
      await addTexts(trainer, checked.texts, strict, signal)
    }
    enter('merge')
    const { vocabSize, specialTokens, minFrequency, maxTokenLength } = settings
    const handle = await cancellable(signal, (flag) =>
      trainer.train(
        { vocabSize, specialTokens, minFrequency, ...(maxTokenLength !== undefined && { maxTokenLength }) },
        flag,
      ),
    )
    const { texts, bytes, pieces, missing } = trainer.progress()
    return new TrainedTokenizer(name, handle, { texts, bytes, pieces, missing, merges: mergesToMake - missing })
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
    tempDir = tmpdir(),
    format = 'auto',
    field = 'text',
    utf8 = 'strict',
    name = 'trainBpe',
    signal,
    onProgress,
  } = checkedOptions('options', options, optionNames)
  if (!Array.isArray(specialTokens)) throw invalid('options.specialTokens', 'an array of strings', specialTokens)
  const special = Array.from(specialTokens as readonly unknown[], (token, index) =>
    string(`options.specialTokens[${index}]`, token),
  )
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw invalid('options.signal', 'an AbortSignal', signal)
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw invalid('options.onProgress', 'a function', onProgress)
  }
  return {
    vocabSize: integerIn('options.vocabSize', vocabSize, 256 + special.length, mostIds),
    pattern: checkedPattern('options.pattern', pattern),
    specialTokens: special,
    minFrequency: integerIn('options.minFrequency', minFrequency, 0),
    maxTokenLength:
      maxTokenLength === undefined ? undefined : integerIn('options.maxTokenLength', maxTokenLength, 0, 2 ** 32 - 1),
    memoryLimit: integerIn('options.memoryLimit', memoryLimit, 0),
    tempDir: string('options.tempDir', tempDir),
    format: oneOf('options.format', format, ['auto', 'text', 'lines', 'jsonl', 'parquet']),
    field: string('options.field', field),
    utf8: oneOf('options.utf8', utf8, ['replace', 'strict']),
    name: string('options.name', name),
    signal,
    onProgress,
  }
}

/** Counts texts: one batch while the next one is collected. */
const addTexts = async (
  trainer: NativeTrainer,
  texts: Iterable<Text> | AsyncIterable<Text>,
  strict: boolean,
  signal: AbortSignal,
): Promise<void> => {
  let counting: Promise<void> = Promise.resolve()
  try {
    for await (const batch of batches(texts)) {
      signal.throwIfAborted()
      await counting
      counting = cancellable(signal, (flag) => trainer.addTexts(batch, strict, flag))
      // It is awaited later; until then a failure is not an unhandled one.
      counting.catch(() => {})
    }
  } finally {
    await counting
  }
}

interface Watch {
  readonly signal: AbortSignal | undefined
  readonly onProgress: ((progress: TrainProgress) => void) | undefined
  readonly mergesToMake: number
}

/** Does `work`, and tells how far it is meanwhile. What `onProgress` throws stops it, as `signal` does. */
const watched = async <T>(
  trainer: NativeTrainer,
  { signal, onProgress, mergesToMake }: Watch,
  work: (signal: AbortSignal, enter: (phase: TrainProgress['phase']) => void) => Promise<T>,
): Promise<T> => {
  const own = new AbortController()
  const either = signal === undefined ? own.signal : AbortSignal.any([signal, own.signal])
  let phase: TrainProgress['phase'] = 'count'
  const tell = () => {
    const { texts, bytes, bytesRead, bytesToRead, merges } = trainer.progress()
    try {
      onProgress?.({ phase, texts, bytes, bytesRead, bytesToRead, merges, mergesToMake })
    } catch (error) {
      own.abort(error)
    }
  }
  const timer = onProgress && setInterval(tell, interval)
  try {
    const result = await work(either, (next) => {
      if (next !== phase) tell()
      phase = next
    })
    tell()
    either.throwIfAborted()
    return result
  } catch (error) {
    if (either.aborted || error instanceof TokenmillError) throw error
    throw 'code' in (error as object) ? fromNative(error) : error
  } finally {
    clearInterval(timer)
  }
}
