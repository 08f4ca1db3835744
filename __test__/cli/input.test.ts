import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import test from 'ava'
import { CliFailure } from '../../src/cli/failure.ts'
import { maxInputBytes, pathOrBytes, readAll, readInput } from '../../src/cli/input.ts'
import { build, makeFolder, start } from './cli.ts'

const folder = makeFolder()
test.before(build)
test.after.always(folder.remove)

test('a stream is read whole, up to its limit', async (t) => {
  const stream = () => Readable.from([Buffer.from('ab'), Buffer.from('cd')])
  t.is((await readAll(stream(), 'stdin', 4)).toString(), 'abcd')
  t.like(await t.throwsAsync(readAll(stream(), 'stdin', 3), { instanceOf: CliFailure }), {
    code: 'ERR_LIMIT',
    exitCode: 1,
  })
})

test('a stream that is larger is not read further', async (t) => {
  let made = 0
  const endless = async function* () {
    for (;;) {
      made++
      yield Buffer.alloc(1000)
    }
  }
  await t.throwsAsync(readAll(endless(), 'stdin', 10_000), { message: /stdin is larger than/ })
  t.is(made, 11)
})

test('a file is read up to its limit', async (t) => {
  const file = folder.file('four.txt', 'abcd')
  t.is((await readInput(file, 4)).bytes.toString(), 'abcd')
  t.like(await t.throwsAsync(readInput(file, 3)), { code: 'ERR_LIMIT' })
  t.is((await readInput(folder.file('none.txt', ''), 0)).bytes.length, 0)
  t.is(maxInputBytes, 2 ** 30)
})

const unixTest = process.platform === 'win32' ? test.skip : test

const linuxTest = process.platform === 'linux' ? test : test.skip

linuxTest('an interrupt ends a command that waits for a pipe, opened or not', async (t) => {
  const pipe = join(folder.path, 'silent')
  execFileSync('mkfifo', [pipe])
  for (const isOpen of [false, true]) {
    const writer = isOpen ? await open(pipe, 'r+') : undefined
    const child = start(['count', pipe])
    child.stdin.end()
    const ended = once(child, 'close')
    // It waits when it has opened the pipe; the system tells of that only who looks.
    await until(() => readdirSync(`/proc/${child.pid}/fd`).some((fd) => linkOf(`/proc/${child.pid}/fd/${fd}`) === pipe))
    child.kill('SIGINT')
    t.deepEqual(await ended, [130, null])
    await writer?.close()
  }
})

linuxTest('a pipe into which nothing was written is empty', async (t) => {
  const pipe = join(folder.path, 'empty')
  execFileSync('mkfifo', [pipe])
  const [{ bytes }] = await Promise.all([readInput(pipe, 4), writeFile(pipe, '')])
  t.is(bytes.length, 0)
})

/** Waits for `is`. */
const until = async (is: () => boolean): Promise<void> => {
  while (!is()) await new Promise((done) => setTimeout(done, 20))
}

const linkOf = (path: string): string | undefined => {
  try {
    return readlinkSync(path)
  } catch {
    return undefined // It was closed meanwhile.
  }
}

unixTest('a pipe is read to its end, by who takes bytes of it', async (t) => {
  const pipe = join(folder.path, 'pipe')
  execFileSync('mkfifo', [pipe])
  const written = async (work: Promise<unknown>) => (await Promise.all([work, writeFile(pipe, 'abcd')]))[0]
  t.deepEqual(await written(readInput(pipe, 4)), { name: pipe, bytes: Buffer.from('abcd') })
  t.deepEqual(await written(pathOrBytes(pipe)), Buffer.from('abcd'))
  t.is(await pathOrBytes(folder.path), folder.path)
  t.is(await pathOrBytes('none'), 'none')
})
