import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { ensureTypeScript, platformId } from '../scripts/lib/ensure.mjs'

const path = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url))

/* As in an archive of Electron: `fs` finds the files of the package in it, the system does not. */
const patch = `
const fs = require('node:fs')
const outside = (file) => String(file).replace(/^.*app\\.asar.encodings/, ${JSON.stringify(path('encodings'))})
for (const name of ['existsSync', 'readFileSync']) {
  const original = fs[name]
  fs[name] = (file, ...rest) => original(outside(file), ...rest)
}
`
const program = `
const { getEncoding } = require('./dist/encodings.cjs')
console.log(JSON.stringify([...getEncoding('o200k_base').encode('hello world')]))
`

test('ranks that only Node can read, in an archive, are read by Node', async (t) => {
  await ensureTypeScript()
  const folder = mkdtempSync(join(tmpdir(), 'tokenmill-archive-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const archive = join(folder, 'app.asar')
  mkdirSync(archive)
  cpSync(path('dist'), join(archive, 'dist'), { recursive: true })
  for (const [name, code] of Object.entries({ 'patch.cjs': patch, 'program.cjs': program })) {
    writeFileSync(join(archive, name), code)
  }
  const env = { ...process.env, NODE_OPTIONS: '', TOKENMILL_NATIVE_PATH: path(`build/tokenmill.${platformId()}.node`) }
  const run = (...flags: string[]): string =>
    execFileSync(process.execPath, [...flags, join(archive, 'program.cjs')], { env, encoding: 'utf8', stdio: 'pipe' })
  t.deepEqual(JSON.parse(run('--require', join(archive, 'patch.cjs'))), [24912, 2375])
  t.throws(() => run(), { message: /the ranks of o200k_base cannot be read/ })
})
