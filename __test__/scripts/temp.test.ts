import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'

const module = new URL('../../scripts/lib/temp.mjs', import.meta.url).href
const program = `
import { tmpdir } from 'node:os'
import { ownTemp } from ${JSON.stringify(module)}
Object.assign(process.env, ownTemp())
`

test('the folder of a process is removed when it ends, and that of one that was killed by the next', async (t) => {
  const parent = mkdtempSync(join(tmpdir(), 'tokenmill-temp-'))
  t.teardown(() => rmSync(parent, { recursive: true }))
  const of = (code: string) => ['--input-type=module', '-e', `${program}${code}`]
  const env = { ...process.env, TMPDIR: parent, TMP: parent, TEMP: parent }
  const killed = spawn(process.execPath, of(`console.log(tmpdir()); setInterval(() => {}, 1000)`), { env })
  const [line] = (await once(killed.stdout, 'data')) as [Buffer]
  const left = String(line).trim()
  t.is(join(left, '..'), parent)
  const ended = once(killed, 'close')
  const look = `
    import { existsSync } from 'node:fs'
    console.log(JSON.stringify([tmpdir(), existsSync(tmpdir()), existsSync(${JSON.stringify(left)})]))`
  const next = () => {
    const { stdout, stderr } = spawnSync(process.execPath, of(look), { env, encoding: 'utf8' })
    t.is(stderr, '')
    return JSON.parse(stdout) as [string, boolean, boolean]
  }
  const other = join(parent, 'tokenmill-tests-of-another')
  mkdirSync(other)
  const [own, isThere, isLeft] = next()
  t.deepEqual([isThere, isLeft], [true, true], 'that of a process that runs stays')
  t.false(existsSync(own))
  killed.kill('SIGKILL')
  await ended
  t.true(existsSync(left))
  t.is(next()[2], false)
  t.true(existsSync(other))
})
