import { fileURLToPath } from 'node:url'

/** The path of a file that comes with this package. This module is one folder below the package's own, in src/ as in the bundles of dist/. */
export const packageFile = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url))
