import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { noticesOf } from '../../scripts/lib/notices.mjs'

const folder = mkdtempSync(join(tmpdir(), 'tokenmill-notices-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

const made = (
  name: string,
  license: string,
  files: Readonly<Record<string, string>>,
  authors: readonly string[] = [],
) => {
  mkdirSync(join(folder, name))
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, name, file), text)
  return { name, version: '1.0.0', license, authors, manifest_path: join(folder, name, 'Cargo.toml') }
}

test('a text of several packages is there once, after their names', (t) => {
  const text = 'Permission is granted.'
  const notices = noticesOf([
    made('one', 'MIT', { LICENSE: `${text}\n` }),
    made('two', 'Zlib', { COPYING: 'Do what you want.' }),
    made('three', 'MIT', { 'LICENSE.md': `Permission\r\nis granted.\n\n` }),
  ])
  t.is(notices.split(text).length, 2)
  t.regex(notices, /^one 1\.0\.0, three 1\.0\.0: MIT\n\nPermission is granted\.$/m)
  t.regex(notices, /^two 1\.0\.0: Zlib\n\nDo what you want\.$/m)
})

test('of several licences one is chosen, and what Apache’s wants to be passed on is', (t) => {
  const files = {
    'LICENSE-APACHE': 'of Apache',
    'LICENSE-MIT': 'of MIT',
    'LICENSE-GPL': 'of GNU',
    'NOTICE.txt': 'made by us',
  }
  const either = noticesOf([made('either', 'MIT OR Apache-2.0 OR GPL-2.0-only', files)])
  for (const text of ['of Apache', 'made by us', ': Apache-2.0\n']) t.true(either.includes(text), text)
  for (const text of ['of MIT', 'of GNU']) t.false(either.includes(text), text)
  const both = noticesOf([
    made('both', 'BSD-3-Clause AND BSD-2-Clause', { 'LICENSE.3': 'of three', 'LICENSE.2': 'of two' }),
  ])
  for (const text of ['of three', 'of two']) t.true(both.includes(text), text)
})

test('a package without a text gets that of MIT with its authors, or is refused', (t) => {
  const notices = noticesOf([made('bare', 'MIT', {}, ['Ada', 'Grace'])])
  t.regex(notices, /^Copyright \(c\) Ada, Grace$/m)
  t.regex(notices, /Permission is hereby granted/)
  t.throws(() => noticesOf([made('none', 'BSD-3-Clause', {}, ['Ada'])]), { message: /none 1\.0\.0 has no text/ })
  t.throws(() => noticesOf([made('nobody', 'MIT', {})]), { message: /nobody 1\.0\.0 has no text/ })
})
