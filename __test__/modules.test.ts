import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { createRequire, isBuiltin } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compileFunction, createContext } from 'node:vm'
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

test('a loader that has only CommonJS, and another realm for it, as some test runners do, loads the library', (t) => {
  // `instanceof` tells classes of this realm from those of that one.
  const context = createContext({ process, TextEncoder, TextDecoder, AbortSignal })
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
  const library = load(fileURLToPath(new URL('../dist/index.cjs', import.meta.url))) as typeof Library
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
  t.true(core < 70_000 && later > 30_000, `${core} and ${later} bytes`)
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
