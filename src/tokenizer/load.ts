import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { types } from 'node:util'
import { TokenmillError } from '../errors.ts'
import { filePath } from '../file-path.ts'
import { invalid, isGone, options as checkedOptions } from '../validate.ts'
import { otherFile, otherThanPath } from './other-files.ts'
import { readFile, tooLarge } from './read-file.ts'
import { splitterOf, type SplitRule } from './split/split.ts'
import { OptionError, readTiktoken, tiktokenOptionNames, type TiktokenOptions } from './tiktoken-file.ts'
import type { Tokenizer } from './tokenizer.ts'
import { readTokenizerJson } from './tokenizer-json.ts'
import { isVocabularyFile, largestFile, OtherRule, readVocabulary } from './vocabulary-file.ts'
import { WordTokenizer } from './word-tokenizer.ts'

/** How {@link loadTokenizer} reads a file. */
export interface LoadOptions extends TiktokenOptions {
  /**
   * The split rule of a vocabulary.json. It must be that of the file, and must be passed when that is a RegExp: a RegExp
   * that only stands in a file is never run.
   * @default the rule of the file
   */
  readonly split?: SplitRule | undefined
}

/** The largest JSON file that is not a vocabulary.json, in bytes. */
const largestJson = 64 * 2 ** 20
/** Bytes from which the kind of a file is told. */
const startBytes = 4096

/** A file, read and, when it is a vocabulary.json, parsed. */
interface Content {
  readonly bytes: Uint8Array
  /** Its first bytes as text. */
  readonly start: string
  readonly json: object | undefined
}

/** A kind of tokenizer file. What it is, is told from its content: names of files say little. */
interface FileKind {
  readonly name: string
  readonly recognizes: (content: Content) => boolean
  /** The options that are for it. */
  readonly options: readonly (keyof LoadOptions)[]
  /** An `ERR_INVALID_ARGUMENT` is a fault of the file, unless it comes in an {@link OptionError}. */
  readonly read: (content: Content, options: LoadOptions, name: string) => Tokenizer | Promise<Tokenizer>
}

const kinds: readonly FileKind[] = [
  {
    name: 'a vocabulary.json',
    recognizes: ({ json }) => json !== undefined && isVocabularyFile(json),
    options: ['split'],
    read: ({ json }, { split }) => {
      const { vocabulary, unknown } = readVocabulary(json as object, split)
      return new WordTokenizer(vocabulary, { unknown })
    },
  },
  {
    name: 'a tokenizer.json of Hugging Face',
    recognizes: ({ start, json }) => json === undefined && start.startsWith('{'),
    options: [],
    read: ({ bytes }) => readTokenizerJson(bytes),
  },
  {
    name: 'a .tiktoken file',
    recognizes: ({ start }) => /^[A-Za-z0-9+/]+={0,2} \d+\r?(\n|$)/.test(start),
    options: tiktokenOptionNames,
    read: ({ bytes }, options, name) => readTiktoken(bytes, options, name),
  },
]

/**
 * The tokenizer of a file: a `tokenizer.json` of Hugging Face's tokenizers, whatever its model, a `vocabulary.json` of
 * {@link WordTokenizer.save}, or a `.tiktoken` file with its `pattern`.
 *
 * Every field is checked: a file is trusted as little as any other input. At most 256 MiB are read, of a tokenizer.json 64 MiB.
 *
 * @param source the path or `file:` URL of a file, or of a folder that holds a `tokenizer.json`, as those of models do; or the bytes of a file
 * @throws `ERR_INVALID_FILE` when the file cannot be read or is not what it should be; the message says where.
 * @throws `ERR_LIMIT` when the file is larger than that, or something in it has no bound in proportion to it.
 * @throws `ERR_INVALID_ARGUMENT` when `options.split` is not the rule of the file, or is missing though that is a RegExp; when a
 *   `.tiktoken` file comes without a pattern; when an option is for another kind of file.
 */
export const loadTokenizer = async (source: string | URL | Uint8Array, options?: LoadOptions): Promise<Tokenizer> => {
  const checked = checkedOptions('options', options, ['split', ...tiktokenOptionNames])
  if (checked.split !== undefined) splitterOf('options.split', checked.split)
  const { name, bytes } = types.isUint8Array(source) ? inMemory(source) : await readPath(source)
  const content = contentOf(name, bytes)
  const kind = kinds.find(({ recognizes }) => recognizes(content))
  if (kind === undefined) {
    const other = otherFile(content.start)
    const hint = other === undefined ? '' : `, perhaps ${other}`
    throw invalidFile(name, `expected ${kinds.map((each) => each.name).join(' or ')}, received something else${hint}`)
  }
  for (const [option, value] of Object.entries(checked)) {
    if (value !== undefined && !kind.options.includes(option as keyof LoadOptions)) {
      throw invalid(`options.${option}`, `nothing, as ${name} is ${kind.name},`, value)
    }
  }
  try {
    return await kind.read(content, checked, name)
  } catch (error) {
    if (error instanceof OptionError) throw error.cause
    if (error instanceof OtherRule) throw new TokenmillError('ERR_INVALID_ARGUMENT', `${name}: ${error.message}`)
    const isOfFile =
      error instanceof TokenmillError && (error.code === 'ERR_INVALID_ARGUMENT' || error.code === 'ERR_INVALID_FILE')
    throw isOfFile ? invalidFile(name, error.message, error) : error
  }
}

const invalidFile = (name: string, message: string, cause?: unknown): TokenmillError =>
  new TokenmillError('ERR_INVALID_FILE', `${name}: ${message}`, cause === undefined ? undefined : { cause })

interface Source {
  readonly name: string
  readonly bytes: Uint8Array
}

const expected = 'a path, a file: URL or the bytes of a file'

const inMemory = (bytes: Uint8Array): Source => {
  if (isGone(bytes)) throw invalid('source', expected, bytes)
  return { name: 'the bytes', bytes }
}

/** The file that `source` means: it, or the tokenizer.json of a folder. */
const readPath = async (source: string | URL): Promise<Source> => {
  const path = filePath('source', source, expected)
  const isFolder = await stat(path).then(
    (stats) => stats.isDirectory(),
    () => false, // It is an error when it is read.
  )
  const name = isFolder ? join(path, 'tokenizer.json') : path
  try {
    return { name, bytes: await readFile(name, largestFile) }
  } catch (error) {
    const { cause, code, message } = error as TokenmillError
    if ((cause as NodeJS.ErrnoException | undefined)?.code !== 'ENOENT') throw error
    if (!isFolder) throw new TokenmillError(code, message + otherThanPath(String(source)), { cause })
    const fault =
      'expected a tokenizer.json in the folder, found none: pass the path of a file that is called otherwise'
    throw invalidFile(path, fault, cause)
  }
}

const contentOf = (name: string, bytes: Uint8Array): Content => {
  if (bytes.length > largestFile) throw tooLarge(name, largestFile)
  const start = new TextDecoder().decode(bytes.subarray(0, startBytes)).trimStart()
  const has = (text: string) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(text)
  const isJson = start.startsWith('{')
  // The name of the format may also be a token of a tokenizer.json.
  const mayBeVocabulary = isJson && has('tokenmill-vocabulary')
  const mayBeTokenizer = isJson && has('"model"')
  if (isJson && !mayBeVocabulary && bytes.length > largestJson) throw tooLarge(name, largestJson)
  // Native code parses it, and only it: some have tens of megabytes.
  if (!isJson || (mayBeTokenizer && !mayBeVocabulary)) return { bytes, start, json: undefined }
  const json = parsed(name, bytes)
  if (isVocabularyFile(json)) return { bytes, start, json }
  if (bytes.length > largestJson) throw tooLarge(name, largestJson)
  return { bytes, start, json: mayBeTokenizer ? undefined : json }
}

const parsed = (name: string, bytes: Uint8Array): object => {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw invalidFile(name, 'expected UTF-8, received bytes that are not', error)
  }
  try {
    return JSON.parse(text) as object
  } catch (error) {
    throw invalidFile(name, `expected JSON, as it starts with {: ${(error as Error).message}`, error)
  }
}
