import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { root } from './run.mjs'

/*
 * A build step is skipped when its stamp says that the same inputs made the outputs that are there. Contents are
 * compared, not times: a fresh checkout, a switch of branches and a deleted file all change times without reason, or
 * leave them alone when there is one.
 */

/** All files under `paths` (files or folders, relative to the root), sorted. */
export const filesUnder = (paths) =>
  paths
    .flatMap((path) => {
      const full = join(root, path)
      if (!existsSync(full)) return []
      if (!statSync(full).isDirectory()) return [full]
      return readdirSync(full, { withFileTypes: true, recursive: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
    })
    .sort()

const hashOf = (inputs, extra) => {
  const hash = createHash('sha256').update(JSON.stringify(extra))
  for (const file of filesUnder(inputs)) {
    const bytes = readFileSync(file)
    hash.update(`\0${relative(root, file)}\0${bytes.length}\0`).update(bytes)
  }
  return hash.digest('hex')
}

/* What an output looks like from outside; an output that something else wrote over is seen by its size and time. */
const lookOf = (outputs) =>
  filesUnder(outputs).map((file) => {
    const { size, mtimeMs } = statSync(file)
    return `${relative(root, file)} ${size} ${mtimeMs}`
  })

/**
 * Does `make` unless the stamp of an earlier time shows that nothing changed since.
 *
 * @param {{ name: string, inputs: readonly string[], outputs: readonly string[], extra?: unknown, make: () => Promise<void> }} step
 *   `extra` is anything else that decides the outputs
 * @returns {Promise<boolean>} whether it was made
 */
export const unlessFresh = async ({ name, inputs, outputs, extra = null, make }) => {
  const file = join(root, 'build', `${name}.stamp.json`)
  const inputHash = hashOf(inputs, extra)
  const fresh = () => {
    try {
      const stamp = JSON.parse(readFileSync(file, 'utf8'))
      const look = lookOf(outputs)
      return stamp.inputs === inputHash && look.length > 0 && JSON.stringify(stamp.outputs) === JSON.stringify(look)
    } catch {
      return false
    }
  }
  if (fresh()) return false
  await make()
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, JSON.stringify({ inputs: inputHash, outputs: lookOf(outputs) }, null, 2))
  return true
}
