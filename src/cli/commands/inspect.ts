import { open, stat } from 'node:fs/promises'
import { usageFailure } from '../failure.ts'
import { unreadable } from '../input.ts'

export interface InspectFlags {
  readonly verify?: boolean
  readonly pattern?: string
  readonly json?: boolean
}

/** `tokenmill inspect` */
export const inspect = async (path: string, flags: InspectFlags): Promise<void> => {
  const start = await startOf(path)
  const noPattern = (what: string) => {
    if (flags.pattern !== undefined) throw usageFailure(`--pattern is for a .tiktoken file, and ${path} is ${what}`)
  }
  if (start === undefined) {
    noPattern('a folder')
    return (await import('../inspect/dataset.ts')).inspectDataset(path, flags)
  }
  if (flags.verify) throw usageFailure(`--verify is for the folder of a dataset, and ${path} is a file`)
  const { inspectWeights, isWeights } = await import('../inspect/weights.ts')
  if (isWeights(start)) {
    noPattern('a safetensors file')
    return inspectWeights(path, flags)
  }
  await (await import('../inspect/tokenizer.ts')).inspectTokenizer(path, flags)
}

/** The first bytes of a file; none of a folder. */
const startOf = async (path: string): Promise<Uint8Array | undefined> => {
  try {
    const stats = await stat(path)
    if (stats.isDirectory()) return undefined
    // To open a pipe may wait for ever.
    if (!stats.isFile()) throw new Error('it is no regular file')
    const file = await open(path)
    try {
      const { buffer, bytesRead } = await file.read(new Uint8Array(16), 0, 16, 0)
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (cause) {
    throw unreadable(path, cause)
  }
}
