import { open } from 'node:fs/promises'

/** The header of llm.c: 256 numbers of 32 bits, of which the magic, the version and the number of ids are not 0. */
const llmcBytes = 1024
const llmc = [
  [20240520, 1],
  [20240801, 7],
] as const

/** What begins the regular file `path`, where that is a header of a form in which others keep ids, and not ids. */
export const headerOf = async (path: string): Promise<string | undefined> => {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(llmcBytes), 0, llmcBytes, 0)
    const start = buffer.subarray(0, bytesRead)
    if (start.subarray(0, 6).equals(Buffer.from('\x93NUMPY', 'latin1'))) return "numpy's .npy"
    if (start.subarray(0, 9).equals(Buffer.from('MMIDIDX\0\0')))
      return "Megatron-LM's .idx, whose ids are in the .bin beside it"
    return isLlmc(start) ? 'llm.c' : undefined
  } finally {
    await file.close()
  }
}

const isLlmc = (start: Buffer): boolean =>
  start.length === llmcBytes &&
  llmc.some(([magic, version]) => start.readInt32LE(0) === magic && start.readInt32LE(4) === version) &&
  start.subarray(12).every((byte) => byte === 0)
