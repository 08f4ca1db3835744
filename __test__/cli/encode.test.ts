import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import test from 'ava'
import { getEncoding } from '../../src/tokenizer/encodings.ts'
import { build, makeFolder, start, story, tokenmill } from './cli.ts'

const folder = makeFolder()
test.before(build)
test.after.always(folder.remove)

const ok = { code: 0, stderr: '' }

test('encode prints ids on one line, of --text, of stdin and of -', async (t) => {
  for (const [args, input] of [
    [['encode', '--text', 'Hello, world!'], ''],
    [['encode'], 'Hello, world!'],
    [['encode', '-'], 'Hello, world!'],
  ] as const) {
    t.like(await tokenmill(args, { input }), { ...ok, stdout: '13225 11 2375 0\n' })
  }
})

test('--encoding and --model choose the tokenizer', async (t) => {
  t.is((await tokenmill(['encode', '-t', 'Hello, world!', '-e', 'gpt2'])).stdout, '15496 11 995 0\n')
  t.is((await tokenmill(['encode', '-t', 'Hello, world!', '-m', 'gpt-4'])).stdout, '9906 11 1917 0\n')
})

test('a file is encoded byte for byte, its BOM, CRLF and last line end too', async (t) => {
  const text = '\ufeffone\r\ntwo \t\n\n'
  const { stdout } = await tokenmill(['encode', folder.file('bytes.txt', text)])
  t.is(stdout, `${getEncoding('o200k_base').encode(text).join(' ')}\n`)
})

test('encode, then decode, gives the story back', async (t) => {
  const ids = await tokenmill(['encode', '--special', 'text', story])
  const { bytes, code } = await tokenmill(['decode'], { input: ids.stdout })
  t.is(code, 0)
  t.true(bytes.equals(readFileSync(story)))
})

test('--offsets prints the id, the start and the end of each token', async (t) => {
  const bytes = await tokenmill(['encode', '--offsets'], { input: 'é 🫠' })
  t.like(bytes, ok)
  const ids = getEncoding('o200k_base').encodeWithOffsets(new TextEncoder().encode('é 🫠'))
  t.is(bytes.stdout, Array.from(ids.ids, (id, i) => `${id} ${ids.offsets[i]} ${ids.ends[i]}\n`).join(''))
  const { stdout } = await tokenmill(['encode', '--offsets', '--json', '-t', 'é world'])
  const { offsets, ends, count } = JSON.parse(stdout)
  t.deepEqual([offsets, ends, count], [[0, 1, 7], [1, 7], 2])
  t.is((await tokenmill(['encode', '--offsets', '--show', '-t', 'a'])).code, 2)
})

test('--json gives the encoding, the count and the ids', async (t) => {
  const { stdout } = await tokenmill(['encode', '--json', '-t', 'Hello, world!'])
  t.deepEqual(JSON.parse(stdout), { encoding: 'o200k_base', count: 4, ids: [13225, 11, 2375, 0] })
})

test('an empty text has no ids', async (t) => {
  t.like(await tokenmill(['encode']), { ...ok, stdout: '\n' })
  t.deepEqual(JSON.parse((await tokenmill(['encode', '--json'])).stdout), { encoding: 'o200k_base', count: 0, ids: [] })
})

test('many ids are written whole', async (t) => {
  const input = 'a b c d '.repeat(60_000)
  const [plain, json] = await Promise.all([
    tokenmill(['encode'], { input }),
    tokenmill(['encode', '--json'], { input }),
  ])
  const expected = [...getEncoding('o200k_base').encode(input)]
  t.true(expected.length > 200_000)
  t.deepEqual(plain.stdout.trimEnd().split(' ').map(Number), expected)
  t.deepEqual(JSON.parse(json.stdout).ids, expected)
})

test('a special token in the text is an error, plain text or the special token, as --special says', async (t) => {
  const input = 'a<|endoftext|>b'
  t.like(await tokenmill(['encode'], { input }), { code: 1, stdout: '' })
  t.regex((await tokenmill(['encode'], { input })).stderr, /^tokenmill: ERR_SPECIAL_TOKEN: .*<\|endoftext\|>.*\n$/)
  t.false((await tokenmill(['encode', '--special', 'text'], { input })).stdout.includes('199999'))
  t.is((await tokenmill(['encode', '--special', 'parse'], { input })).stdout, '64 199999 65\n')
})

test('bytes that are not UTF-8 are U+FFFD, or with --utf8 strict an error', async (t) => {
  const input = Uint8Array.of(0x61, 0xff, 0x62)
  const { stdout } = await tokenmill(['encode'], { input })
  t.is(stdout, `${getEncoding('o200k_base').encode('a\ufffdb').join(' ')}\n`)
  const strict = await tokenmill(['encode', '--utf8', 'strict'], { input })
  t.is(strict.code, 1)
  t.regex(strict.stderr, /^tokenmill: ERR_INVALID_UTF8: /)
})

test('--show shows tokens with white space to be seen, `|` between them when there is no colour', async (t) => {
  t.is((await tokenmill(['encode', '--show', '-t', 'a b\tc\nd'])).stdout, 'a|·b|→c|↵\nd\n')
  const coloured = await tokenmill(['encode', '--show', '--color', '-t', 'a b'])
  t.regex(coloured.stdout, /\x1b\[48;/)
  t.is(coloured.stdout.replaceAll(/\x1b\[[\d;]*m/g, ''), 'a·b\n')
})

test('--show writes many tokens whole', async (t) => {
  const input = 'a b 磨坊 d\n'.repeat(30_000)
  const { stdout } = await tokenmill(['encode', '--show', '-e', 'gpt2'], { input })
  const line = (await tokenmill(['encode', '--show', '-e', 'gpt2', '-t', 'a b 磨坊 d\n'])).stdout
  t.true(stdout === line.repeat(30_000))
})

for (const args of [[], ['--show']]) {
  test(`a reader that goes away is no failure ${args.join('')}`, async (t) => {
    const child = start(['encode', ...args])
    child.stdin.on('error', () => {})
    child.stdin.end('a b c d '.repeat(200_000))
    await once(child.stdout, 'data')
    child.stdout.destroy()
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    const [code] = (await once(child, 'close')) as [number]
    t.is(code, 0)
    t.is(stderr, '')
  })
}

test('an interrupt ends with exit code 130', async (t) => {
  const child = start(['encode', '-'])
  child.stdin.on('error', () => {})
  // More than a pipe holds: when all of it is written, the command is reading.
  await new Promise((done) => child.stdin.write('waiting for more '.repeat(50_000), done))
  child.kill('SIGINT')
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  t.deepEqual([code, signal], [130, null])
})
