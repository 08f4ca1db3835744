import { cancellable } from '../cancel.ts'
import { filePath } from '../file-path.ts'
import { TokenmillError } from '../errors.ts'
import { native } from '../native.ts'
import type { PrepareConfig } from '../native-binding.d.ts'
import { BpeTokenizer } from '../tokenizer/bpe-tokenizer.ts'
import { resolvePolicy } from '../tokenizer/special-tokens.ts'
import type { EncodeOptions, Tokenizer } from '../tokenizer/tokenizer.ts'
import {
  abortSignal,
  boolean,
  callback,
  finiteNumber,
  integerIn,
  invalid,
  isArray,
  oneOf,
  options as checkedOptions,
  own,
  positiveInteger,
  string,
} from '../validate.ts'
import { now } from '../timers.ts'
import { watching } from '../watching.ts'
import type { DatasetFormat, InputFormat, Manifest } from './manifest.ts'
import { prepareWith } from './prepare-with.ts'

/** How far {@link prepare} is. */
export interface PrepareProgress {
  /** Bytes that were read from the inputs, as they are on disk; of Parquet files those of the rows so far, with all columns. */
  readonly bytesRead: number
  /** The bytes of all inputs on disk; standard input counts as 0. */
  readonly bytesTotal: number
  /** Documents that were written. */
  readonly documents: number
  /** Ids that were written. */
  readonly tokens: number
  /** The bytes of their text. */
  readonly textBytes: number
  /** Ids per second since this call began. */
  readonly tokensPerSecond: number
  /** Bytes of text per second since this call began. */
  readonly bytesPerSecond: number
  /** Seconds until the end, at the rate so far; `undefined` while nobody can tell. */
  readonly secondsLeft: number | undefined
}

/** What {@link prepare} makes of which files. */
export interface PrepareOptions {
  /**
   * Paths, `file:` URLs and globs (`*`, `?`, `[a-z]`, `**` for any depth, without links to folders; names that begin with `.` only where the glob does, too), `-` for standard input, in the order in which they are read; the files
   * of a glob are sorted by name. Files may be compressed with gzip or Zstandard.
   */
  readonly inputs: readonly (string | URL)[]
  /** Whose ids are written. What it puts around a whole text, as in BERT's `[CLS]`, is left out: the separator is what tells documents apart. */
  readonly tokenizer: Tokenizer
  /**
   * Special tokens that a document may hold as such. Only for documents whose authors may end a document.
   * @default none
   */
  readonly allowedSpecial?: EncodeOptions['allowedSpecial'] | undefined
  /**
   * Special tokens in a document that are an `ERR_SPECIAL_TOKEN`, which names file and line; those that are in neither option are plain text.
   * @default none
   */
  readonly disallowedSpecial?: EncodeOptions['disallowedSpecial'] | undefined
  /** The folder of the dataset; it is made. */
  readonly outDir: string | URL
  /**
   * What the files hold.
   * @default by the name of each file: `.txt` is 'text', `.jsonl`, `.ndjson` and `.json` are 'jsonl', `.parquet` is 'parquet', also with `.gz` or `.zst` after it
   */
  readonly inputFormat?: InputFormat | undefined
  /**
   * The field of a JSON object, or the column, that is the document.
   * @default 'text'
   */
  readonly field?: string | undefined
  /**
   * In which forms ids are written.
   * @default ['raw']
   */
  readonly format?: DatasetFormat | readonly DatasetFormat[] | undefined
  /**
   * The share of documents that are for validation. Which ones depends on each document and the seed alone, so that files that are added move none. A
   * document is in one split as a whole: of few documents, a split may be empty.
   * @default no validation split
   */
  readonly split?: { readonly validation: number; readonly seed?: number | undefined } | undefined
  /**
   * The id that is put between documents: the id of end of text, another one, or none.
   * @default the tokenizer's `endOfTextId`; a tokenizer that has none needs a choice
   */
  readonly separator?: number | null | undefined
  /**
   * Whether the separator follows each document or stands before it.
   * @default 'after'
   */
  readonly separatorPosition?: 'before' | 'after' | undefined
  /**
   * Ids in a shard, exactly; the last has fewer. Documents may span shards.
   * @default 100,000,000
   */
  readonly shardTokens?: number | undefined
  /**
   * Leaves documents out whose text came before, byte for byte.
   * @default false
   */
  readonly deduplicate?: boolean | undefined
  /**
   * Bytes of memory for recognizing documents that came before, 16 bytes for each with some room; beyond it they are looked up in a file.
   * @default 256 MiB
   */
  readonly memoryLimit?: number | undefined
  /**
   * The most bytes of a document, or of the line that holds it.
   * @default 256 MB (2^28)
   */
  readonly maxDocumentBytes?: number | undefined
  /**
   * Lines and values that hold no document, and compressed files that are damaged: an error that names file and line, or they are left out and counted.
   * @default 'error'
   */
  readonly onMalformed?: 'error' | 'skip' | undefined
  /**
   * Bytes that are not UTF-8: an error, or the document is left out and counted, or each maximal invalid part becomes U+FFFD.
   * @default 'error'
   */
  readonly onInvalidUtf8?: 'error' | 'skip' | 'replace' | undefined
  /**
   * Documents above `maxDocumentBytes`.
   * @default 'error'
   */
  readonly onTooLarge?: 'error' | 'skip' | undefined
  /**
   * Threads that read and encode. It never changes the result.
   * @default that of {@link setThreads}
   */
  readonly concurrency?: number | undefined
  /**
   * Whether an interrupted call with the same options and inputs goes on where it was; otherwise it begins again.
   * @default true
   */
  readonly resume?: boolean | undefined
  /**
   * Seconds of work that an interruption costs at most.
   * @default 5
   */
  readonly checkpointSeconds?: number | undefined
  /** Called some times a second. What it throws stops the work, as `signal` does. */
  readonly onProgress?: ((progress: PrepareProgress) => void) | undefined
  /** Called with each document that was left out, in words that name file and line; with the first hundred, after the work. */
  readonly onSkipped?: ((message: string) => void) | undefined
  /**
   * Stops the work; the promise is rejected with `signal.reason` when it has ended, soon, also where it waits for a pipe, and the same call goes on later.
   * On Windows a thread that waits for standard input ends only when something comes; the promise does not wait for it.
   */
  readonly signal?: AbortSignal | undefined
}

const formats = ['raw', 'nanogpt', 'llmc', 'megatron', 'npy'] as const
const known = [
  'inputs',
  'tokenizer',
  'allowedSpecial',
  'disallowedSpecial',
  'outDir',
  'inputFormat',
  'field',
  'format',
  'split',
  'separator',
  'separatorPosition',
  'shardTokens',
  'deduplicate',
  'memoryLimit',
  'maxDocumentBytes',
  'onMalformed',
  'onInvalidUtf8',
  'onTooLarge',
  'concurrency',
  'resume',
  'checkpointSeconds',
  'onProgress',
  'onSkipped',
  'signal',
] as const

/**
 * Reads documents, encodes them and writes a dataset that {@link TokenStore} opens. Memory does not grow with the corpus. After any interruption, also `kill -9`, the
 * same call goes on; the files are those of an undisturbed one, whatever the number of threads. The folder is complete when it has a `manifest.json`.
 *
 * ```ts
 * const manifest = await prepare({ inputs: ['corpus/*.jsonl.zst'], tokenizer: getEncoding('gpt2'), outDir: 'data', split: { validation: 0.01 } })
 * manifest.counts.tokens
 * ```
 *
 * @throws `ERR_INVALID_FILE` when an input is not there, cannot be read or is not what its format says; the message names file and line.
 * @throws `ERR_SPECIAL_TOKEN`, `ERR_UNKNOWN_TOKEN` for documents that hold what the tokenizer or `disallowedSpecial` refuses; the message names file and line.
 * @throws `ERR_INVALID_UTF8`, `ERR_LIMIT` for documents that are not UTF-8 or too large, unless they are skipped.
 * @throws `ERR_INVALID_ARGUMENT` for options that cannot be, as a glob that no file matches, a folder among the inputs or a file whose format nothing tells, and when
 * `outDir` holds another dataset.
 */
export const prepare = async (options: PrepareOptions): Promise<Manifest> => {
  const { config, tokenizer, special, signal, onProgress, onSkipped } = resolvePrepare(options)
  signal?.throwIfAborted()
  // An aborted call ends with its work, so that it can be made again at once; but nothing on Windows stops a thread that waits for standard input.
  const untilEnded = process.platform !== 'win32' || !config.inputs.includes('-')
  const status = new (native().PrepareStatus)()
  const began = now()
  const first = { documents: -1, read: 0, tokens: 0, text: 0 }
  const glance = (): PrepareProgress => {
    const { bytesRead, bytesTotal, documents, tokens, textBytes } = status.glance()
    // What an earlier call has done is not of this one's rate.
    if (first.documents < 0) Object.assign(first, { documents, read: bytesRead, tokens, text: textBytes })
    const seconds = (now() - began) / 1000
    const rate = (now: number, before: number) => (now - before) / Math.max(seconds, 1e-3)
    const left = (bytesTotal - bytesRead) / rate(bytesRead, first.read)
    return {
      bytesRead,
      bytesTotal,
      documents,
      tokens,
      textBytes,
      tokensPerSecond: rate(tokens, first.tokens),
      bytesPerSecond: rate(textBytes, first.text),
      secondsLeft: Number.isFinite(left) && left >= 0 ? left : undefined,
    }
  }
  const engine = tokenizer instanceof BpeTokenizer ? tokenizer.engine(special) : undefined
  const { manifest, faults } = await watching({ signal, onProgress }, glance, (either) =>
    engine === undefined
      ? prepareWith(tokenizer, special, config, status, { signal: either, untilEnded })
      : cancellable(either, (flag) => native().prepareBpe(config, engine.handle, engine.policy, status, flag), {
          untilEnded,
        }),
  )
  if (onSkipped !== undefined) for (const fault of faults) onSkipped(fault)
  return JSON.parse(manifest) as Manifest
}

const resolvePrepare = (options: PrepareOptions) => {
  if (options === undefined) throw invalid('options', 'an object', options)
  const {
    inputs,
    tokenizer,
    allowedSpecial = [],
    disallowedSpecial = [],
    outDir,
    inputFormat,
    field = 'text',
    format = ['raw'],
    split,
    separator = tokenizer?.endOfTextId,
    separatorPosition = 'after',
    shardTokens = 100_000_000,
    deduplicate = false,
    memoryLimit = 256 * 2 ** 20,
    maxDocumentBytes = 2 ** 28,
    onMalformed = 'error',
    onInvalidUtf8 = 'error',
    onTooLarge = 'error',
    concurrency = 0,
    resume = true,
    checkpointSeconds = 5,
    onProgress,
    onSkipped,
    signal,
  } = checkedOptions('options', options, known)
  if (typeof tokenizer?.encodeBatch !== 'function' || typeof tokenizer.specialTokens?.keys !== 'function')
    throw invalid('options.tokenizer', 'a tokenizer', tokenizer)
  if (!isArray(inputs) || inputs.length === 0)
    throw invalid('options.inputs', 'an array of paths and globs, at least one', inputs)
  if (separator === undefined)
    throw new TokenmillError(
      'ERR_INVALID_ARGUMENT',
      `expected an id or null for options.separator, as ${tokenizer.name} has no <|endoftext|>, received undefined`,
    )
  const special = resolvePolicy({ allowedSpecial, disallowedSpecial }, tokenizer.specialTokens, [])
  if (finiteNumber('options.checkpointSeconds', checkpointSeconds) < 0 || checkpointSeconds > 1e9)
    throw invalid('options.checkpointSeconds', 'a number from 0 to 1e9', checkpointSeconds)
  const vocabSize = integerIn('options.tokenizer.vocabSize', tokenizer.vocabSize, 1, 2 ** 32 - 1)
  const config = own<PrepareConfig>({
    inputs: Array.from(inputs, (input, index) => filePath(`options.inputs[${index}]`, input)),
    outDir: filePath('options.outDir', outDir),
    ...resolveInputFormat(inputFormat),
    field: string('options.field', field),
    maxDocumentBytes: positiveInteger('options.maxDocumentBytes', maxDocumentBytes),
    skipMalformed: oneOf('options.onMalformed', onMalformed, ['error', 'skip']) === 'skip',
    invalidUtf8: oneOf('options.onInvalidUtf8', onInvalidUtf8, ['error', 'skip', 'replace']),
    skipTooLarge: oneOf('options.onTooLarge', onTooLarge, ['error', 'skip']) === 'skip',
    threads: concurrency === 0 ? 0 : integerIn('options.concurrency', concurrency, 1, 1024),
    tokenizerName: string('options.tokenizer.name', tokenizer.name),
    fingerprint: string('options.tokenizer.fingerprint', tokenizer.fingerprint),
    vocabSize,
    allowedSpecial: [...special.allowed].filter((token) => tokenizer.specialTokens.has(token)).sort(),
    ...(separator === null ? {} : { separator: integerIn('options.separator', separator, 0, vocabSize - 1) }),
    separatorFirst: oneOf('options.separatorPosition', separatorPosition, ['before', 'after']) === 'before',
    shardTokens: positiveInteger('options.shardTokens', shardTokens),
    ...resolveSplit(split),
    deduplicate: boolean('options.deduplicate', deduplicate),
    memoryLimit: integerIn('options.memoryLimit', memoryLimit, 0),
    formats: resolveFormats(format),
    resume: boolean('options.resume', resume),
    checkpointSeconds,
  })
  return {
    config,
    tokenizer,
    special,
    signal: abortSignal(signal),
    onProgress: callback('options.onProgress', onProgress),
    onSkipped: callback('options.onSkipped', onSkipped),
  }
}

const resolveSplit = (split: PrepareOptions['split']): Pick<PrepareConfig, 'validation' | 'seed'> => {
  const { validation, seed = 0 } = checkedOptions('options.split', split, ['validation', 'seed'])
  const checkedSeed = integerIn('options.split.seed', seed, 0)
  if (split === undefined) return { seed: checkedSeed }
  const share = finiteNumber('options.split.validation', validation)
  if (share <= 0 || share >= 1) throw invalid('options.split.validation', 'a number above 0 and below 1', validation)
  return { validation: share, seed: checkedSeed }
}

/** The formats, sorted, each once. */
const resolveFormats = (format: unknown): DatasetFormat[] => {
  const chosen = isArray(format) ? format : [format]
  if (chosen.length === 0) throw invalid('options.format', 'at least one format', format)
  const names = Array.from(chosen, (name, index) => oneOf(`options.format[${index}]`, name, formats))
  return [...new Set(names)].sort()
}

const resolveInputFormat = (
  format: InputFormat | undefined,
): Pick<PrepareConfig, 'inputFormat' | 'documentSeparator'> => {
  if (format === undefined) return { inputFormat: 'detect', documentSeparator: '' }
  if (typeof format === 'object' && format !== null) {
    const { separator } = checkedOptions('options.inputFormat', format, ['separator'])
    if (string('options.inputFormat.separator', separator) === '')
      throw invalid('options.inputFormat.separator', 'a string that is not empty', separator)
    return { inputFormat: 'separated', documentSeparator: separator as string }
  }
  const inputFormat = oneOf('options.inputFormat', format, ['text', 'lines', 'jsonl', 'parquet'])
  return { inputFormat, documentSeparator: '' }
}
