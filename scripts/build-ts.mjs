/*
 * `npm run build:ts`: compiles src/ and bundles it into dist/, as each module that Node has to find, read and link costs a
 * program that tokenizes one text about a millisecond. The library is two files: what `tokenmill/encodings` needs, and the rest. The
 * command line has its own copy, so that neither shows its inner names to the other. Files that are no part of it any more are deleted afterwards, not all of
 * dist/ before, because others may be running it.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { rollup } from 'rollup'
import { Failure, root, run, script } from './lib/run.mjs'
import { filesUnder } from './lib/stamp.mjs'

/* To import one of Node's own modules costs more than to have it: an import reads all that it exports, as `node:fs` does its streams, for
 * two milliseconds of a program's start. */
const withoutImportsOfNode = {
  name: 'without-imports-of-node',
  resolveId: (id) => (id.startsWith('node:') ? { id: `\0${id}`, moduleSideEffects: false } : null),
  load: (id) =>
    id.startsWith('\0node:')
      ? { code: `export default process.getBuiltinModule('${id.slice(1)}')`, syntheticNamedExports: true }
      : null,
}

/* Writes what `entries` of the compiled modules in `folder` need; returns the names of the files. */
const bundle = async (folder, entries, chunkFileNames, options) => {
  const modules = await rollup({
    input: Object.fromEntries(entries.map((entry) => [entry, join(folder, `${entry}.js`)])),
    ...options,
    onwarn: (warning) => {
      throw new Failure(`bundling ${entries.join(', ')}: ${warning.message}`)
    },
  })
  const { output } = await modules.write({
    dir: join(root, 'dist'),
    format: 'es',
    chunkFileNames,
    hoistTransitiveImports: false,
  })
  await modules.close()
  return output.map(({ fileName }) => join(root, 'dist', fileName))
}

await script(async () => {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  mkdirSync(join(root, 'build'), { recursive: true })
  const folder = mkdtempSync(join(root, 'build', 'modules-'))
  try {
    const { code } = await run(process.execPath, [tsc, '-p', 'tsconfig.json', '--outDir', folder], {
      allowFailure: true,
    })
    if (code !== 0) {
      process.exitCode = 1
      return
    }
    // Chunks are in dist/ itself, where src/package-file.ts and src/native.ts expect to be.
    const library = await bundle(folder, ['index', 'encodings'], 'core.js', { plugins: [withoutImportsOfNode] })
    // Both entries and what they share.
    if (library.length !== 3) throw new Failure(`the library is ${library.length} files, not three`)
    const cli = await bundle(folder, ['cli/main'], 'cli-[name].js', { external: /^(node:|commander$|picocolors$)/ })
    const files = new Set([...library, ...cli])
    for (const file of filesUnder(['dist'])) if (!files.has(file)) rmSync(file)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
