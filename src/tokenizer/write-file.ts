import { promises } from 'node:fs'
import { dirname } from 'node:path'
import { TokenmillError } from '../errors.ts'
import { ifThere } from '../if-there.ts'
import { withoutLinks } from '../without-links.ts'

/**
 * Writes a file that is complete or as before, also when the process or the machine stops: into a temporary file beside
 * it, synced, then renamed over it. A link stays, and what it means is written; a file that was there hands on its mode.
 *
 * @throws `ERR_INVALID_FILE` when it cannot be written, or what is there is no regular file: a device, a pipe or a folder
 */
export const writeFileAtomically = async (path: string, chunks: Iterable<string | Uint8Array>): Promise<void> => {
  try {
    await writeAndRename(path, chunks)
  } catch (error) {
    if (error instanceof TokenmillError) throw error
    throw new TokenmillError('ERR_INVALID_FILE', `cannot write ${path}: ${(error as Error).message}`, { cause: error })
  }
}

const writeAndRename = async (given: string, chunks: Iterable<string | Uint8Array>): Promise<void> => {
  const mode = await modeOf(given)
  const path = await withoutLinks(given)
  const temporary = `${path}.${crypto.randomUUID()}.tmp`
  try {
    await closing(await promises.open(temporary, 'wx'), async (file) => {
      if (mode !== undefined) await file.chmod(mode)
      for (const chunk of chunks) await file.appendFile(chunk)
      await file.sync()
    })
    await promises.rename(temporary, path)
  } catch (error) {
    await promises.rm(temporary, { force: true })
    throw error
  }
  await syncDirectory(dirname(path))
}

/** The mode of the file at `path`; `undefined` when there is none. */
const modeOf = async (path: string): Promise<number | undefined> => {
  const stats = await ifThere(promises.stat(path))
  if (stats?.isFile() === false) throw new Error('it is no regular file')
  return stats && stats.mode & 0o777
}

/** Makes the rename last. Windows can neither open nor sync a directory. */
const syncDirectory = async (path: string): Promise<void> => {
  if (process.platform === 'win32') return
  await closing(await promises.open(path, 'r'), (directory) => directory.sync())
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
