import { constants, promises } from 'node:fs'
import { TokenmillError } from '../errors.ts'

/** A pipe is then open at once; else that may be never, and a process does not end before. Windows has no such pipes. */
const withoutWaiting = constants.O_RDONLY | ((constants.O_NONBLOCK as number | undefined) ?? 0)

/**
 * All bytes of a file. No more than `most` are read, whatever the file says about its size.
 *
 * @throws `ERR_INVALID_FILE` when it cannot be read or is no regular file: a pipe and a device may have no end
 * @throws `ERR_LIMIT` when there are more
 */
export const readFile = async (path: string, most: number): Promise<Buffer> => {
  try {
    const file = await promises.open(path, withoutWaiting)
    try {
      return await read(file, path, most)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof TokenmillError) throw error
    const reason = (error as Error).message
    throw new TokenmillError('ERR_INVALID_FILE', `${path}: cannot be read: ${reason}`, { cause: error })
  }
}

const read = async (file: promises.FileHandle, path: string, most: number): Promise<Buffer> => {
  if (!(await file.stat()).isFile()) throw new Error('it is no regular file')
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of file.createReadStream({ highWaterMark: 1 << 20, autoClose: false })) {
    bytes += (chunk as Buffer).length
    if (bytes > most) throw tooLarge(path, most)
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}

/** The error for a file that is called `name` and has more than `most` bytes. */
export const tooLarge = (name: string, most: number): TokenmillError =>
  new TokenmillError('ERR_LIMIT', `${name}: expected at most ${most} bytes, received more`)
