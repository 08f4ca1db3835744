import { filePath } from '../file-path.ts'
import { invalid } from '../validate.ts'
import { writeFileAtomically } from './write-file.ts'

/** Writes bytes that are UTF-8 as a `.json` file. */
export const saveBytes = async (path: string | URL, bytes: Uint8Array): Promise<void> => {
  const file = filePath('path', path)
  if (!file.endsWith('.json')) throw invalid('path', 'a path that ends in .json', file)
  await writeFileAtomically(file, [new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)])
}
