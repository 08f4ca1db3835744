/*
 * `npm run gpu-check`: packs what checks a GPU into build/gpu-check.tar.xz: the addons, the library, this Node, the comparison with a reference, and the programs that take times. On
 * a machine with a GPU, glibc 2.28 or newer and the libraries of CUDA 13, `./run` in it needs nothing else; a PyTorch that is there is timed too. Here it packs, and runs the comparison
 * out of the archive on the processor. It builds what is missing, and needs no GPU.
 */
import { chmodSync, cpSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkGlibc, needsOf } from './lib/binary.mjs'
import { cudaTarget, ensureCudaBuild, oldestGlibc } from './lib/cuda-toolkit.mjs'
import { platformId } from './lib/ensure.mjs'
import { Failure, root, run, script } from './lib/run.mjs'

const name = 'gpu-check'
const addon = `tokenmill.${platformId()}.node`

await script(async () => {
  const say = (what) => console.log(`▸ ${what}`)
  const { env } = await ensureCudaBuild({ say })
  await run(process.execPath, ['scripts/build-cuda.mjs'], { env })
  // The addon without CUDA too, as it is published: the one of `npm run build` is for the glibc of this machine.
  await run(process.execPath, ['scripts/build-release.mjs'])
  const cargo = ['build', '--target', cudaTarget, '--release', '-p', 'tokenmill-embedding', '--features', 'cuda']
  const format = ['--message-format', 'json-render-diagnostics']
  const { output } = await run('cargo-zigbuild', [...cargo, '--example', 'cuda_times', ...format], { env, quiet: true })
  const times = /"executable":"([^"]+cuda_times)"/.exec(output)?.[1]
  if (!times) throw new Failure('cargo does not say where cuda_times is')
  if (!existsSync(join(root, 'dist/index.js'))) throw new Failure('dist/index.js is not there: npm run build')

  say(`Packing build/${name}.tar.xz`)
  const folder = join(root, 'build', name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(join(folder, 'build/cuda'), { recursive: true })
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module", "private": true }\n')
  cpSync(join(root, 'build/release', addon), join(folder, 'build', addon))
  cpSync(join(root, 'build/cuda', addon), join(folder, 'build/cuda', addon))
  cpSync(times, join(folder, 'cuda_times'))
  for (const file of ['check.mjs', 'times.mjs', 'torch_times.py', 'run']) {
    cpSync(join(root, 'scripts/gpu-check', file), join(folder, file))
  }
  await run('strip', ['-o', join(folder, 'node'), process.execPath], { quiet: true })
  for (const program of ['run', 'node', 'cuda_times']) chmodSync(join(folder, program), 0o755)
  for (const program of ['node', 'cuda_times', `build/${addon}`, `build/cuda/${addon}`]) {
    const file = join(folder, program)
    checkGlibc(file, (await needsOf(file)).glibc, oldestGlibc)
  }
  const archive = join(root, 'build', `${name}.tar.xz`)
  await run('tar', ['-C', join(root, 'build'), '-cJf', archive, name], { env: { ...process.env, XZ_OPT: '-1' } })
  console.log(`  ${(statSync(archive).size / 1e6).toFixed(1)} MB`)

  say('Unpacking it and running the comparison on the processor')
  const tried = join(root, 'build', `${name}-tried`)
  rmSync(tried, { recursive: true, force: true })
  mkdirSync(tried)
  await run('tar', ['-C', tried, '-xJf', archive], { quiet: true })
  // A machine without Node: nothing of this one's is on the PATH.
  await run(join(tried, name, 'run'), ['cpu'], { env: { PATH: '/usr/bin:/bin' } })
  rmSync(tried, { recursive: true })
})
