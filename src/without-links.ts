import { lstat, readlink } from 'node:fs/promises'
import { dirname, isAbsolute, sep } from 'node:path'
import { ifThere } from './if-there.ts'

/** What a link means, also when that is not there yet. Of links that lead to one another without end it has none: `stat` says so before. */
export const withoutLinks = async (path: string): Promise<string> => {
  const stats = await ifThere(lstat(path))
  if (!stats?.isSymbolicLink()) return path
  const meant = await readlink(path)
  // Not joined by `resolve`: the folder may be a link too, and `..` is then that of where it leads.
  return withoutLinks(isAbsolute(meant) ? meant : `${dirname(path)}${sep}${meant}`)
}
