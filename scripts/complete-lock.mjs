/*
 * Adds to package-lock.json the optional packages of other platforms that npm left out of it. npm writes only those that
 * the registry it used could give; with a lock file made so, `npm ci` fails and other platforms miss their binaries
 * (https://github.com/npm/cli/issues/4828). Run it after each change of a dependency; `--check` fails when some are missing.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, root, script } from './lib/run.mjs'

const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32']
const machines = ['arm', 'arm64', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64']

/* The fields by which npm chooses, read off the name: `@rollup/rollup-linux-arm64-musl`. */
const limitsOf = (name) => {
  const words = name.split('/').at(-1).split('-')
  const os = words.find((word) => systems.includes(word))
  const cpu = words.find((word) => machines.includes(word))
  const libc = words.at(-1).startsWith('musl') ? 'musl' : words.at(-1).startsWith('gnu') ? 'glibc' : undefined
  return { os: os && [os], cpu: cpu && [cpu], libc: libc && os === 'linux' ? [libc] : undefined }
}

/* npm looks for a package in the node_modules of its dependent, then of each folder above. */
const isLocked = (packages, dependent, name) => {
  const parts = dependent.split('/node_modules/')
  return ['', ...parts.map((_, i) => `${parts.slice(0, i + 1).join('/node_modules/')}/`)].some(
    (above) => `${above}node_modules/${name}` in packages,
  )
}

const missingFrom = (packages) => {
  const missing = new Map()
  for (const [path, { optionalDependencies = {}, dev }] of Object.entries(packages)) {
    for (const [name, range] of Object.entries(optionalDependencies)) {
      if (!isLocked(packages, path, name))
        missing.set(`node_modules/${name}`, { name, dev, version: range.replace(/^[~^]/, '') })
    }
  }
  return missing
}

const complete = (folder, check) => {
  const file = join(root, folder, 'package-lock.json')
  if (!existsSync(file)) return
  const lock = JSON.parse(readFileSync(file, 'utf8'))
  const missing = missingFrom(lock.packages)
  if (missing.size === 0) return
  const name = join(folder, 'package-lock.json')
  if (check) {
    throw new Failure(
      `${name} lacks ${missing.size} packages of other platforms: run \`node scripts/complete-lock.mjs\``,
    )
  }
  for (const [path, { name, version, dev }] of missing) {
    const { os, cpu, libc } = limitsOf(name)
    lock.packages[path] = { version, cpu, dev, libc, optional: true, os } // npm's order
  }
  const { '': self, ...others } = lock.packages
  const sorted = Object.entries(others).sort(([a], [b]) => a.localeCompare(b, 'en'))
  lock.packages = { '': self, ...Object.fromEntries(sorted) }
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
  console.log(`added ${missing.size} packages of other platforms to ${name}`)
}

await script(() => {
  for (const folder of ['', 'bench']) complete(folder, process.argv.includes('--check'))
})
