import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { Failure, root, run } from './run.mjs'
import { unlessFresh } from './stamp.mjs'

/*
 * Each function makes sure that one thing is there and up to date, and does nothing when it is. `say` is told in one
 * sentence what is about to be done, just before it is. Only Node's own modules are used: these run before `npm ci`.
 */

const silent = () => {}

const atLeast = (version, wanted) => {
  const have = version.split('.').map(Number)
  const want = wanted.split('.').map(Number)
  for (const [i, part] of want.entries()) if ((have[i] ?? 0) !== part) return (have[i] ?? 0) > part
  return true
}

/** Fails when this Node is older than package.json's `engines` allow. */
export const ensureNode = () => {
  const wanted = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node.replace('>=', '')
  if (!atLeast(process.versions.node, wanted)) {
    throw new Failure(
      `Tokenmill needs Node ${wanted} or newer, this is ${process.versions.node}: see https://nodejs.org/en/download`,
    )
  }
}

/** Makes sure that cargo and a linker are there, or fails with how to get them. Puts rustup's folder on the PATH if it is not there. */
export const ensureRust = async () => {
  const wanted = /^rust-version = "(.+)"$/m.exec(readFileSync(join(root, 'Cargo.toml'), 'utf8'))[1]
  const install =
    process.platform === 'win32'
      ? '  winget install Rustlang.Rustup'
      : "  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y"
  const version = async () => /^cargo (\d+\.\d+\.\d+)/.exec(await tryOutput('cargo', ['--version']))?.[1]

  let found = await version()
  const cargoHome = join(process.env.CARGO_HOME ?? join(homedir(), '.cargo'), 'bin')
  if (!found && existsSync(cargoHome)) {
    process.env.PATH = `${cargoHome}${delimiter}${process.env.PATH}`
    found = await version()
  }
  if (!found) {
    throw new Failure(
      `Tokenmill is built from source here and needs Rust ${wanted} or newer, but no cargo was found. To install it:\n\n${install}\n\n` +
        'Then run this again. https://rustup.rs says more; `npm install tokenmill` gives a built package, which needs no Rust.',
    )
  }
  if (!atLeast(found, wanted)) {
    throw new Failure(
      `Tokenmill needs Rust ${wanted} or newer, this is ${found}. Run this, then try again:\n\n  rustup update stable\n`,
    )
  }
  if (process.platform !== 'win32' && !(await tryOutput('cc', ['--version']))) {
    throw new Failure(
      'Rust needs a C linker, and no `cc` was found. Run this, then try again:\n\n' +
        (process.platform === 'darwin'
          ? '  xcode-select --install\n'
          : '  sudo apt-get install build-essential   # or your system’s gcc package\n'),
    )
  }
}

const tryOutput = async (program, args) => {
  try {
    return (await run(program, args, { quiet: true })).output
  } catch {
    return ''
  }
}

/** Makes sure that node_modules holds what package-lock.json says, with `npm ci` when it does not. */
export const ensureModules = async ({ say = silent, quiet = false } = {}) => {
  if (modulesMatchLock()) return
  say('Installing the npm packages (npm ci)')
  await run('npm', ['ci', '--no-audit', '--no-fund'], { quiet })
}

/* npm writes what it installed into node_modules/.package-lock.json; an optional package of another platform may be absent. */
const modulesMatchLock = () => {
  try {
    const read = (path) => JSON.parse(readFileSync(join(root, path), 'utf8')).packages
    const wanted = read('package-lock.json')
    const installed = read('node_modules/.package-lock.json')
    return Object.entries(wanted).every(
      ([path, { version, optional, peer }]) =>
        path === '' || installed[path]?.version === version || (!installed[path] && (optional || peer)),
    )
  } catch {
    return false
  }
}

/** Makes sure that build/ holds the native addon of these sources (profile `fast`, with the test hooks). */
export const ensureNative = ({ say = silent, quiet = false } = {}) =>
  unlessFresh({
    name: 'native',
    inputs: ['crates', 'Cargo.toml', 'Cargo.lock', '.cargo'],
    outputs: [`build/tokenmill.${platformId()}.node`],
    extra: JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts['build:native'],
    make: async () => {
      await ensureRust()
      say('Compiling the native addon (a few minutes the first time)')
      await run('npm', ['run', '--silent', 'build:native'], { quiet })
    },
  })

/** Makes sure that dist/ holds the compiled JavaScript of these sources. */
export const ensureTypeScript = ({ say = silent, quiet = false } = {}) =>
  unlessFresh({
    name: 'typescript',
    inputs: ['src', 'tsconfig.json', 'package-lock.json', 'scripts/build-ts.mjs'],
    outputs: ['dist'],
    make: async () => {
      say('Compiling TypeScript')
      await run('npm', ['run', '--silent', 'build:ts'], { quiet })
    },
  })

/** All of the above, in their order: afterwards `dist/` runs. */
export const ensureBuilt = async (options) => {
  ensureNode()
  await ensureModules(options)
  await ensureNative(options)
  await ensureTypeScript(options)
}

/** This machine's `<platform>-<arch>[-<libc>]`, as in the names of the platform packages. */
export const platformId = () => {
  const { platform, arch } = process
  if (platform === 'win32') return `win32-${arch}-msvc`
  if (platform !== 'linux') return `${platform}-${arch}`
  process.report.excludeNetwork = true // without it the report looks up host names, for seconds
  return `linux-${arch}-${process.report.getReport().header.glibcVersionRuntime ? 'gnu' : 'musl'}`
}
