import { cancellable } from './cancel.ts'
import { filePath } from './file-path.ts'
import { fromNative, TokenmillError } from './errors.ts'
import type { CancelFlag } from './native-binding.d.ts'
import { isText } from './tokenizer/read-text.ts'
import type { Text } from './tokenizer/tokenizer.ts'
import { untilAborted } from './until-aborted.ts'
import { abortSignal, callback, invalid, isArray, isRevoked, iterableOrAsync, oneOf, own, string } from './validate.ts'
import { watching, type Watcher } from './watching.ts'

/** Where the texts of a training come from. */
export type TrainSource =
  /**
   * Files: paths, `file:` URLs, and globs (`*`, `?`, `[a-z]`, `**` for any depth, without links to folders; names that begin with `.` only where the glob
   * does, too). A URL is no glob.
   */
  | readonly (string | URL)[]
  | {
      /** The texts themselves; each is a text of its own. Strings, or bytes that are UTF-8. */
      readonly texts: (Iterable<Text> & object) | AsyncIterable<Text>
    }

/** How texts of a training are read, and how it is stopped. */
export interface TrainSourceOptions {
  /**
   * What the files hold: `'text'` one text each, `'lines'` a text per line, without its line end, `'jsonl'` a text per line in a field of a JSON object,
   * `'parquet'` a text per row; each may be packed by gzip or Zstandard. `'auto'` goes by their names. `{ texts }` have no other.
   * @default 'auto'
   */
  readonly format?: 'auto' | 'text' | 'lines' | 'jsonl' | 'parquet' | undefined
  /**
   * The field or column of files with the text.
   * @default 'text'
   */
  readonly field?: string | undefined
  /**
   * What bytes that are not UTF-8 are: `'strict'` an `ERR_INVALID_UTF8`, `'replace'` U+FFFD for each maximal invalid part.
   * @default 'strict'
   */
  readonly utf8?: 'replace' | 'strict' | undefined
  /** Stops the training; the promise is rejected with `signal.reason`. */
  readonly signal?: AbortSignal | undefined
}

/** What a training has read. */
export interface TrainSourceProgress {
  /** Texts that were taken. */
  readonly texts: number
  /** Their bytes, as UTF-8. */
  readonly bytes: number
  /** Bytes that were read from files, as they are on disk; of Parquet files those of the rows so far, with all columns. */
  readonly bytesRead: number
  /** Bytes that there are to read; 0 when the source is not files. */
  readonly bytesToRead: number
}

/** The names of {@link TrainSourceOptions} and of `onProgress`. */
export const trainSourceOptionNames = ['format', 'field', 'utf8', 'signal', 'onProgress'] as const

const defaults = { format: 'auto', field: 'text' } as const

const ofFilesOnly = (name: string, expected: string, value: unknown) =>
  invalid(`options.${name}`, `'${expected}' with { texts }, each of which is one text,`, value)

/** {@link TrainSourceOptions} and `onProgress` with their defaults, checked. */
export const resolveTrainSource = <P>(
  options: TrainSourceOptions & { readonly onProgress?: ((progress: P) => void) | undefined },
) => {
  const { format = defaults.format, field = defaults.field, utf8 = 'strict', signal, onProgress } = own(options)
  return {
    format: oneOf('options.format', format, ['auto', 'text', 'lines', 'jsonl', 'parquet']),
    field: string('options.field', field),
    strict: oneOf('options.utf8', utf8, ['replace', 'strict']) === 'strict',
    signal: abortSignal(signal),
    onProgress: callback('options.onProgress', onProgress),
  }
}

/** How much text crosses to native code at a time, in code units or bytes. */
const batchLength = 1 << 20

export type CheckedSource = { readonly paths: string[] } | { readonly texts: Iterable<Text> | AsyncIterable<Text> }

/** `source` as paths or as texts, of which `format` and `field` say nothing: what would have no effect is refused. */
export const checkedSource = (
  source: unknown,
  { format, field }: Pick<ReturnType<typeof resolveTrainSource>, 'format' | 'field'>,
): CheckedSource => {
  if (isArray(source)) {
    const paths = Array.from(source as readonly unknown[], (path, index) => {
      const checked = filePath(`source[${index}]`, path, 'a path, glob or file: URL')
      return typeof path === 'string' ? checked : checked.replace(/[*?[]/g, '[$&]')
    })
    if (paths.length === 0) throw invalid('source', 'at least one path or glob', source)
    return { paths }
  }
  if (typeof source !== 'object' || source === null || isRevoked(source) || !('texts' in source)) {
    throw invalid('source', 'an array of paths and globs, or { texts }', source)
  }
  if (format !== defaults.format) throw ofFilesOnly('format', defaults.format, format)
  if (field !== defaults.field) throw ofFilesOnly('field', defaults.field, field)
  const texts = iterableOrAsync('source.texts', 'an iterable or async iterable of texts', source.texts)
  return { texts: texts as Iterable<Text> | AsyncIterable<Text> }
}

/** Some texts of a source, one after the other. */
interface TextBatch {
  readonly texts: Text[]
  /** The number of the first one. */
  readonly first: number
}

/** Texts in batches of about a megabyte. Ends the source when it is left early. */
async function* batches(
  texts: Iterable<Text> | AsyncIterable<Text>,
  signal: AbortSignal | undefined,
): AsyncGenerator<TextBatch, void, undefined> {
  let batch: Text[] = []
  let [length, index] = [0, 0]
  const add = (text: Text): boolean => {
    if (!isText(text)) throw invalid(nameOf(index), 'a string or a Uint8Array', text)
    index++
    // A buffer may be written to again before this one crosses; `slice` of Node's gives no copy.
    batch.push(typeof text === 'string' ? text : new Uint8Array(text))
    // An empty text takes room too.
    length += text.length + 16
    return length >= batchLength
  }
  const taken = (): TextBatch => {
    const full = { texts: batch, first: index - batch.length }
    ;[batch, length] = [[], 0]
    return full
  }
  if (Symbol.asyncIterator in texts) {
    for await (const text of untilAborted(texts, signal)) if (add(text)) yield taken()
  } else {
    for (const text of texts) if (add(text)) yield taken()
  }
  if (batch.length > 0) yield taken()
}

/** What text number `index` of a source is called in messages. */
const nameOf = (index: number): string => `text ${index} of source.texts`

/** A native error about a text of a batch, as one about a text of the source. */
const inSource = (error: unknown, { first }: TextBatch): unknown => {
  const native = fromNative(error)
  if (!(native instanceof TokenmillError)) return native
  const message = native.message.replace(/texts\[(\d+)\]/, (_, row: string) => nameOf(first + Number(row)))
  return new TokenmillError(native.code, message, { cause: native.cause })
}

/** The side of a native trainer that takes texts. */
export interface NativeReader {
  addFiles(paths: string[], format: string, field: string, strict: boolean, flag: CancelFlag | undefined): Promise<void>
  addTexts(texts: readonly Text[], strict: boolean, flag: CancelFlag | undefined): Promise<void>
}

/** Gives all texts of `source` to `reader`: of an iterable one batch while the next one is collected. */
export const readSource = async (
  reader: NativeReader,
  source: CheckedSource,
  { format, field, strict, signal }: Omit<ReturnType<typeof resolveTrainSource>, 'onProgress'>,
): Promise<void> => {
  if ('paths' in source) {
    return cancellable(signal, (flag) => reader.addFiles(source.paths, format, field, strict, flag))
  }
  let taking: Promise<void> = Promise.resolve()
  try {
    for await (const batch of batches(source.texts, signal)) {
      signal?.throwIfAborted()
      await taking
      taking = cancellable(signal, async (flag) => {
        try {
          await reader.addTexts(batch.texts, strict, flag)
        } catch (error) {
          throw inSource(error, batch)
        }
      })
      // It is awaited later; until then a failure is not an unhandled one.
      taking.catch(() => {})
    }
  } finally {
    await taking
  }
}

/** Does `work` in phases, of which `first` is the first, and tells `onProgress` at the end of each phase too: see {@link watching}. */
export const inPhases = <Phase extends string, P, T>(
  first: NoInfer<Phase>,
  glance: (phase: Phase) => P,
  watcher: Watcher<P>,
  work: (signal: AbortSignal, enter: (phase: Phase) => void) => Promise<T>,
): Promise<T> => {
  let phase: Phase = first
  return watching(
    watcher,
    () => glance(phase),
    (signal, tell) =>
      work(signal, (next) => {
        tell()
        phase = next
      }),
  )
}
