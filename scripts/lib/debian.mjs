import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, run } from './run.mjs'

/*
 * Packages of Debian and its relatives, unpacked into a folder: nothing of the machine changes, and nobody needs to be root.
 */

const output = async (program, args, options) => (await run(program, args, { quiet: true, ...options })).output.trim()

/** Whether this machine has apt and dpkg. */
export const hasApt = () => existsSync('/usr/bin/apt-get') && existsSync('/usr/bin/dpkg-deb')

/**
 * Unpacks the packages `names`, with all that they need and the machine lacks, into `folder`.
 *
 * @param {readonly string[]} names as apt-get takes them
 * @param {string} folder what was in it is kept
 */
export const unpackPackages = async (names, folder) => {
  const archives = freshFolder(folder, 'archives')
  const settings = ['-o', 'Debug::NoLocking=1', '-o', `Dir::Cache::archives=${archives}`]
  await run(
    'apt-get',
    [...settings, '--yes', '--download-only', '--no-install-recommends', '--reinstall', 'install', ...names],
    { quiet: true },
  )
  await unpack(archives, folder)
}

/**
 * Unpacks one package of another suite of the same mirror, such as backports, into `folder`.
 *
 * @param {string} name
 * @param {string} version what its version starts with
 * @param {string} suite
 * @param {string} folder
 */
export const unpackFromSuite = async (name, version, suite, folder) => {
  const mirror = (await output('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Component: main']))
    .split('\n')
    .find((uri) => /\/debian\/?$/.test(uri))
  if (!mirror) throw new Failure(`apt knows no mirror of Debian to take ${name} from.`)
  const archives = freshFolder(folder, 'archives')
  const apt = freshFolder(folder, 'apt')
  mkdirSync(join(apt, 'lists/partial'), { recursive: true })
  writeFileSync(
    join(apt, 'sources.list'),
    `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror} ${suite} main\n`,
  )
  const settings = [
    `Dir::Etc::sourcelist "${apt}/sources.list";`,
    'Dir::Etc::sourceparts "/dev/null";',
    `Dir::State::lists "${apt}/lists";`,
    `Dir::Cache "${apt}";`,
    'Debug::NoLocking "1";',
    'APT::Sandbox::User "";',
  ]
  writeFileSync(join(apt, 'apt.conf'), settings.join('\n'))
  const env = { ...process.env, APT_CONFIG: join(apt, 'apt.conf') }
  await run('apt-get', ['update'], { quiet: true, env })
  await run('apt-get', ['download', `${name}=${version}*`], { quiet: true, env, cwd: archives })
  await unpack(archives, folder)
  rmSync(apt, { recursive: true })
}

const freshFolder = (folder, name) => {
  const path = join(folder, name)
  rmSync(path, { recursive: true, force: true })
  mkdirSync(join(path, 'partial'), { recursive: true })
  return path
}

const unpack = async (archives, folder) => {
  for (const file of readdirSync(archives).filter((file) => file.endsWith('.deb')))
    await run('dpkg-deb', ['--extract', join(archives, file), folder], { quiet: true })
  rmSync(archives, { recursive: true })
}
