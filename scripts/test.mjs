/*
 * `npm test`: installs and builds what is missing, then runs every test there is. Needs Node and Rust, nothing else;
 * works without node_modules. The last line is `N passed, N failed`.
 */
import { runChecks } from './lib/checks.mjs'
import { readers } from './lib/counts.mjs'
import { ensureBuilt, ensureRust } from './lib/ensure.mjs'
import { script } from './lib/run.mjs'
import { ownTemp } from './lib/temp.mjs'

const checks = [
  {
    title: 'Rust tests',
    command: ['cargo', 'test', '--workspace', '--profile', 'fast', '--no-fail-fast'],
    reader: readers.cargo,
  },
  { title: 'TypeScript, type, package and documentation tests', command: ['npx', 'ava'], reader: readers.ava },
  { title: 'mutations of the scanners are noticed', command: ['node', 'scripts/mutants.mjs'], reader: readers.own },
  { title: 'encodings/ is what its script makes', command: ['node', 'scripts/make-encodings.mjs', '--check'] },
]

await script(async () => {
  Object.assign(process.env, ownTemp())
  await ensureRust()
  await ensureBuilt({ say: (what) => console.log(`▸ ${what}`) })
  await runChecks(checks)
})
