import { TokenmillError } from '../errors.ts'
import { filePath } from '../file-path.ts'
import { invalid, isArray } from '../validate.ts'
import { splitterOf, writtenRule, type SplitRule, type WrittenRule } from './split/split.ts'
import { Vocabulary } from './vocabulary.ts'
import { writeFileAtomically } from './write-file.ts'

/*
 * vocabulary.json, version 1:
 *
 *   { "format": "tokenmill-vocabulary", "version": 1, "split": "book" | "words" | { "source", "flags" },
 *     "unknown": "<|unk|>" | null, "specialTokens": [...], "words": [...] }
 *
 * The id of a word is its place in `words`; the special tokens follow. Each word has a line of its own, so that two files
 * can be compared.
 */
const format = 'tokenmill-vocabulary'
const version = 1
const fields = ['format', 'version', 'split', 'unknown', 'specialTokens', 'words']

/** The largest file that is written or read. */
export const largestFile = 256 * 2 ** 20

/** What a vocabulary.json holds. */
export interface VocabularyFile {
  readonly vocabulary: Vocabulary
  readonly unknown: string | null
}

/** Whether parsed JSON says that it is a vocabulary.json, of whatever version. */
export const isVocabularyFile = (json: object): boolean => (json as { format?: unknown }).format === format

/** Writes the vocabulary.json of a word tokenizer. */
export const saveVocabulary = async (
  path: string | URL,
  vocabulary: Vocabulary,
  unknown: string | null,
): Promise<void> => {
  const file = filePath('path', path)
  if (!file.endsWith('.json')) throw invalid('path', 'a path that ends in .json', file)
  await writeFileAtomically(file, limited(written(vocabulary, unknown)))
}

/** The text of the file in chunks. */
function* written(vocabulary: Vocabulary, unknown: string | null): Generator<string> {
  const specialTokens = [...vocabulary.specialTokens.keys()]
  const head = JSON.stringify(
    { format, version, split: writtenRule(vocabulary.split), unknown, specialTokens },
    null,
    2,
  )
  let chunk = `${head.slice(0, -2)},\n  "words": [`
  for (const [word, id] of vocabulary) {
    if (id === vocabulary.wordCount) break
    chunk += `${id === 0 ? '' : ','}\n    ${JSON.stringify(word)}`
    if (chunk.length > 1 << 20) {
      yield chunk
      chunk = ''
    }
  }
  yield `${chunk}\n  ]\n}\n`
}

function* limited(chunks: Iterable<string>): Generator<string> {
  let bytes = 0
  for (const chunk of chunks) {
    bytes += Buffer.byteLength(chunk)
    if (bytes > largestFile)
      throw new TokenmillError('ERR_LIMIT', `expected a vocabulary file of at most ${largestFile} bytes`)
    yield chunk
  }
}

/**
 * The vocabulary in the parsed JSON of a file; `split` is the rule that the caller passed. Every field is checked.
 *
 * @throws `ERR_INVALID_ARGUMENT` naming the field.
 */
export const readVocabulary = (json: object, split: SplitRule | undefined): VocabularyFile => {
  const file = json as Record<string, unknown>
  if (file['version'] !== version) throw invalid('version', `${version}`, file['version'])
  for (const key of Object.keys(file))
    if (!fields.includes(key)) throw invalid('a field', `only ${fields.join(', ')}`, key)
  const { words, specialTokens, unknown } = file
  if (!isArray(words)) throw invalid('words', 'an array of strings', words)
  if (!isArray(specialTokens)) throw invalid('specialTokens', 'an array of strings', specialTokens)
  const rule = agreedRule(checkedRule(file['split']), split)
  const vocabulary = Vocabulary.fromWords(words as string[], { split: rule, specialTokens: specialTokens as string[] })
  if (unknown !== null && !specialTokens.includes(unknown))
    throw invalid('unknown', 'null or one of specialTokens', unknown)
  return { vocabulary, unknown: unknown as string | null }
}

const checkedRule = (rule: unknown): WrittenRule => {
  if (rule === 'book' || rule === 'words') return rule
  const { source, flags, ...others } = (typeof rule === 'object' ? (rule ?? {}) : {}) as Record<string, unknown>
  if (typeof source === 'string' && typeof flags === 'string' && Object.keys(others).length === 0)
    return { source, flags }
  throw invalid('split', "'book', 'words' or { source, flags } of a RegExp", rule)
}

/** Thrown when the caller's rule is not that of the file: the caller's fault, not the file's. */
export class OtherRule extends Error {}

/**
 * The rule to use. A RegExp of the file is text to compare with and is never compiled: a file from elsewhere must not bring
 * code that can run without end.
 */
const agreedRule = (ofFile: WrittenRule, passed: SplitRule | undefined): SplitRule => {
  if (passed === undefined) {
    if (typeof ofFile === 'string') return ofFile
    throw new OtherRule(
      `expected the RegExp ${shown(ofFile)} for options.split, received undefined; ` +
        'a RegExp in a file is used only when it is passed again',
    )
  }
  const own = writtenRule(splitterOf('options.split', passed).rule)
  if (JSON.stringify(own) === JSON.stringify(ofFile)) return passed
  throw new OtherRule(`expected the rule of the file, ${shown(ofFile)}, for options.split, received ${shown(own)}`)
}

const shown = (rule: WrittenRule): string => (typeof rule === 'string' ? `'${rule}'` : `/${rule.source}/${rule.flags}`)
