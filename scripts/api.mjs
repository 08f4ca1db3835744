/*
 * Writes the public types of src/index.ts as the one page index.d.cts; with `--check` fails when the committed page is
 * not what the sources give.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rollUp } from './lib/roll-up.mjs'
import { Failure, root, script } from './lib/run.mjs'

await script(async () => {
  const page = join(root, 'index.d.cts')
  const wanted = await rollUp()
  if (!process.argv.includes('--check')) return writeFileSync(page, wanted)
  const present = existsSync(page) ? readFileSync(page, 'utf8').split('\n') : []
  const line = wanted.split('\n').findIndex((text, i) => text !== present[i])
  if (line >= 0)
    throw new Failure(
      `index.d.cts differs from what src/ gives, first in line ${line + 1}: run \`npm run api\` and commit it`,
    )
})
