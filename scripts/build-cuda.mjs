/*
 * `npm run build:cuda [-- --profile NAME]`: the addon of embeddings on CUDA devices, build/cuda/tokenmill.linux-x64-gnu.node, of which the package
 * tokenmill-cuda-linux-x64-gnu is made. It installs the compiler itself and needs no GPU; the first time takes some twenty minutes, most of it candle's own kernels.
 * The result is checked: the glibc and the libraries that it needs, and that it loads and says that there is no device, with libraries that have none.
 */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { checkGlibc, needsOf } from './lib/binary.mjs'
import { cudaTarget, ensureCudaBuild, libraries, oldestGlibc } from './lib/cuda-toolkit.mjs'
import { ensureModules, ensureNode, ensureRust, platformId } from './lib/ensure.mjs'
import { Failure, root, run, script } from './lib/run.mjs'

await script(async () => {
  const { values } = parseArgs({ options: { profile: { type: 'string', default: 'release' } } })
  const say = (what) => console.log(`▸ ${what}`)
  ensureNode()
  await ensureRust()
  await ensureModules({ say })
  const { env, links } = await ensureCudaBuild({ say })

  say('Compiling the addon with CUDA')
  const addon = ['--manifest-path', 'crates/node/Cargo.toml', '--no-default-features', '--features', 'cuda']
  const output = ['--output-dir', 'build/cuda', '--no-js', '--dts', 'native-binding.d.ts']
  const how = ['--platform', '--profile', values.profile, '--cross-compile', '--target', cudaTarget]
  await run('npx', ['napi', 'build', ...how, ...addon, ...output], { env })
  const file = join(root, 'build/cuda', `tokenmill.${platformId()}.node`)

  const { libraries: needed, glibc } = await needsOf(file)
  console.log(`  ${(statSync(file).size / 1e6).toFixed(1)} MB\n  libraries: ${needed.join(', ')}`)
  console.log(`  newest glibc symbol: GLIBC_${glibc}`)
  checkGlibc(file, glibc, oldestGlibc)
  for (const { soname } of [libraries.driver, libraries.cublas, libraries.curand]) {
    if (!needed.includes(soname)) throw new Failure(`${file} does not name ${soname}: it would not load`)
  }

  const code = `
    const addon = require(${JSON.stringify(file)})
    let said
    try { said = addon.cudaDevices() } catch (error) { said = error.code + ': ' + error.message }
    console.log(JSON.stringify({ names: Object.keys(addon), said }))`
  const loaded = await run(process.execPath, ['-e', code], {
    quiet: true,
    env: { ...process.env, LD_LIBRARY_PATH: links },
  })
  const { names, said } = JSON.parse(loaded.output)
  console.log(`  exports ${names.join(', ')}`)
  if (!String(said).startsWith('ERR_DEVICE: ')) throw new Failure(`without a device it says ${JSON.stringify(said)}`)
})
