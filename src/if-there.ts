import type { Stats } from 'node:fs'

/** What is known of a file; `undefined` when there is none. */
export const ifThere = async (found: Promise<Stats>): Promise<Stats | undefined> => {
  try {
    return await found
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
