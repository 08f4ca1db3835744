import { createRequire } from 'node:module'
import test from 'ava'
import { ensureTypeScript } from '../scripts/lib/ensure.mjs'

const require = createRequire(import.meta.url)
const entry = new URL('../dist/index.js', import.meta.url)

test.before(async () => {
  await ensureTypeScript()
})

test('import and require() give the same module, so the same TokenmillError', async (t) => {
  const imported = (await import(entry.href)) as Record<string, unknown>
  const required = require('../dist/index.js') as Record<string, unknown>
  t.is(typeof imported['TokenmillError'], 'function')
  for (const name of Object.keys(imported)) t.is(required[name], imported[name], name)
})

test('importing the package loads no addon: only its use does', async (t) => {
  const { execFileSync } = await import('node:child_process')
  const code = `import ${JSON.stringify(entry.href)}`
  // A path where there is none: the first use would throw.
  const env = { ...process.env, TOKENMILL_NATIVE_PATH: 'no-such-addon.node' }
  t.notThrows(() => execFileSync(process.execPath, ['--input-type=module', '-e', code], { env }))
})
