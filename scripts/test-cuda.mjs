/*
 * `npm run test:cuda`: the tests of devices, in Rust and in TypeScript, on CUDA. Where there is no GPU they run on libraries that take its place: the kernels, compiled for the
 * host from the same sources, in memory whose bounds are watched. That proves what they compute; it is no GPU, and says nothing about speed. `-- --device` asks
 * for a GPU. It builds what `npm run build:cuda` does; `-- --profile fast` is soon linked again, and compiles candle's kernels once more. The last line is `N passed, N failed`.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runChecks } from './lib/checks.mjs'
import { readers } from './lib/counts.mjs'
import { cudaTarget, ensureCudaBuild, ensureEmulatedCuda } from './lib/cuda-toolkit.mjs'
import { platformId } from './lib/ensure.mjs'
import { root, run, script } from './lib/run.mjs'

await script(async () => {
  const { values } = parseArgs({
    options: { device: { type: 'boolean', default: false }, profile: { type: 'string', default: 'release' } },
  })
  const say = (what) => console.log(`▸ ${what}`)
  const { env } = await ensureCudaBuild({ say })
  const onCuda = {
    TOKENMILL_TEST_CUDA: '1',
    TOKENMILL_CUDA_PATH: join(root, 'build/cuda', `tokenmill.${platformId()}.node`),
    ...(values.device ? {} : { LD_LIBRARY_PATH: await ensureEmulatedCuda({ say }) }),
  }
  const profile = ['--profile', values.profile]
  await run(process.execPath, ['scripts/build-cuda.mjs', ...profile], { env })
  const cargo = ['--target', cudaTarget, ...profile, '-p', 'tokenmill-embedding', '--features', 'cuda']
  await runChecks([
    {
      title: 'Rust',
      command: ['cargo-zigbuild', 'test', ...cargo, '--lib', '--test', 'devices', '--test', 'host_memory'],
      reader: readers.cargo,
      env: { ...env, ...onCuda },
    },
    {
      title: 'the program that takes times',
      command: ['cargo-zigbuild', 'run', ...cargo, '--example', 'cuda_times', '--', '100', '16', '2', '8', '2'],
      env: { ...env, ...onCuda },
    },
    {
      title: 'TypeScript',
      command: ['npx', 'ava', '__test__/embedding/every-device.test.ts', '__test__/embedding/cuda-libraries.test.ts'],
      reader: readers.ava,
      // An emulated device that soon has no memory.
      env: { ...onCuda, EMULATED_CUDA_MEMORY: String(64 << 20) },
    },
  ])
})
