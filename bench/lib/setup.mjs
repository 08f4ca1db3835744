import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureModules, ensureNode, ensureRust, ensureTypeScript, platformId } from '../../scripts/lib/ensure.mjs'
import { Failure, root, run } from '../../scripts/lib/run.mjs'
import { unlessFresh } from '../../scripts/lib/stamp.mjs'
import { bench } from './paths.mjs'

/* Gets everything that is measured, and what runs it. Does nothing when it is there and up to date. */

const succeeds = async (program, args) =>
  (await run(program, args, { quiet: true, allowFailure: true }).catch(() => ({ code: 1 }))).code === 0

export const peersFromNpm = (say) =>
  unlessFresh({
    name: 'bench-modules',
    inputs: ['bench/package.json', 'bench/package-lock.json'],
    outputs: ['bench/node_modules/.package-lock.json'],
    make: async () => {
      say('Installing the peers from npm into bench/node_modules')
      await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: bench, quiet: true })
    },
  })

/* The addon as it is published where there is Python, which brings zig; else what this machine's linker makes of the same profile. */
const releaseAddon = async (say) => {
  const file = `build/release/tokenmill.${platformId()}.node`
  await unlessFresh({
    name: 'bench-release',
    inputs: ['crates', 'Cargo.toml', 'Cargo.lock', '.cargo'],
    outputs: [file],
    make: async () => {
      say('Compiling the release build of the addon (minutes)')
      const plain = ['--manifest-path', 'crates/node/Cargo.toml', '--output-dir', 'build/release', '--no-js']
      if (await succeeds('python3', ['--version']))
        await run('npm', ['run', '--silent', 'build:release'], { quiet: true })
      else
        await run('npx', ['napi', 'build', '--platform', '--release', ...plain, '--dts', 'native-binding.d.ts'], {
          quiet: true,
        })
    },
  })
  return join(root, file)
}

/* The interpreter of .venv with the packages of requirements.txt, or only tiktoken; undefined when there is no Python. */
export const pythonWithPeers = async (say, { all }) => {
  if (!(await succeeds('python3', ['-c', 'import venv, sys; sys.exit(sys.version_info < (3, 10))']))) return undefined
  const bin = join(root, '.venv', process.platform === 'win32' ? 'Scripts' : 'bin')
  const python = join(bin, process.platform === 'win32' ? 'python.exe' : 'python3')
  const wanted = readFileSync(join(bench, 'requirements.txt'), 'utf8').match(/^[\w-]+.*$/gm)
  const packages = all ? wanted : wanted.filter((line) => /^(?:tiktoken|numpy)\b/.test(line))
  try {
    if (!existsSync(python)) {
      say('Making a Python environment in .venv/')
      await run('python3', ['-m', 'venv', join(root, '.venv')], { quiet: true })
    }
    await unlessFresh({
      name: all ? 'bench-python' : 'bench-python-tiktoken',
      inputs: ['bench/requirements.txt'],
      outputs: ['.venv/pyvenv.cfg'],
      make: async () => {
        say(`Installing ${packages.join(', ')} into .venv/`)
        await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages], {
          quiet: true,
        })
      },
    })
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    say(`There will be no peers from Python: ${error.message}`)
    return undefined
  }
  return python
}

const rustPeers = async (say) => {
  say('Compiling the harness in Rust')
  const args = ['build', '--release', '--manifest-path', join(bench, 'rust', 'Cargo.toml'), '--target-dir', 'target']
  const { output } = await run('cargo', [...args, '--message-format', 'json'], { quiet: true })
  const built = output.split('\n').filter((line) => line.includes('"executable":"'))
  return JSON.parse(built.at(-1)).executable
}

/**
 * @param {{ native: boolean, say: (what: string) => void }} options `native`: the peers of the native table too
 * @returns {Promise<import('./commands.mjs').Tools>}
 */
export const setUp = async ({ native, say }) => {
  ensureNode()
  await ensureModules({ say })
  await ensureRust()
  await ensureTypeScript({ say, quiet: true })
  await peersFromNpm(say)
  return {
    addon: await releaseAddon(say),
    python: await pythonWithPeers(say, { all: native }),
    rust: native ? await rustPeers(say) : undefined,
  }
}
