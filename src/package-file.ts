import { join } from 'node:path'

/* This module is one folder below the package's own, in src/ as in the bundles of dist/. */

/** The path of a file that comes with this package. */
export const packageFile = (path: string): string => join(import.meta.dirname, '..', path)

/** The path of published ranks. Folder and ending are written out beside each other, so that deployment tools find the files. */
export const ranksFile = (ranks: string): string => join(import.meta.dirname, '../encodings', `${ranks}.bpe`)
