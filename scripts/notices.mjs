/* `node scripts/notices.mjs [ID]`: prints the licences of what is linked into the addon of a platform, of this one if none is named. */
import { platformId } from './lib/ensure.mjs'
import { linkedInto, noticesOf } from './lib/notices.mjs'
import { Failure, script } from './lib/run.mjs'
import { platforms } from './lib/stage.mjs'

await script(async () => {
  const id = process.argv[2] ?? platformId()
  if (!(id in platforms))
    throw new Failure(`there is no package for ${id}; there is one for ${Object.keys(platforms).join(', ')}`)
  process.stdout.write(noticesOf(await linkedInto(platforms[id].target)))
})
