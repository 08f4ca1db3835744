/* `npm run test:leak`: builds what is missing, then what __test__/leak/soak.mjs says. */
import { ensureBuilt } from './lib/ensure.mjs'
import { run, script } from './lib/run.mjs'

await script(async () => {
  await ensureBuilt({ say: (what) => console.log(`▸ ${what}`) })
  const { code } = await run('node', ['__test__/leak/soak.mjs', ...process.argv.slice(2)], { allowFailure: true })
  process.exitCode = code
})
