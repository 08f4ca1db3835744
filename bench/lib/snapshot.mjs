import { chmodSync, cpSync, mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { root } from '../../scripts/lib/run.mjs'
import { runFolder } from './paths.mjs'

/** Tokenmill as one run measures it. */
export const snapshotFolder = join(runFolder, 'tokenmill')

/**
 * Copies what is measured of Tokenmill, so that a build beside a run of half an hour does not change it half-way.
 *
 * @param {import('./commands.mjs').Tools} tools
 * @returns {import('./commands.mjs').Tools}
 */
export const snapshot = (tools) => {
  mkdirSync(snapshotFolder, { recursive: true })
  for (const folder of ['dist', 'encodings']) {
    cpSync(join(root, folder), join(snapshotFolder, folder), { recursive: true })
  }
  const copy = (file) => {
    const target = join(snapshotFolder, basename(file))
    cpSync(file, target)
    chmodSync(target, 0o755)
    return target
  }
  return { ...tools, addon: copy(tools.addon), rust: tools.rust && copy(tools.rust) }
}
