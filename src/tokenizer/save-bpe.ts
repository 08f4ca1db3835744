import { fromNative } from '../errors.ts'
import { filePath } from '../file-path.ts'
import type { BpeHandle } from '../native-binding.d.ts'
import { invalid } from '../validate.ts'
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
