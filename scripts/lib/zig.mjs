import { existsSync, symlinkSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { root, run } from './run.mjs'

const tools = ['ziglang==0.17.1', 'cargo-zigbuild==0.24.0']

/**
 * The environment in which `cargo-zigbuild` and `zig` are on the PATH, installed into build/zig/ where they are missing. Programs are linked with them against the symbols of any
 * version of glibc, whatever the one of this machine is.
 *
 * @param {{ say: (what: string) => void }} options
 * @returns {Promise<NodeJS.ProcessEnv>}
 */
export const zigEnvironment = async ({ say }) => {
  const venv = join(root, 'build', 'zig')
  const bin = join(venv, 'bin')
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` }
  if (!existsSync(join(bin, 'zig'))) {
    say(`Installing ${tools.join(' and ')} into build/zig/`)
    await run('python3', ['-m', 'venv', venv])
    await run(join(bin, 'pip'), ['install', '--quiet', '--disable-pip-version-check', ...tools])
    const { output } = await run(join(bin, 'python3'), ['-c', 'import ziglang; print(ziglang.__path__[0])'], {
      quiet: true,
    })
    symlinkSync(join(output.trim(), 'zig'), join(bin, 'zig'))
  }
  return env
}
