import { createReadStream } from 'node:fs'
import { types } from 'node:util'
import { TokenmillError } from '../errors.ts'
import { options as checkedOptions } from '../validate.ts'
import { splitterOf, type SplitRule } from './split/split.ts'
import type { Tokenizer } from './tokenizer.ts'
import { filePath, isVocabularyFile, largestFile, OtherRule, readVocabulary } from './vocabulary-file.ts'
import { WordTokenizer } from './word-tokenizer.ts'

/** How {@link loadTokenizer} reads a file. */
export interface LoadOptions {
  /**
   * The split rule of a vocabulary.json. It must be that of the file, and must be passed when that is a RegExp: a RegExp
   * that only stands in a file is never run.
   * @default the rule of the file
   */
  readonly split?: SplitRule
}

/** A file, read, decoded and, when it is JSON, parsed. */
interface Content {
  readonly text: string
  readonly json: object | undefined
}

/** A kind of tokenizer file. What it is, is told from its content: names of files say little. */
interface FileKind {
  readonly name: string
  readonly recognizes: (content: Content) => boolean
  /** Absent: known by sight, and not readable. */
  readonly read?: (content: Content, options: LoadOptions) => Tokenizer
}

const kinds: readonly FileKind[] = [
  {
    name: 'a vocabulary.json',
    recognizes: ({ json }) => json !== undefined && isVocabularyFile(json),
    read: ({ json }, { split }) => {
      const { vocabulary, unknown } = readVocabulary(json as object, split)
      return new WordTokenizer(vocabulary, { unknown })
    },
  },
  {
    name: 'a tokenizer.json of Hugging Face',
    recognizes: ({ json }) => json !== undefined && 'model' in json,
  },
  {
    name: 'a .tiktoken file',
    recognizes: ({ text }) => /^[A-Za-z0-9+/]+={0,2} \d+\r?(\n|$)/.test(text.slice(0, 4096)),
  },
]

/**
 * The tokenizer of a file: a `vocabulary.json` of {@link WordTokenizer.save}. Other kinds are recognized and refused.
 *
 * Every field is checked: a file is trusted as little as any other input. At most 256 MiB are read.
 *
 * @param source the path or `file:` URL of a file, or its bytes
 * @throws `ERR_INVALID_FILE` when the file cannot be read or is not what it should be; the message says where.
 * @throws `ERR_LIMIT` when the file is larger than 256 MiB.
 * @throws `ERR_INVALID_ARGUMENT` when `options.split` is not the rule of the file, or is missing though that is a RegExp.
 */
export const loadTokenizer = async (source: string | URL | Uint8Array, options?: LoadOptions): Promise<Tokenizer> => {
  const checked = checkedOptions('options', options, ['split'])
  if (checked.split !== undefined) splitterOf('options.split', checked.split)
  const inMemory = types.isUint8Array(source)
  const name = inMemory ? 'the bytes' : filePath(source)
  const content = contentOf(name, inMemory ? source : await readLimited(name))
  const kind = kinds.find(({ recognizes }) => recognizes(content))
  if (kind?.read === undefined) {
    const readable = kinds.filter(({ read }) => read !== undefined).map((each) => each.name)
    throw invalidFile(name, `expected ${readable.join(' or ')}, received ${kind?.name ?? 'something else'}`)
  }
  try {
    return kind.read(content, checked)
  } catch (error) {
    if (error instanceof OtherRule) throw new TokenmillError('ERR_INVALID_ARGUMENT', `${name}: ${error.message}`)
    if (!(error instanceof TokenmillError) || error.code === 'ERR_LIMIT') throw error
    throw invalidFile(name, error.message, error)
  }
}

const invalidFile = (name: string, message: string, cause?: unknown): TokenmillError =>
  new TokenmillError('ERR_INVALID_FILE', `${name}: ${message}`, cause === undefined ? undefined : { cause })

const tooLarge = (name: string): TokenmillError =>
  new TokenmillError('ERR_LIMIT', `${name}: expected at most ${largestFile} bytes, received more`)

/** All bytes of a file; not more than the limit are read, whatever the file says about its size. */
const readLimited = async (path: string): Promise<Uint8Array> => {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > largestFile) throw tooLarge(path)
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof TokenmillError) throw error
    throw invalidFile(path, `cannot be read: ${(error as Error).message}`, error)
  }
  return Buffer.concat(chunks)
}

const contentOf = (name: string, bytes: Uint8Array): Content => {
  if (bytes.length > largestFile) throw tooLarge(name)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw invalidFile(name, 'expected UTF-8, received bytes that are not', error)
  }
  if (!text.trimStart().startsWith('{')) return { text, json: undefined }
  try {
    return { text, json: JSON.parse(text) as object }
  } catch (error) {
    throw invalidFile(name, `expected JSON, as it starts with {: ${(error as Error).message}`, error)
  }
}
