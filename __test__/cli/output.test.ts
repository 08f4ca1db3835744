import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { build, story } from './cli.ts'

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
test.before(build)

/* A device that is always full. */
const full = '/dev/full'
const onFull = existsSync(full) ? test : test.skip

for (const args of [['encode', story], ['count', story], ['encode', '--json', story], ['doctor'], ['--help']]) {
  onFull(`${args.join(' ').replace(story, 'FILE')} to a full disk is one line and exit code 1`, (t) => {
    const device = openSync(full, 'w')
    const { status, stderr } = spawnSync(process.execPath, [main, ...args], {
      stdio: ['ignore', device, 'pipe'],
      encoding: 'utf8',
    })
    closeSync(device)
    t.is(status, 1)
    t.is(stderr, 'tokenmill: ERR_OUTPUT: cannot write to stdout: no space is left on the device\n')
  })
}

onFull('where messages cannot be written, the exit code is still that of the failure', (t) => {
  const device = openSync(full, 'w')
  const { status } = spawnSync(process.execPath, [main, 'encode', '-e', 'none', '-t', 'a'], {
    stdio: ['ignore', 'ignore', device],
  })
  closeSync(device)
  t.is(status, 2)
})
