/* `npm run lint`: every check that runs no code of ours. The last line is `N passed, N failed`. */
import { runChecks } from './lib/checks.mjs'
import { ensureBuilt, ensureRust } from './lib/ensure.mjs'
import { script } from './lib/run.mjs'

const rust = ['--workspace', '--profile', 'fast']

const checks = [
  { title: 'repository rules', command: ['node', 'scripts/check-repository.mjs'] },
  { title: 'package-lock.json serves every platform', command: ['node', 'scripts/complete-lock.mjs', '--check'] },
  { title: 'what the addon contains has its licences', command: ['node', 'scripts/notices.mjs'] },
  { title: 'oxlint', command: ['npx', 'oxlint'] },
  { title: 'prettier', command: ['npx', 'prettier', '--check', '.'] },
  { title: 'rustfmt', command: ['cargo', 'fmt', '--all', '--check'] },
  { title: 'types', command: ['npx', 'tsc', '-p', 'tsconfig.check.json'] },
  { title: 'index.d.cts is what src/ gives', command: ['node', 'scripts/api.mjs', '--check'] },
  {
    title: 'native-binding.d.ts is what the addon gives',
    command: ['git', 'diff', '--exit-code', '--', 'src/native-binding.d.ts'],
  },
  { title: 'every public export is documented', command: ['node', 'scripts/check-docs.mjs'] },
  { title: 'publint', command: ['npx', 'publint', '--strict'] },
  { title: 'are the types wrong?', command: ['npx', 'attw', '--pack', '.'] },
  {
    title: 'clippy',
    command: ['cargo', 'clippy', ...rust, '--exclude', 'tokenmill-node', '--all-targets', '--', '-D', 'warnings'],
  },
  {
    // Without --all-targets: in a Rust test, of which it has none, nothing would use its exports.
    title: 'clippy of the addon',
    command: [
      ...'cargo clippy --profile fast -p tokenmill-node --features test-hooks'.split(' '),
      '--',
      '-D',
      'warnings',
    ],
  },
  {
    title: 'clippy of the addon without text',
    command: 'cargo clippy --profile fast -p tokenmill-node --no-default-features -- -D warnings'.split(' '),
  },
  {
    title: 'rustdoc',
    command: ['cargo', 'doc', ...rust, '--no-deps', '--document-private-items'],
    // The crates are read in this repository, where private items are there too.
    env: { RUSTDOCFLAGS: '-D warnings -A rustdoc::private-intra-doc-links' },
  },
].map((check) => ({ ...check, quiet: true }))

await script(async () => {
  await ensureRust()
  await ensureBuilt({ say: (what) => console.log(`▸ ${what}`) })
  await runChecks(checks)
})
