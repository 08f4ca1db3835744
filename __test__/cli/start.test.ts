import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { makeFolder } from './cli.ts'

/* `npm start` is `node scripts/start.mjs`. */

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = makeFolder()
test.after.always(folder.remove)

/** A clone as far as the script looks at it before it builds. */
const clone = (name: string): string => {
  const path = join(folder.path, name)
  mkdirSync(path)
  for (const part of ['scripts', 'package.json', 'Cargo.toml'])
    cpSync(join(root, part), join(path, part), { recursive: true })
  return path
}

const start = (
  path: string,
  {
    nodeArgs = [],
    args = [],
    env = {},
    input = '',
  }: { nodeArgs?: string[]; args?: string[]; env?: object; input?: string },
) =>
  spawnSync(process.execPath, [...nodeArgs, join(path, 'scripts', 'start.mjs'), ...args], {
    encoding: 'utf8',
    input,
    env: { ...process.env, ...env },
    timeout: 600_000,
  })

test('without Rust it says how to get it, before it fetches anything', (t) => {
  const env = { PATH: folder.path, CARGO_HOME: folder.path, HOME: folder.path, USERPROFILE: folder.path }
  const { status, stdout, stderr } = start(clone('no-rust'), { env })
  t.is(status, 1)
  t.is(stdout, '')
  t.regex(stderr, /^Tokenmill is built from source here and needs Rust [\d.]+ or newer/)
  t.regex(stderr, /rustup/)
  t.notRegex(stderr, /npm ci|    at /)
})

test('on an old Node it says which is needed', (t) => {
  const old =
    'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.18.3"}})'
  const { status, stderr } = start(clone('old-node'), { nodeArgs: ['--import', old] })
  t.is(status, 1)
  t.regex(stderr, /^Tokenmill needs Node 20\.19 or newer, this is 20\.18\.3/)
})

test('its arguments and its input are those of tokenmill run, and so is its exit code', (t) => {
  t.timeout(600_000)
  const done = start(root, { args: ['--json', '--context-length', '2', '-'], input: 'one two three four' })
  t.is(done.status, 0, done.stderr)
  t.is(JSON.parse(done.stdout).tokens.count, 4)
  t.is(start(root, { args: ['--context-length', '0'] }).status, 2)
})
