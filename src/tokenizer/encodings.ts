import { existsSync, readFileSync } from 'node:fs'
import { callNative, TokenmillError } from '../errors.ts'
import { native } from '../native.ts'
import type { BpeHandle } from '../native-binding.d.ts'
import { ranksFile } from '../package-file.ts'
import { invalid, received } from '../validate.ts'
import { BpeTokenizer } from './bpe-tokenizer.ts'
import { didYouMean } from './near-names.ts'

/** The name of an encoding that {@link getEncoding} knows. */
export type EncodingName =
  'gpt2' | 'r50k_base' | 'p50k_base' | 'p50k_edit' | 'cl100k_base' | 'o200k_base' | 'o200k_harmony'

/** The encodings of OpenAI's models, each with the name of its ranks in `encodings/`. */
const ranks: Readonly<Record<EncodingName, string>> = {
  gpt2: 'r50k_base',
  r50k_base: 'r50k_base',
  p50k_base: 'p50k_base',
  p50k_edit: 'p50k_base',
  cl100k_base: 'cl100k_base',
  o200k_base: 'o200k_base',
  o200k_harmony: 'o200k_base',
}

/** All names that {@link getEncoding} knows. */
export const encodingNames: readonly EncodingName[] = Object.freeze(Object.keys(ranks) as EncodingName[])

const loaded = new Map<string, BpeTokenizer>()

/**
 * The tokenizer of a published encoding. Its ids equal those of tiktoken. It is read from this package, never from the network, at
 * the first call; later calls give the same object.
 *
 * ```ts
 * getEncoding('o200k_base').encode('hello world') // Uint32Array [24912, 2375]
 * ```
 *
 * @throws `ERR_INVALID_ARGUMENT` when there is no such encoding; the message lists near names.
 */
export const getEncoding = (name: EncodingName | (string & {})): BpeTokenizer => {
  const known = loaded.get(name)
  if (known !== undefined) return known
  if (typeof name !== 'string') throw invalid('name', 'the name of an encoding', name)
  if (!Object.hasOwn(ranks, name)) {
    throw new TokenmillError(
      'ERR_INVALID_ARGUMENT',
      `there is no encoding called ${received(name)}${didYouMean(name, encodingNames)} Known encodings: ${encodingNames.join(', ')}. For the name of a model, use encodingForModel`,
    )
  }
  const file = ranksFile(ranks[name as EncodingName])
  const tokenizer = new BpeTokenizer(name, open(name, file))
  loaded.set(name, tokenizer)
  return tokenizer
}

/* What is a file for Node alone, in an archive of Electron for example, it reads itself. */
const readByNode = (file: string): Uint8Array | undefined => {
  try {
    return readFileSync(file)
  } catch {
    return undefined
  }
}

const open = (name: string, file: string): BpeHandle => {
  const { BpeHandle } = native()
  try {
    return callNative(() => BpeHandle.open(name, file))
  } catch (error) {
    if (!(error instanceof TokenmillError)) throw error
    const content = readByNode(file)
    if (content !== undefined) return callNative(() => BpeHandle.ofRanks(name, content))
    if (existsSync(file)) throw error
    const hint =
      'a bundler took the code and left the files of the package behind: exclude tokenmill from the bundle, as with ' +
      '--external:tokenmill of esbuild, and install it beside'
    throw new TokenmillError(error.code, `${error.message}; maybe ${hint}`, { cause: error })
  }
}
