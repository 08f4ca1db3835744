/*
 * `node scripts/stage.mjs FOLDER`: makes in FOLDER the packages as they are published, each in a folder of its own: one
 * for every platform, around what the release builds left in build/release/, the one with CUDA, and the main one. Fails when one is missing.
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { linkedInto, noticesOf } from './lib/notices.mjs'
import { Failure, root, script } from './lib/run.mjs'
import { cudaPlatform, platforms, stageCuda, stageMain, stagePlatform } from './lib/stage.mjs'

await script(async () => {
  const folder = process.argv[2]
  if (!folder) throw new Failure('usage: node scripts/stage.mjs FOLDER')
  for (const needed of [
    'dist/index.js',
    'dist/index.cjs',
    'index.d.cts',
    'index.d.ts',
    'encodings',
    'README.md',
    'LICENSE',
  ]) {
    if (!existsSync(join(root, needed))) throw new Failure(`${needed} is missing`)
  }
  for (const id of Object.keys(platforms)) {
    const addon = join(root, 'build', 'release', `tokenmill.${id}.node`)
    if (!existsSync(addon)) throw new Failure(`there is no release build for ${id}: ${platforms[id].target}`)
    const notices = noticesOf(await linkedInto(platforms[id].target))
    console.log(stagePlatform(resolve(folder, `tokenmill-${id}`), id, addon, notices))
  }
  const cuda = join(root, 'build', 'cuda', `tokenmill.${cudaPlatform}.node`)
  if (!existsSync(cuda)) throw new Failure('there is no addon with CUDA: npm run build:cuda')
  const notices = noticesOf(await linkedInto(platforms[cudaPlatform].target, ['cuda']))
  console.log(stageCuda(resolve(folder, `tokenmill-cuda-${cudaPlatform}`), cuda, notices))
  console.log(stageMain(resolve(folder, 'tokenmill')))
})
