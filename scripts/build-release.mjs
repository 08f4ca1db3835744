/*
 * `npm run build:release [-- --target TRIPLE]`: the addon as it is published, in build/release/. Linux targets are linked
 * with zig (installed into build/zig/), for glibc against the symbols of 2.17, which every distribution since 2014 has.
 * The result is checked: its newest glibc symbol, its libraries, no test hooks, and that it loads where it can.
 */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { checkGlibc, needsOf } from './lib/binary.mjs'
import { ensureModules, ensureNode, ensureRust, platformId } from './lib/ensure.mjs'
import { Failure, root, run, script } from './lib/run.mjs'
import { platforms } from './lib/stage.mjs'
import { zigEnvironment } from './lib/zig.mjs'

const oldestGlibc = '2.17'
const build = async (id) => {
  const { os, libc, target } = platforms[id]
  const zig = os === 'linux'
  const triple = libc === 'glibc' ? `${target}.${oldestGlibc}` : target
  const env = zig ? await zigEnvironment({ say: (what) => console.log(`▸ ${what}`) }) : { ...process.env }
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

const checkLibc = async (file, libc) => {
  const { libraries, glibc } = await needsOf(file)
  console.log(`  libraries: ${libraries.join(', ')}\n  newest glibc symbol: ${glibc ? `GLIBC_${glibc}` : 'none'}`)
  if (libc === 'glibc') checkGlibc(file, glibc, oldestGlibc)
  else if (glibc) throw new Failure(`${file} is for musl but needs GLIBC_${glibc}`)
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
