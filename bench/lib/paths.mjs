import { join } from 'node:path'
import { root } from '../../scripts/lib/run.mjs'

/** The folder of the benchmarks. */
export const bench = join(root, 'bench')
/** What they make for themselves; git ignores it. */
export const madeFolder = join(root, 'build', 'bench')
/** What one run needs while it lasts: two at a time do not meet. */
export const runFolder = join(madeFolder, `run-${process.pid}`)
