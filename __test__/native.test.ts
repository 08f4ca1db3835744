import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import test from 'ava'
import { ensureTypeScript, platformId } from '../scripts/lib/ensure.mjs'
import { platforms } from '../scripts/lib/stage.mjs'
import { explainNativeFailure, type NativeFailure, VersionMismatch } from '../src/native-help.ts'
import { describeNative, native } from '../src/native.ts'
import { currentPlatform, glibcVersion } from '../src/platform.ts'
import { version } from '../src/version.ts'

test.before(() => ensureTypeScript({ quiet: true }))

// The loader in a package of its own is tested in package/package.test.ts.

test('the addon is of the same version as the package', (t) => {
  t.is(native().VERSION, version)
})

test('the addon is loaded once', (t) => {
  t.is(native(), native())
})

test('the report says where the addon came from', (t) => {
  const { attempts, error, platform } = describeNative()
  t.is(error, undefined)
  t.like(attempts.at(-1), {
    source: 'local build',
    outcome: 'loaded',
    request: `../build/tokenmill.${platform.id}.node`,
  })
})

test('the libraries that are mapped and the report of the process name the same C library', (t) => {
  const { os, libc, id } = currentPlatform()
  t.is(libc, os === 'linux' ? (glibcVersion() === undefined ? 'musl' : 'glibc') : undefined)
  t.is(id, platformId())
})

test('every platform that has a package is required by its literal name', (t) => {
  const source = readFileSync(new URL('../src/native.ts', import.meta.url), 'utf8')
  const required = [...source.matchAll(/require\('tokenmill-([\w-]+)'\)/g)].map(([, id]) => id)
  t.deepEqual(required, [...new Set(required)])
  t.deepEqual([...required].sort(), Object.keys(platforms).sort())
})

/* A process of its own, because what is loaded stays loaded. */
const reportOf = (path: string) => {
  const code = `
    import { describeNative, native } from ${JSON.stringify(new URL('../src/native.ts', import.meta.url).href)}
    const { attempts, error } = describeNative()
    let thrown
    try { native() } catch (error) { thrown = error.message }
    console.log(JSON.stringify({ attempts, code: error?.code, message: error?.message, cause: String(error?.cause), thrown }))`
  const output = execFileSync(process.execPath, ['--import=tsx', '--input-type=module', '-e', code], {
    env: { ...process.env, TOKENMILL_NATIVE_PATH: path },
    encoding: 'utf8',
  })
  return JSON.parse(output) as {
    attempts: { source: string; outcome: string }[]
    code: string | undefined
    message: string
    cause: string
    thrown: string
  }
}

test('TOKENMILL_NATIVE_PATH names the addon, and nothing else is tried', (t) => {
  const local = fileURLToPath(new URL(`../build/tokenmill.${platformId()}.node`, import.meta.url))
  const { attempts, code } = reportOf(local)
  t.is(code, undefined)
  t.like(attempts, [{ source: 'environment', outcome: 'loaded' }])
  t.is(attempts.length, 1)
})

for (const [title, path, outcome, expected] of [
  [
    'is not there',
    'no-such-addon.node',
    'not there',
    /TOKENMILL_NATIVE_PATH names .*no-such-addon\.node, which is not there/,
  ],
  [
    'is not an addon',
    fileURLToPath(import.meta.url),
    'failed',
    /\(from TOKENMILL_NATIVE_PATH\) is there but was not loaded/,
  ],
] as const) {
  test(`a file in TOKENMILL_NATIVE_PATH that ${title} is ERR_NATIVE, and doctor's report does not throw`, (t) => {
    const { attempts, code, message, thrown, cause } = reportOf(path)
    t.is(code, 'ERR_NATIVE')
    t.regex(message, expected)
    t.is(thrown, message)
    t.like(attempts, [{ source: 'environment', outcome }])
    t.not(cause, 'undefined')
  })
}

const failure = (change: Partial<NativeFailure>): NativeFailure => ({
  platform: { id: 'linux-x64-gnu', os: 'linux', arch: 'x64', libc: 'glibc' },
  attempts: [
    {
      source: 'local build',
      request: '../build/tokenmill.linux-x64-gnu.node',
      outcome: 'not there',
      error: new Error('none'),
    },
    { source: 'package', request: 'tokenmill-linux-x64-gnu', outcome: 'not there', error: new Error('not installed') },
  ],
  supported: Object.keys(platforms),
  installed: [],
  inCheckout: false,
  ...change,
})
const failedPackage = (error: Error) =>
  failure({ attempts: [{ source: 'package', request: 'tokenmill-linux-x64-gnu', outcome: 'failed', error }] })

for (const [title, given, expected] of [
  [
    'an addon that the permissions of Node do not allow',
    failedPackage(Object.assign(new Error('Cannot load native addon'), { code: 'ERR_DLOPEN_DISABLED' })),
    /\n {2}- start Node with --allow-addons beside --permission, and without --no-addons$/,
  ],
  [
    'a missing package',
    failure({}),
    /tokenmill-linux-x64-gnu is not installed\n.*\n {2}- npm install --os=linux --cpu=x64 --libc=glibc tokenmill@/,
  ],
  [
    'a package of another platform',
    failure({ installed: ['darwin-arm64'] }),
    /but tokenmill-darwin-arm64 is: node_modules was made for another/,
  ],
  [
    'a checkout',
    failure({ inCheckout: true }),
    /of this checkout is not compiled yet\n.*\n {2}- npm run build:native$/,
  ],
  [
    'an unknown platform',
    failure({ platform: { id: 'freebsd-x64', os: 'freebsd', arch: 'x64', libc: undefined }, attempts: [] }),
    /there is no package for this platform; there is one for linux-x64-gnu,/,
  ],
  [
    'musl',
    failure({ platform: { id: 'linux-x64-musl', os: 'linux', arch: 'x64', libc: 'musl' } }),
    /on linux-x64-musl \(Node [\d.]+, musl\)[^]*--libc=musl/,
  ],
  [
    'a glibc that is too old',
    failedPackage(
      new Error("/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.17' not found (required by tokenmill.node)"),
    ),
    /use a system with glibc 2\.17 or newer/,
  ],
  [
    'another version',
    failedPackage(new VersionMismatch('0.0.9')),
    /it is version 0\.0\.9, and this is tokenmill [\d.]+: the two must be equal/,
  ],
] as const) {
  test(`the message for ${title} says what to do`, (t) => {
    const { message, cause } = explainNativeFailure(given)
    t.regex(message, expected)
    t.true(message.includes(given.platform.id))
    t.is(cause, (given.attempts.find(({ outcome }) => outcome === 'failed') ?? given.attempts.at(-1))?.error)
  })
}

test('code without the files of its package, as a bundler leaves it, says so', (t) => {
  const dist = join(mkdtempSync(join(tmpdir(), 'tokenmill-bundle-')), 'dist')
  t.teardown(() => rmSync(join(dist, '..'), { recursive: true }))
  mkdirSync(dist)
  for (const name of readdirSync(new URL('../dist', import.meta.url)).filter((name) => /\.c?js$/.test(name)))
    copyFileSync(new URL(`../dist/${name}`, import.meta.url), join(dist, name))
  writeFileSync(join(dist, 'package.json'), '{"type":"module"}')
  const addon = fileURLToPath(new URL(`../build/tokenmill.${platformId()}.node`, import.meta.url))
  const code = `
    import { getEncoding } from ${JSON.stringify(pathToFileURL(join(dist, 'encodings.js')).href)}
    try { getEncoding('gpt2') } catch ({ code, message }) { console.log(code, message) }`
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', code], {
    env: { ...process.env, TOKENMILL_NATIVE_PATH: addon },
    encoding: 'utf8',
  })
  t.regex(
    said,
    /^ERR_INVALID_FILE .*r50k_base\.bpe.*exclude tokenmill from the bundle, as with --external:tokenmill of esbuild, and install it beside\n$/,
  )
})
