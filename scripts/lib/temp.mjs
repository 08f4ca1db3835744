import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const prefix = 'tokenmill-tests-'

/**
 * Makes a folder for the temporary files of this process and of those that it starts, which is removed when it ends. One that was killed leaves
 * its own: those are removed too.
 *
 * @returns {{ TMPDIR: string, TMP: string, TEMP: string }} the variables by which programs find the folder
 */
export const ownTemp = () => {
  const parent = tmpdir()
  for (const name of readdirSync(parent)) {
    if (name.startsWith(prefix) && isGone(Number(name.slice(prefix.length)))) remove(join(parent, name))
  }
  const folder = join(parent, `${prefix}${process.pid}`)
  // A process that had this id, of a system that was started anew since.
  remove(folder)
  mkdirSync(folder)
  process.on('exit', () => remove(folder))
  return { TMPDIR: folder, TMP: folder, TEMP: folder }
}

const isGone = (pid) => {
  if (!Number.isInteger(pid)) return false
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}

/* What cannot be removed, as files of another user, is left: it is nothing that tests need. */
const remove = (folder) => {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  } catch {}
}
