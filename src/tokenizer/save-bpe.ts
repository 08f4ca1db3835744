import { callNative, fromNative } from '../errors.ts'
import { filePath } from '../file-path.ts'
import type { BpeHandle } from '../native-binding.d.ts'
import { native } from '../native.ts'
import { invalid } from '../validate.ts'
import { checkedPattern } from './pattern.ts'
import { writeFileAtomically } from './write-file.ts'

/** Writes a byte-level BPE tokenizer to a file, in the form that the name of the file says. */
export const saveBpe = async (path: string | URL, handle: BpeHandle): Promise<void> => {
  const file = filePath('path', path)
  const make = file.endsWith('.json')
    ? () => handle.toTokenizerJson()
    : file.endsWith('.tiktoken')
      ? () => handle.toTiktoken()
      : undefined
  if (make === undefined) throw invalid('path', 'a path that ends in .json or .tiktoken', file)
  let content: Uint8Array
  try {
    content = await make()
  } catch (error) {
    throw fromNative(error)
  }
  await writeFileAtomically(file, [content])
}

/** Throws where no tokenizer with this pattern and these special tokens can become a tokenizer.json: before a training, not after it. */
export const checkSavesAsJson = (pattern: string, specialTokens: readonly string[]): void => {
  const checked = checkedPattern('options.pattern', pattern)
  callNative(() => native().checkSavesAsJson(checked, [...specialTokens]))
}
