/*
 * `npm run build:ts`: compiles src/ and bundles it into dist/, as each module that Node has to find, read and link costs a
 * program that tokenizes one text about a millisecond.
 *
 * The library is CommonJS, which every loader can require, in four files: what `tokenmill/encodings` needs, what only some calls of that need, what the rest
 * adds, and the former's entry.
 * Its modules only name what those export, so that classes and what they keep exist once, however a program loads them. The
 * command line has its own copy, so that neither shows its inner names to the other. Files that are no part of it any more are deleted afterwards, not all of
 * dist/ before, because others may be running it.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rollup } from 'rollup'
import { Failure, root, run, script } from './lib/run.mjs'
import { filesUnder } from './lib/stamp.mjs'

const dist = join(root, 'dist')

/* Writes what `entries` of the compiled modules in `folder` need. */
const bundle = async (folder, entries, input, output) => {
  const modules = await rollup({
    input: Object.fromEntries(entries.map((entry) => [entry, join(folder, `${entry}.js`)])),
    ...input,
    onwarn: (warning) => {
      // Not when they are read: one of them is read later.
      if (warning.code === 'CIRCULAR_CHUNK') return
      throw new Failure(`bundling ${entries.join(', ')}: ${warning.message}`)
    },
  })
  const written = await modules.write({ dir: dist, hoistTransitiveImports: false, ...output })
  await modules.close()
  return written.output
}

const ownRequire = ["import { createRequire } from 'node:module';", 'const require = createRequire(import.meta.url);']

/* What modules make for themselves and CommonJS has: `require`, seen by bundlers and deployment tools, and the folder. */
const withRequire = {
  name: 'with-require',
  transform: (code) => ({ code: ownRequire.reduce((left, line) => left.replace(line, ''), code), map: null }),
  resolveImportMeta: (property) => {
    if (property === 'dirname') return '__dirname'
    throw new Failure(`the library asks for import.meta.${property}, which CommonJS does not have`)
  },
}

/* Escapes, outside of them too where it makes no difference: one character in two bytes makes V8 read all of a file so, for .4 ms of a program's start. */
const inAscii = {
  name: 'in-ascii',
  renderChunk: (code) => ({
    code: code.replace(/(?<!\\)[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
    map: null,
  }),
}

/*
 * Modules, and what only they need, that are read when something of them is called first: a program that encodes a text calls nothing of them, and to read
 * them is a tenth of what it waits for.
 */
const readLater = [
  'native-help',
  'tokenizer/chunk',
  'tokenizer/count-index',
  'tokenizer/decode-batch',
  'tokenizer/encode-padded',
  'tokenizer/native-call',
  'tokenizer/native-encoder',
  'tokenizer/near-names',
  'tokenizer/offsets',
  'tokenizer/parts',
  'tokenizer/save-bpe',
  'tokenizer/stream',
  'tokenizer/truncate',
]

/* Those that take something before others may put another thing in its place. */
const readFirst = ['timers']

/* Which of the modules of `entry` are read at once, and which later. */
const chunksOf = (entry, folder, getModuleInfo) => {
  const reach = (without) => {
    const found = new Set()
    const visit = (id) => {
      if (found.has(id) || without.has(id)) return
      found.add(id)
      getModuleInfo(id)?.importedIds.forEach(visit)
    }
    visit(join(folder, `${entry}.js`))
    return found
  }
  const later = new Set(readLater.map((name) => join(folder, `${name}.js`)))
  const all = reach(new Set())
  for (const id of later) if (!all.has(id)) throw new Failure(`${id} is no part of ${entry}`)
  const first = readFirst.map((name) => join(folder, `${name}.js`))
  return { all, atOnce: new Set([...reach(later), ...first]) }
}

/* Has each file ask for `file` when it needs something of it. */
const lateRequire = (file) => ({
  name: 'late-require',
  renderChunk: (code, _chunk, _options, { chunks }) => {
    const line = new RegExp(`^var (\\w+) = require\\('\\./${file.replace('.', '\\.')}'\\);$`, 'm')
    const [found, name] = line.exec(code) ?? []
    if (found === undefined) return null
    const used = chunks[file].exports.filter((exported) => new RegExp(`\\b${name}\\.${exported}\\b`).test(code))
    const getters = used.map(
      (exported) => `    get ${exported}() { return (${name}File ??= require('./${file}')).${exported}; },`,
    )
    return {
      code: code.replace(found, () => [`var ${name}File;`, `var ${name} = {`, ...getters, '};'].join('\n')),
      map: null,
    }
  },
})

/*
 * A module that has `names` from a file. It requires that and does not import it, since Node would look for the names of what a module
 * imports from CommonJS by reading it once more, for as long as all the rest takes. Deployment tools follow this spelling.
 */
const moduleOf = (names, file) => `import { createRequire } from 'node:module'
const inBundle = (options) => {
  const message =
    'tokenmill was put into a bundle, which cannot hold its native binary: leave it outside, as docs/native-binary.md says for each bundler'
  return Object.assign(new Error(message, options), { code: 'ERR_NATIVE' })
}
// A bundle that is CommonJS has none.
if (import.meta.url === undefined) throw inBundle()
const require = createRequire(import.meta.url)
let library
try {
  library = require('./${file}')
} catch (cause) {
  if (cause.code !== 'MODULE_NOT_FOUND') throw cause
  throw inBundle({ cause })
}
export const { ${names.join(', ')} } = library
`

const buildLibrary = async (folder) => {
  const input = {
    plugins: [withRequire, lateRequire('later.cjs'), inAscii],
    external: /^node:/,
    treeshake: { moduleSideEffects: 'no-external' },
  }
  let chunks
  const manualChunks = (id, { getModuleInfo }) => {
    const { all, atOnce } = (chunks ??= chunksOf('encodings', folder, getModuleInfo))
    return id === join(folder, 'encodings.js') || !all.has(id) ? undefined : atOnce.has(id) ? 'core' : 'later'
  }
  const output = { format: 'cjs', entryFileNames: '[name].cjs', chunkFileNames: '[name].cjs', manualChunks }
  const files = await bundle(folder, ['index', 'encodings'], input, output)
  const names = files.map(({ fileName }) => fileName).sort()
  if (names.join() !== 'core.cjs,encodings.cjs,index.cjs,later.cjs') throw new Failure(`the library is ${names.join()}`)
  const core = files.find(({ fileName }) => fileName === 'core.cjs')
  if (/^(var|const) .*require\('\.\/later/m.test(core.code)) throw new Failure('core.cjs reads later.cjs at once')
  const entries = files.filter(({ isEntry }) => isEntry)
  for (const { name, exports, fileName } of entries) {
    // The encodings are all in there: a file less to find.
    const from = exports.every((exported) => core.exports.includes(exported)) ? core.fileName : fileName
    writeFileSync(join(dist, `${name}.js`), moduleOf(exports, from))
  }
  return [...files.map(({ fileName }) => fileName), ...entries.map(({ name }) => `${name}.js`)]
}

const buildCommandLine = async (folder) => {
  const input = { external: /^(node:|commander$|picocolors$)/ }
  // Chunks are in dist/ itself, where src/package-file.ts and src/native.ts expect to be.
  const files = await bundle(folder, ['cli/main'], input, { format: 'es', chunkFileNames: 'cli-[name].js' })
  return files.map(({ fileName }) => fileName)
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
    const files = [...(await buildLibrary(folder)), ...(await buildCommandLine(folder))]
    const wanted = new Set(files.map((file) => join(dist, file)))
    for (const file of filesUnder(['dist'])) if (!wanted.has(file)) rmSync(file)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
