import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import test from 'ava'
import { ensureTypeScript } from '../scripts/lib/ensure.mjs'

const entry = new URL('../dist/index.js', import.meta.url)
const encodings = new URL('../dist/encodings.js', import.meta.url)

test.before(async () => {
  await ensureTypeScript()
})

/* In a process of its own: the tests' own loader would give require() another module than import. */
const print = (code: string, env: NodeJS.ProcessEnv = {}): unknown =>
  JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', code], {
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      encoding: 'utf8',
    }),
  )

test('import and require() give the same objects, so the same TokenmillError', (t) => {
  const code = `
    import { createRequire } from 'node:module'
    import * as imported from ${JSON.stringify(entry.href)}
    const required = createRequire(${JSON.stringify(entry.href)})('./index.js')
    console.log(JSON.stringify(Object.keys(imported).map((name) => [name, imported[name] === required[name]])))`
  const same = print(code) as [string, boolean][]
  t.true(same.some(([name]) => name === 'TokenmillError'))
  t.deepEqual(
    same.filter(([, equal]) => !equal),
    [],
  )
})

test('tokenmill/encodings gives objects of tokenmill, by the names of encodings.d.ts', (t) => {
  const code = `
    import * as library from ${JSON.stringify(entry.href)}
    import * as encodings from ${JSON.stringify(encodings.href)}
    console.log(JSON.stringify(Object.keys(encodings).map((name) => [name, encodings[name] === library[name]])))`
  const types = readFileSync(new URL('../encodings.d.ts', import.meta.url), 'utf8')
  const names = /^export \{ (.*) \}/m.exec(types)![1]!.split(', ')
  t.deepEqual(
    print(code),
    names.sort().map((name) => [name, true]),
  )
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
