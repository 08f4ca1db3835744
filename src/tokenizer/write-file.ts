import { randomUUID } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Writes a file that is complete or not there, also when the process or the machine stops: into a temporary file beside
 * it, synced, then renamed over it.
 */
export const writeFileAtomically = async (path: string, chunks: Iterable<string>): Promise<void> => {
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    await closing(await open(temporary, 'wx'), async (file) => {
      for (const chunk of chunks) await file.appendFile(chunk)
      await file.sync()
    })
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncDirectory(dirname(path))
}

/** Makes the rename last. Windows can neither open nor sync a directory. */
const syncDirectory = async (path: string): Promise<void> => {
  if (process.platform === 'win32') return
  await closing(await open(path, 'r'), (directory) => directory.sync())
}

/** Uses `resource` and closes it, whatever happens. */
const closing = async <R extends { close(): Promise<void> }>(
  resource: R,
  use: (resource: R) => Promise<void>,
): Promise<void> => {
  try {
    await use(resource)
  } finally {
    await resource.close()
  }
}
