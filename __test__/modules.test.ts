import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire, isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { compileFunction, type Context, createContext, runInContext } from 'node:vm'
import test from 'ava'
import { ensureTypeScript } from '../scripts/lib/ensure.mjs'
import type * as Library from '../src/index.ts'

const entry = new URL('../dist/index.js', import.meta.url)
const encodings = new URL('../dist/encodings.js', import.meta.url)

test.before(async () => {
  await ensureTypeScript()
})

/* In a process of its own: the tests' own loader would give require() another module than import. */
const print = (code: string, env: NodeJS.ProcessEnv = {}): unknown =>
  JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', code], {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      encoding: 'utf8',
    }),
  )

test('import and require() give the same objects, so the same TokenmillError', (t) => {
  for (const name of ['tokenmill', 'tokenmill/encodings']) {
    const code = `
      import { createRequire } from 'node:module'
      import * as imported from '${name}'
      const required = createRequire(${JSON.stringify(entry.href)})('${name}')
      const names = new Set([...Object.keys(imported), ...Object.keys(required)])
      console.log(JSON.stringify([...names].map((name) => [name, imported[name] === required[name]])))`
    const same = print(code) as [string, boolean][]
    t.true(same.some(([name]) => name === 'TokenmillError'))
    t.deepEqual(
      same.filter(([, equal]) => !equal),
      [],
      name,
    )
  }
})

test('what the types say is a value is one', (t) => {
  for (const name of ['index', 'encodings']) {
    const types = readFileSync(new URL(`../${name}.d.cts`, import.meta.url), 'utf8')
    const declared = [...types.matchAll(/^export declare (?:class|const|function) (\w+)/gm)].map(([, value]) => value)
    const listed = [...types.matchAll(/^export \{([^}]*)\}/gm)].flatMap(([, values]) => values?.match(/\w+/g) ?? [])
    const url = new URL(`../dist/${name}.js`, import.meta.url).href
    const code = `console.log(JSON.stringify(Object.keys(await import(${JSON.stringify(url)}))))`
    t.deepEqual([...declared, ...listed].sort(), (print(code) as string[]).sort(), name)
  }
})

/** The library as a loader that has only CommonJS loads it into a realm of its own, as some test runners do. */
const inOtherRealm = (): { readonly library: typeof Library; readonly context: Context } => {
  // `instanceof` tells classes of this realm from those of that one.
  const context = createContext({ process, Buffer, TextEncoder, TextDecoder, AbortSignal })
  const loaded = new Map<string, unknown>()
  const load = (file: string): unknown => {
    if (loaded.has(file)) return loaded.get(file)
    const outside = createRequire(file)
    if (!file.endsWith('.cjs')) return outside(file)
    const module = { exports: {} }
    loaded.set(file, module.exports)
    const names = ['module', 'exports', 'require', '__filename', '__dirname']
    const resolve = (request: string): string => outside.resolve(request)
    const require = (request: string): unknown => (isBuiltin(request) ? outside(request) : load(resolve(request)))
    compileFunction(readFileSync(file, 'utf8'), names, { filename: file, parsingContext: context })(
      module,
      module.exports,
      Object.assign(require, { resolve }),
      file,
      dirname(file),
    )
    return module.exports
  }
  return { library: load(fileURLToPath(new URL('../dist/index.cjs', import.meta.url))) as typeof Library, context }
}

test('a loader that has only CommonJS, and another realm for it, as some test runners do, loads the library', (t) => {
  const { library } = inOtherRealm()
  t.false(new library.TokenmillError('ERR_LIMIT', '') instanceof Error, 'this realm is the same')
  const tokenizer = library.getEncoding('o200k_base')
  const ids = tokenizer.encode('one two three four five six')
  t.is(tokenizer.decode(ids), 'one two three four five six')
  t.throws(() => tokenizer.decode([4_000_000]), {
    instanceOf: library.TokenmillError,
    code: 'ERR_OUT_OF_RANGE',
    any: true,
  })
  const dataset = new library.WindowDataset(ids, { contextLength: 2, stride: 1 })
  const sizes = { vocabSize: tokenizer.vocabSize, contextLength: 2, dimensions: 4, seed: 1 }
  const embedding = library.InputEmbedding.create(sizes)
  for (const batch of new library.DataLoader(dataset, { batchSize: 4 })) {
    t.deepEqual([...embedding.forward(batch).shape], [4, 2, 4])
  }
})

test('all arrays that are given are of the realm in which the library was loaded', async (t) => {
  const { library, context } = inOtherRealm()
  const realm = runInContext(
    '({ Uint8Array, Uint16Array, Uint32Array, Int32Array, Float32Array, Object })',
    context,
  ) as {
    readonly [name: string]: abstract new () => unknown
  }
  const file = new Uint8Array(readFileSync(new URL('../testdata/tokenizer-json/bert.json', import.meta.url)))
  const long = 'word '.repeat(10_000)
  for (const tokenizer of [library.getEncoding('gpt2'), await library.loadTokenizer(file)]) {
    const later: Uint32Array[] = []
    for await (const ids of tokenizer.encodeChunks(['a', long, ' b'])) later.push(ids)
    const batches = [tokenizer.encodeBatch(['a', long]), await tokenizer.encodeBatchAsync(['a', long])]
    const ids = {
      encode: [tokenizer.encode('a'), tokenizer.encode(long), tokenizer.encode(Buffer.from(long))],
      encodeOrdinary: [tokenizer.encodeOrdinary(long)],
      encodeSegments: [tokenizer.encodeSegments([{ text: long, trusted: true }])],
      encodeAsync: [await tokenizer.encodeAsync('a'), await tokenizer.encodeAsync(long)],
      encodeBatch: batches.flatMap((batch) => [batch.ids, batch.rowStarts, ...batch]),
      count: [tokenizer.countBatch(['a', long]), await tokenizer.countBatchAsync(['a', long])],
      chunks: later,
    }
    for (const [name, arrays] of Object.entries(ids)) {
      for (const each of arrays) t.true(each instanceof realm['Uint32Array']!, name)
    }
    const {
      ids: row,
      offsets,
      ends,
      byteOffsets,
      byteEnds,
      wordIds,
    } = tokenizer.encodeWithOffsets('a b', {
      byteOffsets: true,
      wordIds: true,
    })
    for (const each of [row, offsets, ends, byteOffsets, byteEnds]) t.true(each instanceof realm['Uint32Array']!)
    t.true(wordIds instanceof realm['Int32Array']!)
    t.true(tokenizer.decodeBytes(row) instanceof realm['Uint8Array']!)
    t.true(tokenizer.idToBytes(3) instanceof realm['Uint8Array']!)
    const padded = tokenizer.encodePadded(['a b', 'c'], { offsets: true, padId: 0 })
    for (const [name, each] of Object.entries(padded)) {
      if (ArrayBuffer.isView(each)) t.true(each instanceof realm['Object']!, name)
    }
  }
  const embedding = library.Embedding.create({ count: 4, dimensions: 2, seed: 1 })
  const tensor = embedding.forward([1, 2])
  const arrays = [await tensor.data(), tensor.dataSync(), tensor.toFloat32()]
  for (const each of arrays) t.true(each instanceof realm['Float32Array']!)
  const half = library.Embedding.create({ count: 4, dimensions: 2, seed: 1, dtype: 'bf16' }).forward([1])
  t.true((await half.data()) instanceof realm['Uint16Array']!)
})

test('an asynchronous call does not wait for timers that a test put in place of the true ones', (t) => {
  const code = `
    import { getEncoding } from ${JSON.stringify(entry.href)}
    const tokenizer = getEncoding('gpt2')
    const long = 'hello '.repeat(1_000_000)
    globalThis.setImmediate = () => {}
    performance.now = () => 0
    const counts = []
    for (let round = 0; round < 3; round++) counts.push(await tokenizer.countAsync(long))
    console.log(JSON.stringify(counts))`
  t.deepEqual(print(code), [1_000_001, 1_000_001, 1_000_001])
})

test('tokenmill/encodings gives objects of tokenmill, by the names of encodings.d.cts', (t) => {
  const code = `
    import * as library from ${JSON.stringify(entry.href)}
    import * as encodings from ${JSON.stringify(encodings.href)}
    console.log(JSON.stringify(Object.keys(encodings).map((name) => [name, encodings[name] === library[name]])))`
  const types = readFileSync(new URL('../encodings.d.cts', import.meta.url), 'utf8')
  const names = /^export \{ (.*) \}/m.exec(types)![1]!.split(', ')
  t.deepEqual(
    print(code),
    names.sort().map((name) => [name, true]),
  )
})

test('what a program that encodes does not call is read when it is called', (t) => {
  const code = `
    import { createRequire } from 'node:module'
    import { getEncoding } from ${JSON.stringify(encodings.href)}
    const { cache } = createRequire(${JSON.stringify(entry.href)})
    const files = () => Object.keys(cache).map((file) => file.split(/[\\\\/]/).at(-1)).filter((file) => file.endsWith('.cjs'))
    const tokenizer = getEncoding('gpt2')
    tokenizer.count('text', { allowedSpecial: 'all' })
    tokenizer.decode(tokenizer.encode('text'))
    tokenizer.encodeBatch(['text'])
    const before = files()
    const chunks = [...tokenizer.chunk('a text', { maxTokens: 1 })].map(({ text }) => text)
    console.log(JSON.stringify([before, files(), chunks]))`
  t.deepEqual(print(code), [['core.cjs'], ['core.cjs', 'later.cjs'], ['a', ' text']])
  const [core, later] = ['core.cjs', 'later.cjs'].map((file) => statSync(new URL(file, entry)).size) as [number, number]
  t.true(core < 72_000 && later > 30_000, `${core} and ${later} bytes`)
})

test('a module that was put into a bundle says so, also where that is CommonJS without an address', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tokenmill-modules-'))
  try {
    const modules = [entry, encodings].map((url) => readFileSync(url, 'utf8'))
    const withoutAddress = modules.map((module) => module.replaceAll('import.meta.url', '({}).url'))
    for (const [index, module] of [...modules, ...withoutAddress].entries()) {
      const bundled = join(folder, `bundle${index}.mjs`)
      writeFileSync(bundled, module)
      const code = `
        try { await import(${JSON.stringify(pathToFileURL(bundled).href)}) } catch ({ code, message }) { console.log(JSON.stringify([code, message])) }`
      const [error, message] = print(code) as [string, string]
      t.is(error, 'ERR_NATIVE')
      t.regex(message, /^tokenmill was put into a bundle, .*docs\/native-binary\.md/)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('importing loads no addon, only use does', (t) => {
  const code = `
    import { getEncoding } from ${JSON.stringify(entry.href)}
    let code
    try { getEncoding('gpt2') } catch (error) { code = error.code }
    console.log(JSON.stringify(code))`
  t.is(print(code, { TOKENMILL_NATIVE_PATH: 'no-such-addon.node' }), 'ERR_NATIVE')
})

test('an addon that is missing is no fault of the file that is loaded', (t) => {
  const file = new URL('../testdata/tokenizer-json/bert.json', import.meta.url)
  const code = `
    import { loadTokenizer } from ${JSON.stringify(entry.href)}
    const code = await loadTokenizer(new URL(${JSON.stringify(file.href)})).catch((error) => error.code)
    console.log(JSON.stringify(code))`
  t.is(print(code, { TOKENMILL_NATIVE_PATH: 'no-such-addon.node' }), 'ERR_NATIVE')
})
