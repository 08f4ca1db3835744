import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { run } from '../../scripts/lib/run.mjs'
import { getEncoding } from '../../src/tokenizer/encodings.ts'
import { build, makeFolder, start, tokenmill } from './cli.ts'

const folder = makeFolder()
test.before(build)
test.after.always(folder.remove)
const at = (name: string) => join(folder.path, name)

test('prepare writes a dataset, and inspect shows and verifies it', async (t) => {
  const input = folder.file(
    'a.jsonl',
    '{"text":"In the heart of the city"}\n\n{"text":""}\nbad\n{"text":"stood the old library"}\n',
  )
  const failed = await tokenmill(['prepare', '-o', at('data'), '-e', 'gpt2', input])
  t.like(failed, { code: 1, stdout: '' })
  t.is(failed.stderr, `tokenmill: ERR_INVALID_FILE: ${input}, line 4: expected a JSON object at byte 0, received 'b'\n`)
  const args = ['-o', at('skipped'), '-e', 'gpt2', '--skip-malformed', '--format', 'raw,npy', input]
  const done = await tokenmill(['prepare', ...args])
  t.is(done.code, 0, done.stderr)
  t.regex(
    done.stdout,
    /^2 documents, 45 bytes of text: 12 tokens in .*\nleft out: 1 without text\nleft out: 1 malformed/,
  )
  t.regex(done.stderr, /skipped: .*a\.jsonl, line 4: expected a JSON object/)
  const ids = readFileSync(join(at('skipped'), 'train-00000.bin'))
  const expected = [...getEncoding('gpt2').encode('In the heart of the city'), 50256]
  t.deepEqual([...new Uint16Array(ids.buffer, ids.byteOffset, expected.length)], expected)
  t.is((await tokenmill(['prepare', ...args])).code, 0, 'a finished dataset is left as it is')

  const shown = await tokenmill(['inspect', '--verify', at('skipped')])
  t.is(shown.code, 0, shown.stderr)
  t.regex(shown.stdout, /train +12 tokens, 2 documents, 1 raw shard, npy\nverified/)
  const json = JSON.parse((await tokenmill(['inspect', '--json', at('skipped')])).stdout)
  t.like(json, { verified: false, counts: { tokens: 12 }, tokenizer: { name: 'gpt2' } })
  folder.file('skipped/train-00000.bin', new Uint8Array(24))
  const changed = await tokenmill(['inspect', '--verify', at('skipped')])
  t.is(changed.code, 1)
  t.regex(changed.stderr, /^tokenmill: ERR_CORRUPT_DATASET: .*train-00000\.bin: expected the BLAKE3/)
})

test('what is in each split is shown, and that one is empty', async (t) => {
  const input = folder.file('few.jsonl', '{"text":"a"}\n{"text":"b"}\n{"text":"c"}\n')
  const args = (out: string, share: string) => ['prepare', '-o', at(out), '-e', 'gpt2', '--validation', share, input]
  const both = await tokenmill([...args('both', '0.5'), '--seed', '1'])
  t.like(both, { code: 0, stderr: '' })
  const { splits } = JSON.parse(readFileSync(join(at('both'), 'manifest.json'), 'utf8'))
  for (const name of ['train', 'val']) {
    const { documents, tokens } = splits[name]
    t.true(documents > 0 && both.stdout.includes(`\n${name}: ${documents} documents, ${tokens} tokens\n`), both.stdout)
  }
  for (const json of [[], ['--json']]) {
    const empty = await tokenmill([...args('empty', '0.001'), ...json])
    t.is(empty.code, 0)
    t.regex(empty.stderr, /^the split val is empty, .* or choose another --seed\n$/)
  }
  const unused = await tokenmill(['prepare', '-o', at('unused'), '-e', 'gpt2', '--seed', '1', input])
  t.is(unused.code, 2)
  t.regex(unused.stderr, /^tokenmill: ERR_USAGE: --seed is for --validation/)
})

test('special tokens in documents are text, an error with its line, or read as such', async (t) => {
  const input = folder.file('special.jsonl', '{"text":"a"}\n{"text":"a<|endoftext|>b"}\n')
  const tokens = async (special: string) => {
    const done = await tokenmill(['prepare', '-o', at(special), '-e', 'gpt2', '--special', special, '--json', input])
    return done.code === 0 ? JSON.parse(done.stdout).counts.tokens : done.stderr
  }
  const gpt2 = getEncoding('gpt2')
  t.is(await tokens('text'), 3 + gpt2.encodeOrdinary('a<|endoftext|>b').length)
  t.is(await tokens('parse'), 3 + 3)
  t.regex(await tokens('throw'), /^tokenmill: ERR_SPECIAL_TOKEN: .*special\.jsonl, line 2: the document holds/)
  t.regex((await tokenmill(['inspect', at('parse')])).stdout, /^special tokens +<\|endoftext\|> in documents$/m)
})

test('--utf8 says what a document is whose bytes are not UTF-8', async (t) => {
  const input = folder.file('broken.lines', Buffer.from('a\n\xff\nb\n', 'latin1'))
  const of = (...args: string[]) =>
    tokenmill(['prepare', '-o', at(`utf8${args.join('')}`), '--input-format', 'lines', '--json', ...args, input])
  for (const args of [[], ['--utf8', 'strict']]) {
    const { code, stderr } = await of(...args)
    t.is(code, 1)
    t.regex(stderr, /^tokenmill: ERR_INVALID_UTF8: .*broken\.lines, line 2/)
  }
  t.like(JSON.parse((await of('--utf8', 'skip')).stdout).counts, { documents: 2, invalidUtf8: 1 })
  t.like(JSON.parse((await of('--utf8', 'replace')).stdout).counts, { documents: 3, invalidUtf8: 0 })
})

test('prepare reads stdin, and refuses options that cannot be', async (t) => {
  const done = await tokenmill(['prepare', '-o', at('stdin'), '--input-format', 'lines', '--json', '-'], {
    input: 'a\nb\n',
  })
  t.is(JSON.parse(done.stdout).counts.documents, 2)
  for (const wrong of [
    [],
    ['a.txt'],
    ['-o', at('x')],
    ['-o', at('x'), '--validation', '1', 'a.txt'],
    ['-o', at('x'), '--format', 'csv', 'a.txt'],
    ['-o', at('x'), '--separator', '-1', 'a.txt'],
    ['-o', at('x'), '--input-format', 'lines', '--document-separator', 'x', 'a.txt'],
    ['-o', at('x'), at('*.none')],
  ]) {
    t.is((await tokenmill(['prepare', ...wrong])).code, 2, wrong.join(' '))
  }
  t.is((await tokenmill(['prepare', '-o', at('x'), at('none.txt')])).code, 1)
  t.is((await tokenmill(['inspect', folder.path])).code, 1)
  t.is((await tokenmill(['inspect', at('none')])).code, 1)
})

test('--separator none puts nothing between documents, where the tokenizer has no end of text too', async (t) => {
  const input = folder.file('two.jsonl', '{"text":"ab"}\n{"text":"c"}\n')
  const [vocabulary, bytes] = [at('bytes.tiktoken'), Array.from({ length: 256 }, (_, byte) => byte)]
  folder.file('bytes.tiktoken', bytes.map((byte) => `${Buffer.of(byte).toString('base64')} ${byte}\n`).join(''))
  const own = ['--tokenizer', vocabulary, '--pattern', 'gpt2']
  for (const [name, args, ids] of [
    ['none-of-file', [...own, '--separator', 'none'], [97, 98, 99]],
    ['none-of-gpt2', ['-e', 'gpt2', '--separator=none'], [397, 66]],
    ['id', [...own, '--separator', '7'], [97, 98, 7, 99, 7]],
  ] as const) {
    const done = await tokenmill(['prepare', '-o', at(name), ...args, input])
    t.is(done.code, 0, done.stderr)
    const shard = readFileSync(join(at(name), 'train-00000.bin'))
    t.deepEqual([...new Uint16Array(shard.buffer, shard.byteOffset, shard.length / 2)], [...ids])
  }
  t.is((await tokenmill(['prepare', '-o', at('x'), '--separator', 'some', input])).code, 2)
})

test('inputs without a document say what was left out, and nothing else', async (t) => {
  const [empty, bad] = [folder.file('empty.txt', ''), folder.file('bad.jsonl', 'bad\n{"text":""}\n')]
  const nothing = folder.file('nothing.jsonl', '')
  for (const [inputs, said] of [
    [[empty], `${empty} is not a valid input: expected at least one document, received 1 without text`],
    [[bad], `${bad} is not a valid input: expected at least one document, received 1 without text, 1 malformed`],
    [[nothing], `${nothing} is not a valid input: expected at least one document, received none`],
    [
      [nothing, empty],
      `${nothing} with 1 more is not a valid input: expected at least one document, received 1 without text`,
    ],
  ] as const) {
    const done = await tokenmill(['prepare', '-o', at('no-documents'), '--no-resume', '--skip-malformed', ...inputs])
    t.like(done, { code: 1, stdout: '', stderr: `tokenmill: ERR_INVALID_FILE: ${said}\n` })
  }
})

test('seconds between checkpoints may be a part of one', async (t) => {
  const input = folder.file('seconds.jsonl', '{"text":"a"}\n')
  const of = (seconds: string) =>
    tokenmill(['prepare', '-o', at('seconds'), '-e', 'gpt2', '--checkpoint-seconds', seconds, input])
  t.like(await of('0.05'), { code: 0, stderr: '' })
  for (const wrong of ['-1', '', 'x', 'Infinity']) {
    const { code, stderr } = await of(wrong)
    t.is(code, 2)
    t.regex(stderr, /--checkpoint-seconds.* Expected a number of at least 0\.\n/)
  }
})

test('a file that is named twice is read once', async (t) => {
  const input = folder.file('once.jsonl', '{"text":"a"}\n')
  const done = await tokenmill(['prepare', '-o', at('once'), '--json', input, input, at('onc*.jsonl')])
  t.is(JSON.parse(done.stdout).counts.documents, 1)
})

test('an interrupt keeps what was done, and the same command goes on', async (t) => {
  const line = `${JSON.stringify({ text: 'The mill on the hill. '.repeat(200) })}\n`
  const input = folder.file('long.jsonl', line.repeat(24_000))
  const args = ['prepare', '-o', at('interrupted'), '-e', 'gpt2', '--checkpoint-seconds', '0', input]
  const child = start(args)
  child.stdin.end()
  const said: Buffer[] = []
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk))
  const closed = once(child, 'close')
  const isKept = () => {
    try {
      return JSON.parse(readFileSync(join(at('interrupted'), '.prepare/state.json'), 'utf8')).counts.documents > 0
    } catch {
      return false
    }
  }
  while (!isKept() && child.exitCode === null) await new Promise((done) => setTimeout(done, 5))
  child.kill('SIGINT')
  const [code] = await closed
  t.is(code, 130, Buffer.concat(said).toString())
  t.regex(Buffer.concat(said).toString(), /^tokenmill: ERR_INTERRUPTED: what was done is kept/m)
  t.true(isKept())
  t.is((await tokenmill(args)).code, 0)
  t.deepEqual(readdirSync(at('interrupted')).sort(), ['manifest.json', 'train-00000.bin', 'train-documents.u64'])
})

test('standard input goes on when it gives the same again, and another one is refused', async (t) => {
  const lines = (letter: string) => `{"text":"${letter.repeat(1000)}"}\n`.repeat(3000)
  const call = (input: string) =>
    tokenmill(['prepare', '-o', at('again'), '-e', 'gpt2', '--input-format', 'jsonl', '--json', '-'], { input })
  t.regex((await call(`${lines('a')}bad`)).stderr, /^tokenmill: ERR_INVALID_FILE: -, line 3001: /)
  const other = await call(`${lines('b')}{"text":"end"}`)
  t.regex(
    other.stderr,
    /^tokenmill: ERR_INVALID_FILE: - is not a valid input: expected the \d+ bytes that it gave before/,
  )
  const done = await call(`${lines('a')}{"text":"end"}`)
  t.is(JSON.parse(done.stdout).counts.documents, 3001)
  const ids = readFileSync(join(at('again'), 'train-00000.bin'))
  const whole = await tokenmill(['prepare', '-o', at('whole'), '-e', 'gpt2', '--input-format', 'jsonl', '-'], {
    input: `${lines('a')}{"text":"end"}`,
  })
  t.is(whole.code, 0)
  t.true(ids.equals(readFileSync(join(at('whole'), 'train-00000.bin'))))
})

const unlessWindows = process.platform === 'win32' ? test.skip : test

unlessWindows('a disk that fills up is no gap in the files once there is room', async (t) => {
  const input = folder.file('room.jsonl', `${JSON.stringify({ text: 'abcdefgh'.repeat(500) })}\n`.repeat(1500))
  const args = (out: string) => ['prepare', '-o', at(out), '-e', 'gpt2', '--checkpoint-seconds', '0', input]
  t.is((await tokenmill(args('roomy'))).code, 0)
  const main = join(process.cwd(), 'dist/cli/main.js')
  // Of 512 or 1024 bytes, as shells have it; less than the shard either way.
  const limited = ['-c', 'ulimit -f 1500; exec "$@"', 'sh', process.execPath, main, ...args('full')]
  const { code, output } = await run('sh', limited, { quiet: true, allowFailure: true })
  t.is(code, 1, output)
  t.regex(output, /cannot write .*train-00000\.bin: File too large/)
  t.is((await tokenmill(args('full'))).code, 0)
  for (const name of ['train-00000.bin', 'train-documents.u64', 'manifest.json'])
    t.true(readFileSync(join(at('full'), name)).equals(readFileSync(join(at('roomy'), name))), name)
})

test('of an empty split no form has a file, and none is shown', async (t) => {
  const input = folder.file('one.txt', 'one')
  const args = ['-o', at('half'), '-e', 'gpt2', '--validation', '0.000001', '--format', 'megatron,npy', input]
  t.is((await tokenmill(['prepare', ...args])).code, 0)
  t.deepEqual(readdirSync(at('half/megatron')).sort(), ['train.bin', 'train.idx'])
  const shown = await tokenmill(['inspect', '--verify', at('half')])
  t.regex(shown.stdout, /train .*, megatron, npy\nval +0 tokens, 0 documents, 0 raw shards\nverified/, shown.stderr)
})

test('a dataset without raw shards is shown and verified too', async (t) => {
  const input = folder.file('forms.jsonl', '{"text":"a"}\n{"text":"b"}\n')
  const prepared = await tokenmill(['prepare', '-o', at('forms'), '-e', 'gpt2', '--format', 'npy,megatron', input])
  t.is(prepared.code, 0, prepared.stderr)
  const shown = await tokenmill(['inspect', '--verify', at('forms')])
  t.regex(shown.stdout, /train +4 tokens, 2 documents, 0 raw shards, megatron, npy\nverified/, shown.stderr)
  folder.file('forms/megatron/train.bin', new Uint8Array(8))
  const changed = await tokenmill(['inspect', '--verify', at('forms')])
  t.regex(changed.stderr, /^tokenmill: ERR_CORRUPT_DATASET: .*train\.bin: expected the BLAKE3/)
  folder.file('forms/megatron/train.bin', new Uint8Array(7))
  const short = await tokenmill(['inspect', at('forms')])
  t.regex(short.stderr, /^tokenmill: ERR_CORRUPT_DATASET: .*train\.bin: expected 8 bytes, received 7/)
})

test('20 kills at random moments change no byte', async (t) => {
  t.timeout(600_000)
  const { code, output } = await run(process.execPath, ['scripts/kill-prepare.mjs', '20', '7'], {
    quiet: true,
    allowFailure: true,
  })
  t.is(code, 0, output)
  t.regex(output, /^20 kills, \d+ finished, 0 differ$/m)
})
