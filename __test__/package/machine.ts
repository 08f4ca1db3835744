import { execFile } from 'node:child_process'
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

export interface Result {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A user's machine: Node and npm, an npm configuration of its own, one registry, and no Rust. */
export interface Machine {
  readonly folder: string
  run(program: string, args: readonly string[], cwd: string): Promise<Result>
}

/** Makes it inside `folder`. Its PATH holds one folder with links to Node, npm and a shell. */
export const makeMachine = (folder: string, registryUrl: string): Machine => {
  const bin = join(folder, 'bin')
  mkdirSync(bin, { recursive: true })
  symlinkSync(process.execPath, join(bin, 'node'))
  for (const program of ['npm', 'npx', 'sh']) symlinkSync(onPath(program), join(bin, program))

  const npmrc = join(folder, 'npmrc')
  // npm publishes only with a token, though this registry does not look at it.
  writeFileSync(npmrc, `registry=${registryUrl}\n${registryUrl.replace('http:', '')}:_authToken=none\n`)
  const env = {
    PATH: bin,
    HOME: folder,
    npm_config_userconfig: npmrc,
    npm_config_globalconfig: join(folder, 'no-such-npmrc'),
    npm_config_cache: join(folder, 'npm-cache'),
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
    npm_config_fetch_retries: '0',
  }
  return {
    folder,
    run: (program, args, cwd) =>
      new Promise((done) => {
        execFile(
          join(bin, program),
          [...args],
          { cwd, env, timeout: 100_000, maxBuffer: 2 ** 24 },
          (error, stdout, stderr) => {
            done({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, stdout, stderr })
          },
        )
      }),
  }
}

const onPath = (program: string): string => {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      return realpathSync(join(folder, program))
    } catch {
      // not in this folder
    }
  }
  throw new Error(`${program} is not on the PATH`)
}
