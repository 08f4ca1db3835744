import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, loadavg, platform, totalmem } from 'node:os'
import { join } from 'node:path'
import { root } from '../../scripts/lib/run.mjs'
import { bench } from './paths.mjs'

const output = (program, args) => {
  try {
    return execFileSync(program, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return undefined
  }
}

/** What decides the figures, without the name of the machine or any path on it. */
export const machine = () => ({
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: availableParallelism(),
  memoryGB: Math.round(totalmem() / 2 ** 30),
  system: `${platform()} ${arch()}`,
})

/** How busy the machine is: processes that want to run, over the last minute. */
export const load = () => Number(loadavg()[0].toFixed(2))

/** The versions of what was measured and of what ran it. */
export const versions = ({ python }) => {
  const npm = JSON.parse(readFileSync(join(bench, 'package.json'), 'utf8')).dependencies
  const crates = [...readFileSync(join(bench, 'rust', 'Cargo.toml'), 'utf8').matchAll(/^([\w-]+) = .*"=([^"]+)"/gm)]
  const pip = python && output(python, ['-m', 'pip', 'list', '--format=json', '--disable-pip-version-check'])
  const wanted = readFileSync(join(bench, 'requirements.txt'), 'utf8').match(/^[\w-]+(?===)/gm)
  const installed = pip ? JSON.parse(pip).filter(({ name }) => wanted.includes(name)) : []
  return {
    tokenmill: JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version,
    commit: output('git', ['rev-parse', '--short', 'HEAD']),
    changed: output('git', ['status', '--porcelain', '--untracked-files=no', 'crates', 'src', 'encodings']) !== '',
    node: process.versions.node,
    v8: process.versions.v8,
    rust: output('rustc', ['--version'])?.split(' ')[1],
    python: python && output(python, ['--version'])?.split(' ')[1],
    npm,
    crates: Object.fromEntries(crates.map(([, name, version]) => [name, version])),
    pypi: Object.fromEntries(installed.map(({ name, version }) => [name, version])),
  }
}
