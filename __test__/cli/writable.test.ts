import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { checkWritable } from '../../src/cli/writable.ts'
import { writeFileAtomically } from '../../src/tokenizer/write-file.ts'
import { makeFolder } from './cli.ts'

const folder = makeFolder()
test.after.always(folder.remove)
const at = (...names: string[]) => join(folder.path, ...names)
const unlessWindows = process.platform === 'win32' ? test.skip : test

test('a file can be made where its folder is, and nothing else is in its place', async (t) => {
  await writeFile(at('file'), '')
  await t.notThrowsAsync(checkWritable(at('file')))
  await t.notThrowsAsync(checkWritable(at('new')))
  const refused = (path: string, why: string) =>
    t.throwsAsync(checkWritable(path), { code: 'ERR_OUTPUT', message: `cannot write ${path}: ${why}` })
  await refused(at('nowhere', 'file'), 'there is no such folder')
  await refused(at('file', 'file'), 'its folder is none')
  await refused(folder.path, 'it is a folder')
})

unlessWindows('of a link that is said of what it means, as that is what is written', async (t) => {
  await mkdir(at('real', 'deep'), { recursive: true })
  // The folder of `up` is a link: what is above it is `real`.
  await symlink(at('real', 'deep'), at('linked'))
  await symlink('../above', at('linked', 'up'))
  for (const [name, target] of [
    ['there', 'real/new'],
    ['nowhere', 'none/new'],
    ['loop', 'loop'],
  ] as const)
    await symlink(target, at(name))
  for (const path of [at('there'), at('linked', 'up')]) {
    await t.notThrowsAsync(checkWritable(path))
    await t.notThrowsAsync(writeFileAtomically(path, ['text']))
  }
  await t.notThrowsAsync(checkWritable(at('real', 'new')))
  t.deepEqual(await Promise.all([at('real', 'new'), at('real', 'above')].map((path) => readFile(path, 'utf8'))), [
    'text',
    'text',
  ])
  for (const [name, message] of [
    ['nowhere', /: there is no such folder$/],
    ['loop', /: its links lead to one another$/],
  ] as const) {
    await t.throwsAsync(checkWritable(at(name)), { code: 'ERR_OUTPUT', message })
    await t.throwsAsync(writeFileAtomically(at(name), ['text']), { code: 'ERR_INVALID_FILE' })
  }
})

const unlessRoot = process.platform === 'win32' || process.getuid?.() === 0 ? test.skip : test

unlessRoot('of two folders that of the file is written, not that of the link', async (t) => {
  await mkdir(at('closed'))
  await mkdir(at('open'))
  await symlink('../open/file', at('closed', 'link'))
  await symlink('../closed/file', at('open', 'link'))
  await chmod(at('closed'), 0o555)
  await t.notThrowsAsync(checkWritable(at('closed', 'link')))
  await t.throwsAsync(checkWritable(at('open', 'link')), { code: 'ERR_OUTPUT', message: /: permission denied$/ })
})
