/*
 * `npm run build:ts`: compiles src/ into dist/. Files that no source stands behind any more are deleted afterwards, not
 * all of dist/ before, because others may be running it.
 */
import { rmSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { root, run, script } from './lib/run.mjs'
import { filesUnder } from './lib/stamp.mjs'

await script(async () => {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { code, output } = await run(process.execPath, [tsc, '-p', 'tsconfig.json', '--listEmittedFiles'], {
    quiet: true,
    allowFailure: true,
  })
  const emitted = new Set([...output.matchAll(/^TSFILE: (.+)$/gm)].map(([, file]) => normalize(file.trim())))
  const faults = output.replaceAll(/^TSFILE: .+\n/gm, '')
  if (faults) process.stderr.write(faults)
  if (code !== 0) process.exitCode = 1
  else for (const file of filesUnder(['dist'])) if (!emitted.has(file)) rmSync(file)
})
