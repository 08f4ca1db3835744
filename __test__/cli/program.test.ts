import test from 'ava'
import { build, tokenmill } from './cli.ts'
import { version } from '../../src/version.ts'

test.before(build)

for (const command of ['run', 'encode', 'decode', 'count', 'embed', 'doctor']) {
  test(`${command} --help has an example, goes to stdout and is no failure`, async (t) => {
    const { code, stdout, stderr } = await tokenmill([command, '--help'])
    t.like({ code, stderr }, { code: 0, stderr: '' })
    t.regex(stdout, new RegExp(`Examples?:\\n  \\$ .*tokenmill ${command}`))
    t.regex(stdout, /--json/)
  })
}

test('--version prints the version, --help the commands', async (t) => {
  t.like(await tokenmill(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' })
  t.regex(
    (await tokenmill(['--help'])).stdout,
    /run .*\n.*encode .*\n.*decode .*\n.*count .*\n.*prepare .*\n.*inspect .*\n.*windows .*\n.*train .*\n.*embed .*\n.*doctor /,
  )
})

test('help is --help', async (t) => {
  for (const args of [[], ['encode']]) {
    const { code, stdout, stderr } = await tokenmill(['help', ...args])
    t.like({ code, stderr }, { code: 0, stderr: '' })
    t.is(stdout, (await tokenmill([...args, '--help'])).stdout)
  }
})

for (const [args, message] of [
  [[], /Usage: tokenmill/],
  [['grind'], /unknown command 'grind'/],
  [['help', 'grind'], /unknown command 'grind'/],
  [['encode', '--fast'], /unknown option '--fast'/],
  [['encode', 'a', 'b'], /too many arguments/],
  [['encode', '--text', 'a', 'file'], /--text or a file/],
  [['encode', '--show', '--json', '-t', 'a'], /--show or --json/],
  [['encode', '-e', 'gpt2', '-m', 'gpt-4', '-t', 'a'], /--encoding or --model/],
  [['encode', '--special', 'maybe', '-t', 'a'], /Allowed choices are text, throw, parse/],
  [['decode', '--ids', '1', 'file'], /--ids or a file/],
  [['count', '-', '-'], /once only/],
  [['run', '--context-length', '0'], /Expected an integer ≥ 1/],
  [['run', '--stride', '1.5'], /Expected an integer ≥ 1/],
  [['run', '--batch-size', '-3'], /Expected an integer ≥ 1/],
  [['run', '--dimensions', 'NaN'], /Expected an integer ≥ 1/],
  [['run', '--seed', '99999999999999999999'], /Expected an integer ≥ 0/],
  [['run', '--tokenizer', 'sentencepiece'], /Allowed choices are bpe, word/],
] as const) {
  test(`tokenmill ${args.join(' ')}: wrong usage is exit code 2, said on stderr`, async (t) => {
    const { code, stdout, stderr } = await tokenmill(args)
    t.is(code, 2)
    t.is(stdout, '')
    t.regex(stderr, message)
    if (args.length > 0) t.regex(stderr, /^tokenmill: ERR_USAGE: /)
  })
}

test('an unknown encoding or model is exit code 2, with near names', async (t) => {
  const encoding = await tokenmill(['count', '-e', 'o20k_base', '-t', 'a'])
  t.is(encoding.code, 2)
  t.regex(encoding.stderr, /^tokenmill: ERR_INVALID_ARGUMENT: .*o200k_base.*\n$/)
  const model = await tokenmill(['count', '-m', 'gpt-4p', '-t', 'a'])
  t.is(model.code, 2)
  t.regex(model.stderr, /^tokenmill: ERR_INVALID_ARGUMENT: .*gpt-4o.*\n$/)
})

test('a failure has no stack, unless TOKENMILL_DEBUG asks for it', async (t) => {
  const args = ['count', 'no-such-file']
  t.false((await tokenmill(args)).stderr.includes('    at '))
  t.true((await tokenmill(args, { env: { TOKENMILL_DEBUG: '1' } })).stderr.includes('    at '))
})

test('without its addon it says what to do, in exit code 1', async (t) => {
  const env = { TOKENMILL_NATIVE_PATH: '/nowhere/tokenmill.node' }
  const { code, stdout, stderr } = await tokenmill(['count', '-t', 'a'], { env })
  t.is(code, 1)
  t.is(stdout, '')
  t.regex(stderr, /^tokenmill: ERR_NATIVE: /)
})
