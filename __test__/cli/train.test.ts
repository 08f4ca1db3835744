import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { build, makeFolder, start, tokenmill } from './cli.ts'

const folder = makeFolder()
test.before(build)
test.after.always(folder.remove)

const text = 'low '.repeat(5) + 'lower '.repeat(2) + 'newest '.repeat(6) + 'widest '.repeat(3)

test('train writes a tokenizer and says what it was made of', async (t) => {
  const [input, output] = [folder.file('a.txt', text), join(folder.path, 'a.json')]
  const { code, stdout, stderr } = await tokenmill([
    'train',
    input,
    '-n',
    '265',
    '--special',
    '<|endoftext|>',
    '-o',
    output,
  ])
  t.is(code, 0, stderr)
  t.regex(stdout, /^1 texts, 95 bytes, 6 distinct pieces\n265 tokens, 8 of them by merges, in /)
  const { model, added_tokens: added } = JSON.parse(readFileSync(output, 'utf8')) as {
    model: { merges: string[][] }
    added_tokens: { content: string; id: number }[]
  }
  t.deepEqual(model.merges[0], ['e', 's'])
  t.like(added, [{ content: '<|endoftext|>', id: 0 }])
})

test('--json is one value, and says how many tokens are missing', async (t) => {
  const input = folder.file('b.jsonl', '{"body":"abab"}\n{"body":"ab"}\n')
  const output = join(folder.path, 'b.tiktoken')
  const { stdout } = await tokenmill([
    'train',
    input,
    '-n',
    '1000',
    '--field',
    'body',
    '-p',
    'o200k',
    '-o',
    output,
    '--json',
  ])
  const { seconds, fingerprint, ...rest } = JSON.parse(stdout) as Record<string, unknown>
  t.deepEqual(rest, { output, vocabSize: 258, texts: 2, bytes: 6, pieces: 2, merges: 2, missing: 742 })
  t.true((seconds as number) > 0)
  t.regex(fingerprint as string, /^[0-9a-f]{64}$/)
  t.is(readFileSync(output, 'latin1').trimEnd().split('\n').length, 258)
})

test('bytes that are not UTF-8 are an error, or with --utf8 replace U+FFFD', async (t) => {
  const input = folder.file('broken.txt', Buffer.from('abc\xffabc', 'latin1'))
  const of = (...args: string[]) =>
    tokenmill(['train', input, '-n', '258', '-o', join(folder.path, 'broken.json'), '--json', ...args])
  t.is(JSON.parse((await of('--utf8', 'replace')).stdout).bytes, 9)
  for (const args of [[], ['--utf8', 'strict']]) {
    const { code, stderr } = await of(...args)
    t.is(code, 1)
    t.regex(stderr, /^tokenmill: ERR_INVALID_UTF8: /)
  }
  t.is((await of('--utf8', 'skip')).code, 2)
})

test('--special has one value each time it is given', async (t) => {
  const input = folder.file('c.txt', text)
  const output = join(folder.path, 'c.json')
  const special = ['--special', '<|endoftext|>', '--special', '<|a|>,<|b|>']
  const { code, stderr } = await tokenmill(['train', ...special, input, '-n', '300', '-o', output])
  t.is(code, 0, stderr)
  const { added_tokens: added } = JSON.parse(readFileSync(output, 'utf8')) as { added_tokens: { content: string }[] }
  t.deepEqual(
    added.map(({ content }) => content),
    ['<|endoftext|>', '<|a|>,<|b|>'],
  )
})

test('wrong usage is exit code 2, and what fails is 1, without a file', async (t) => {
  const input = folder.file('d.txt', text)
  const output = join(folder.path, 'd.json')
  for (const args of [
    [input, '-n', '300'],
    [input, '-o', output],
    [input, '-n', '255', '-o', output],
    [input, '-n', '300', '-o', 'd.model'],
    [input, '-n', '300', '-p', '(', '-o', output],
    ['-n', '300', '-o', output],
    ['-', '-n', '300', '-o', output],
  ]) {
    t.is((await tokenmill(['train', ...args])).code, 2, args.join(' '))
  }
  const missing = await tokenmill(['train', join(folder.path, 'none.txt'), '-n', '300', '-o', output])
  t.is(missing.code, 1)
  t.regex(missing.stderr, /^tokenmill: ERR_INVALID_FILE: no file is called ".*none\.txt"\n$/)
  t.false(existsSync(output))
  // Before the files are read.
  const nowhere = await tokenmill(['train', 'none.txt', '-n', '300', '-o', join(folder.path, 'none', 'd.json')])
  t.is(nowhere.code, 1)
  t.regex(nowhere.stderr, /ERR_OUTPUT: cannot write .*d\.json: there is no such folder/)
  const { stdout } = await tokenmill(['train', '--help'])
  t.regex(stdout, /Examples:/)
  t.regex(stdout, /\(required\)[^]*\(required\)[^]*\(default: none\)/)
})

test('what no tokenizer.json can have is told before anything is read', async (t) => {
  const output = join(folder.path, 'f.json')
  for (const [args, message] of [
    [['-p', '[a--b]|.'], /^tokenmill: ERR_INVALID_ARGUMENT: .*expected one that a tokenizer\.json can have.*tiktoken/],
    [['-p', '(?i)ss|.'], /^tokenmill: ERR_INVALID_ARGUMENT: .*expected one that a tokenizer\.json can have/],
    [['--special', 'x'], /^tokenmill: ERR_INVALID_ARGUMENT: .*another token is written like it/],
  ] as const) {
    const { code, stderr } = await tokenmill(['train', 'none.txt', '-n', '300', '-o', output, ...args])
    t.is(code, 2)
    t.regex(stderr, message)
  }
  const input = folder.file('f.txt', text)
  const others = ['-p', '[a--b]|.', '--special', 'x', '-o', join(folder.path, 'f.tiktoken')]
  t.is((await tokenmill(['train', input, '-n', '300', ...others])).code, 0)
})

test('a special token that is written like a token of the texts costs no work', async (t) => {
  const [input, output] = [folder.file('g.txt', text), join(folder.path, 'g.json')]
  const { code, stderr } = await tokenmill(['train', input, '-n', '300', '--special', 'low', '-o', output])
  t.is(code, 2)
  t.regex(stderr, /another token is written like it.*; the tokens are in .*g\.json\.tiktoken, which has no place for/)
  t.false(existsSync(output))
  t.true(readFileSync(`${output}.tiktoken`, 'latin1').includes(`${Buffer.from('low').toString('base64')} `))
})

test('train reads stdin when it is told what that holds', async (t) => {
  const of = (...args: string[]) =>
    tokenmill(['train', '-', '-n', '265', '-o', join(folder.path, 'stdin.json'), '--json', ...args], { input: text })
  const { code, stdout, stderr } = await of('--input-format', 'text')
  t.is(code, 0, stderr)
  t.like(JSON.parse(stdout), { texts: 1, bytes: text.length, pieces: 6 })
  const unknown = await of()
  t.is(unknown.code, 2)
  t.regex(unknown.stderr, /standard input does not tell its format: say which it has with --input-format\n$/)
})

test('an interrupt is exit code 130, and nothing is written', async (t) => {
  const [gate, output] = [join(folder.path, 'gate.txt'), join(folder.path, 'e.json')]
  execFileSync('mkfifo', [gate])
  const child = start(['train', gate, '-n', '300', '-o', output])
  const ended = once(child, 'close')
  child.stdin.end()
  // A named pipe opens when the other side does: the training has begun. It waits there for text, which never comes.
  const pipe = await Promise.race([open(gate, 'w'), ended.then(() => undefined)])
  child.kill('SIGINT')
  t.deepEqual(await ended, [130, null])
  await pipe?.close()
  t.false(existsSync(output))
})
