import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import test from 'ava'
import { Embedding } from '../../src/embedding/embedding.ts'
import { getEncoding } from '../../src/tokenizer/encodings.ts'
import { Vocabulary } from '../../src/tokenizer/vocabulary.ts'
import { WordTokenizer } from '../../src/tokenizer/word-tokenizer.ts'
import { build, makeFolder, tokenmill } from './cli.ts'

const folder = makeFolder()
test.before(build)
test.after.always(folder.remove)
const at = (name: string) => join(folder.path, name)

test('inspect shows what a tokenizer file is', async (t) => {
  const words = new WordTokenizer(Vocabulary.fromText('the mill on the hill'))
  await words.save(at('vocabulary.json'))
  const shown = await tokenmill(['inspect', at('vocabulary.json')])
  t.is(shown.code, 0, shown.stderr)
  t.true(shown.stdout.includes(`fingerprint     ${words.fingerprint}\n`), shown.stdout)
  t.regex(shown.stdout, /^ids +below 6, 6 of them are tokens$/m)
  t.regex(shown.stdout, /^ +\d+ <\|unk\|>$/m)
  const json = JSON.parse((await tokenmill(['inspect', '--json', at('vocabulary.json')])).stdout)
  t.like(json, { vocabSize: 6, tokens: 6, fingerprint: words.fingerprint })

  await getEncoding('gpt2').save(at('gpt2.tiktoken'))
  t.is((await tokenmill(['inspect', at('gpt2.tiktoken')])).code, 2, 'the file does not say how texts are split')
  const gpt2 = await tokenmill(['inspect', '--json', '--pattern', 'gpt2', at('gpt2.tiktoken')])
  t.like(JSON.parse(gpt2.stdout), { tokens: 50_256 }, gpt2.stderr)
})

test('inspect shows the tensors of a weights file', async (t) => {
  using table = Embedding.create({ count: 7, dimensions: 3, seed: 1 })
  await table.save(at('table.safetensors'))
  const shown = await tokenmill(['inspect', at('table.safetensors')])
  t.is(shown.code, 0, shown.stderr)
  t.regex(shown.stdout, /^values +21 in 1 tensors, 84 bytes$/m)
  t.regex(shown.stdout, /F32 \[7, 3\]$/m)
  const useless = await tokenmill(['inspect', '--pattern', 'gpt2', at('table.safetensors')])
  t.is(useless.code, 2)
  t.regex(useless.stderr, /^tokenmill: ERR_USAGE: --pattern is for a \.tiktoken file, and .* is a safetensors file\n$/)
  const json = JSON.parse((await tokenmill(['inspect', '--json', at('table.safetensors')])).stdout)
  t.like(json, { values: 21, tensors: [{ dtype: 'F32', shape: [7, 3], bytes: 84 }] })
})

test('what is in a file, or is its name, does not command the terminal', async (t) => {
  const json = JSON.stringify({
    __metadata__: { 'a\x1b[31m': 'b\nc' },
    'd\x9b': { dtype: 'U8', shape: [0], data_offsets: [0, 0] },
  })
  const header = Buffer.alloc(8)
  header.writeBigUInt64LE(BigInt(Buffer.byteLength(json)))
  const shown = await tokenmill(['inspect', folder.file('odd.safetensors', Buffer.concat([header, Buffer.from(json)]))])
  t.is(shown.code, 0, shown.stderr)
  t.is(shown.stdout, 'a\\u001b[31m  b\\nc\nvalues       0 in 1 tensors, 0 bytes\nd\\u009b      U8 [0]\n')
  const absent = await tokenmill(['count', at('\x1b[2Jabsent')])
  t.is(absent.stderr, `tokenmill: ERR_INPUT: cannot read ${at('\\u001b[2Jabsent')}: there is no such file\n`)
})

test('what is none of these is an error', async (t) => {
  const header = Buffer.alloc(16)
  header.writeBigUInt64LE(1000n)
  header.write('{', 8)
  const cut = await tokenmill(['inspect', folder.file('cut.safetensors', header)])
  t.is(cut.code, 1)
  t.regex(cut.stderr, /^tokenmill: ERR_INVALID_FILE: /)
  const other = await tokenmill(['inspect', folder.file('other', 'no tokenizer')])
  t.is(other.code, 1)
  t.regex(other.stderr, /^tokenmill: ERR_INVALID_FILE: /)
  t.is((await tokenmill(['inspect', '--verify', at('other')])).code, 2)
  const absent = await tokenmill(['inspect', at('absent')])
  t.is(absent.code, 1)
  t.is(absent.stderr, `tokenmill: ERR_INPUT: cannot read ${at('absent')}: there is no such file\n`)
})

const unixTest = process.platform === 'win32' ? test.skip : test

unixTest('a pipe is refused, and not waited for', async (t) => {
  execFileSync('mkfifo', [at('pipe')])
  const { code, stderr } = await tokenmill(['inspect', at('pipe')])
  t.is(code, 1)
  t.regex(stderr, /^tokenmill: ERR_INPUT: cannot read .*: it is no regular file/)
})
