import { access, constants, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ifThere } from '../if-there.ts'
import { withoutLinks } from '../without-links.ts'
import { CliFailure } from './failure.ts'

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such folder',
  ENOTDIR: 'its folder is none',
  EISDIR: 'it is a folder',
  special: 'it is no regular file',
  EACCES: 'permission denied',
  ELOOP: 'its links lead to one another',
  EROFS: 'the file system is read-only',
}

/** Fails when no file can be made at `path`: before the work, not after it. */
export const checkWritable = async (path: string): Promise<void> => {
  const code = await whyNot(path)
  if (code !== undefined) throw new CliFailure('ERR_OUTPUT', `cannot write ${path}: ${reasons[code] ?? code}`)
}

const whyNot = async (path: string): Promise<string | undefined> => {
  try {
    // Of links without end it is an error.
    const there = await ifThere(stat(path))
    const folder = dirname(await withoutLinks(path))
    if (!(await stat(folder)).isDirectory()) return 'ENOTDIR'
    // A file takes the place of another by a rename: the folder is what is written, of a link that of what it means.
    await access(folder, constants.W_OK)
    if (there === undefined || there.isFile()) return undefined
    return there.isDirectory() ? 'EISDIR' : 'special'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}
