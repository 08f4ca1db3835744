/*
 * `node scripts/stage.mjs FOLDER`: makes in FOLDER the packages as they are published, each in a folder of its own: one
 * for every platform, around what the release builds left in build/release/, and the main one. Fails when one is missing.
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Failure, root, script } from './lib/run.mjs'
import { platforms, stageMain, stagePlatform } from './lib/stage.mjs'

await script(() => {
  const folder = process.argv[2]
  if (!folder) throw new Failure('usage: node scripts/stage.mjs FOLDER')
  for (const needed of ['dist/index.js', 'index.d.ts', 'encodings', 'README.md', 'LICENSE']) {
    if (!existsSync(join(root, needed))) throw new Failure(`${needed} is missing`)
  }
  for (const id of Object.keys(platforms)) {
    const addon = join(root, 'build', 'release', `tokenmill.${id}.node`)
    if (!existsSync(addon)) throw new Failure(`there is no release build for ${id}: ${platforms[id].target}`)
    console.log(stagePlatform(resolve(folder, `tokenmill-${id}`), id, addon))
  }
  console.log(stageMain(resolve(folder, 'tokenmill')))
})
