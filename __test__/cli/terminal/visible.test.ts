import test from 'ava'
import fc from 'fast-check'
import { escaped, visible, visibleBytes } from '../../../src/cli/terminal/visible.ts'

for (const [text, shown] of [
  ['plain', 'plain'],
  [' a\n', '·a↵'],
  ['\ta\r\n', '→a␍↵'],
  ['10\u00a0km', '10⍽km'],
  ['\u200b\ufeff\u00ad', 'U+200BU+FEFFU+00AD'],
  ['\x1b[31m', 'U+001B[31m'],
  ['\u0301', '◌\u0301'],
  ['👩‍👧', '👩‍👧'],
  ['a\u200db', 'aU+200Db'],
  ['\u202e', 'U+202E'],
] as const) {
  test(`${JSON.stringify(text)} is shown as ${JSON.stringify(shown)}`, (t) => {
    t.is(visible(text), shown)
  })
}

test('bytes of a part of a character are shown in hexadecimal, whole ones as they are', (t) => {
  t.is(visibleBytes(Buffer.from('磨 a')), '磨·a')
  t.is(visibleBytes(Uint8Array.of(0xf0, 0x9f)), '⟨f0 9f⟩')
  t.is(visibleBytes(Uint8Array.of(0x20, 0xe7, 0xa3)), '·⟨e7 a3⟩')
  t.is(visibleBytes(Uint8Array.of(0xa8, 0x61, 0xff, 0x62)), '⟨a8⟩a⟨ff⟩b')
  t.is(visibleBytes(new Uint8Array()), '')
})

test('controls of names and of what is in files are escaped, and nothing else is', (t) => {
  t.is(escaped('a b\t\n\x1b[31m\x7f\x9b é 👩‍👧 \\ "'), 'a b\\t\\n\\u001b[31m\\u007f\\u009b é 👩‍👧 \\ "')
})

test('nothing that a terminal obeys is left', (t) => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 40 }),
      (bytes) => !/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(visibleBytes(bytes)),
    ),
  )
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !/[\p{Cc}\u202a-\u202e]/u.test(visible(text))))
  t.pass()
})
