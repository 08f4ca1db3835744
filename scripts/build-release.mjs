/*
 * `npm run build:release [-- --target TRIPLE]`: the addon as it is published, in build/release/. Linux targets are linked
 * with zig (installed into .venv/), for glibc against the symbols of 2.17, which every distribution since 2014 has.
 * The result is checked: its newest glibc symbol, its libraries, no test hooks, and that it loads where it can.
 */
import { readFileSync, statSync, symlinkSync, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureModules, ensureNode, ensureRust, platformId } from './lib/ensure.mjs'
import { Failure, root, run, script } from './lib/run.mjs'
import { platforms } from './lib/stage.mjs'

const oldestGlibc = '2.17'
const tools = ['ziglang==0.17.1', 'cargo-zigbuild==0.24.0']

/* The environment in which cargo-zigbuild and zig are on the PATH. */
const zigEnvironment = async () => {
  const venv = join(root, '.venv')
  const bin = join(venv, 'bin')
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` }
  if (!existsSync(join(bin, 'zig'))) {
    console.log(`▸ Installing ${tools.join(' and ')} into .venv/`)
    await run('python3', ['-m', 'venv', venv])
    await run(join(bin, 'pip'), ['install', '--quiet', '--disable-pip-version-check', ...tools])
    const { output } = await run(join(bin, 'python3'), ['-c', 'import ziglang; print(ziglang.__path__[0])'], {
      quiet: true,
    })
    symlinkSync(join(output.trim(), 'zig'), join(bin, 'zig'))
  }
  return env
}

const build = async (id) => {
  const { os, libc, target } = platforms[id]
  const zig = os === 'linux'
  const triple = libc === 'glibc' ? `${target}.${oldestGlibc}` : target
  const env = zig ? await zigEnvironment() : { ...process.env }
  // A Node addon is a library of a process that brings its own libc, so musl must not be linked into it.
  if (libc === 'musl') env.RUSTFLAGS = '-C target-feature=-crt-static'
  await run(
    'npx',
    [
      ...['napi', 'build', '--platform', '--release', ...(zig ? ['--cross-compile'] : []), '--target', triple],
      ...[
        '--manifest-path',
        'crates/node/Cargo.toml',
        '--output-dir',
        'build/release',
        '--no-js',
        '--dts',
        'native-binding.d.ts',
      ],
    ],
    { env },
  )
  return join(root, 'build', 'release', `tokenmill.${id}.node`)
}

const compare = (a, b) => {
  const [x, y] = [a, b].map((version) => version.split('.').map(Number))
  return x[0] - y[0] || x[1] - y[1] || (x[2] ?? 0) - (y[2] ?? 0)
}

/* objdump knows only the machines it was built for; readelf reads them all. */
const symbolsOf = async (file) => {
  const objdump = await run('objdump', ['-T', file], { quiet: true, allowFailure: true })
  return objdump.code === 0
    ? objdump.output
    : (await run('readelf', ['--wide', '--dyn-syms', file], { quiet: true })).output
}

const checkLibc = async (file, libc) => {
  const versions = new Set([...(await symbolsOf(file)).matchAll(/GLIBC_([\d.]+)/g)].map(([, version]) => version))
  const newest = [...versions].sort(compare).at(-1)
  const libraries = [
    ...(await run('readelf', ['-d', file], { quiet: true })).output.matchAll(/\(NEEDED\).*\[(.+)\]/g),
  ].map(([, name]) => name)
  console.log(`  libraries: ${libraries.join(', ')}\n  newest glibc symbol: ${newest ? `GLIBC_${newest}` : 'none'}`)
  if (libc === 'musl' && newest) throw new Failure(`${file} is for musl but needs GLIBC_${newest}`)
  if (libc === 'glibc' && !newest) throw new Failure(`${file} names no glibc symbol: it is not what it should be`)
  if (newest && compare(newest, oldestGlibc) > 0)
    throw new Failure(`${file} needs GLIBC_${newest}, newer than ${oldestGlibc}`)
}

const checkHooks = (file) => {
  if (readFileSync(file).includes('panicInCall')) throw new Failure(`${file} was built with the test hooks`)
}

const checkLoads = async (file) => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const code = `const addon = require(${JSON.stringify(file)}); console.log(addon.VERSION, Object.keys(addon).join(' '))`
  const { output } = await run(process.execPath, ['-e', code], { quiet: true })
  const [found, ...names] = output.trim().split(' ')
  if (found !== version) throw new Failure(`${file} is version ${found}, package.json ${version}`)
  console.log(`  loads here and exports ${names.join(', ')}`)
}

await script(async () => {
  const { values } = parseArgs({ options: { target: { type: 'string', default: platforms[platformId()]?.target } } })
  const id = Object.keys(platforms).find((id) => platforms[id].target === values.target)
  if (id === undefined) {
    throw new Failure(
      `there is no package for ${values.target}; there is one for ${Object.values(platforms)
        .map(({ target }) => target)
        .join(', ')}`,
    )
  }
  ensureNode()
  await ensureRust()
  await ensureModules()
  const file = await build(id)
  const { size } = statSync(file)
  console.log(`▸ build/release/tokenmill.${id}.node: ${(size / 1e6).toFixed(2)} MB`)
  if (platforms[id].libc) await checkLibc(file, platforms[id].libc)
  checkHooks(file)
  if (id === platformId()) await checkLoads(file)
})
