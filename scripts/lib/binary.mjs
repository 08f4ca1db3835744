import { Failure, run } from './run.mjs'

/*
 * What a program or an addon for Linux asks of the machine it is to run on. readelf reads those of all machines.
 */

const compare = (a, b) => {
  const [x, y] = [a, b].map((version) => version.split('.').map(Number))
  return x[0] - y[0] || x[1] - y[1] || (x[2] ?? 0) - (y[2] ?? 0)
}

/**
 * The libraries that `file` names, and the newest version of glibc whose symbols it needs.
 *
 * @returns {Promise<{ libraries: string[], glibc: string | undefined }>}
 */
export const needsOf = async (file) => {
  const read = async (...args) => (await run('readelf', [...args, file], { quiet: true })).output
  const libraries = [...(await read('-d')).matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name)
  const symbols = await read('--wide', '--dyn-syms')
  const versions = [...symbols.matchAll(/@+GLIBC_([\d.]+)/g)].map(([, version]) => version)
  return { libraries, glibc: versions.sort(compare).at(-1) }
}

/** Fails unless `file`, which needs `glibc`, runs with that of version `oldest`. */
export const checkGlibc = (file, glibc, oldest) => {
  if (!glibc) throw new Failure(`${file} names no glibc symbol: it is not what it should be`)
  if (compare(glibc, oldest) > 0) throw new Failure(`${file} needs GLIBC_${glibc}, newer than ${oldest}`)
}
