import { join } from 'node:path'
import { root } from '../../scripts/lib/run.mjs'

/** The folder of the benchmarks. */
export const bench = join(root, 'bench')
/** What they make for themselves; git ignores it. */
export const madeFolder = join(root, 'build', 'bench')
