import test from 'ava'
import { inFlags } from '../../src/cli/in-flags.ts'
import { build, makeFolder, tokenmill } from './cli.ts'

/* Messages of the library in the words of the command line. */

const folder = makeFolder()
test.before(build)
test.after.always(folder.remove)

const flags = new Set(['--shard-tokens', '--threads', '--format', '--input-format'])

for (const [message, said] of [
  ['expected 1 for options.shardTokens, received 0', 'expected 1 for --shard-tokens, received 0'],
  ['expected 1 for shardTokens, received 0', 'expected 1 for --shard-tokens, received 0'],
  ['expected 1 for options.concurrency, received 0', 'expected 1 for --threads, received 0'],
  ['expected one of a, b for options.format, received "c"', 'expected one of a, b for --format, received "c"'],
  ['expected 1 for options.seed, received 0', 'expected 1 for options.seed, received 0'],
  ['expected 1 for options.toString, received 0', 'expected 1 for options.toString, received 0'],
  ['for iPhones and want of getEncoding', 'for iPhones and want of getEncoding'],
] as const) {
  test(`${message}: only what the command has is said as a flag`, (t) => t.is(inFlags(message, flags), said))
}

test('an option whose flag has another name is said where the command has no flag of its own name', (t) => {
  t.is(inFlags('for options.format', new Set(['--input-format'])), 'for --input-format')
})

const special = folder.file('special.jsonl', '{"text":"a<|endoftext|>"}\n')
const vocabulary = folder.file('v.tiktoken', 'YQ== 0\n')
const byParsing = /, pass --special parse; to encode it as plain text, pass --special text\n$/

for (const [args, message] of [
  [['encode', '-t', '<|endoftext|>'], byParsing],
  [['prepare', '-o', `${folder.path}/a`, '--special', 'throw', special], byParsing],
  [
    ['prepare', '-o', `${folder.path}/d`, '--tokenizer', 'testdata/tokenizer-json/bert.json', special],
    /^tokenmill: ERR_INVALID_ARGUMENT: expected an id or none for --separator, as tokenizer\.json: WordPiece has no/,
  ],
  [['prepare', '-o', `${folder.path}/d`, '--separator', 'null', special], /Expected the id of a token, or none\.\n/],
  [['prepare', '-o', `${folder.path}/c`, ''], /a path or a file: URL for inputs\[0\], received ""\n$/],
  [['inspect', vocabulary], /for --pattern, received undefined\n$/],
  [['encode', '--tokenizer', vocabulary, '-t', 'a'], /for --pattern, received undefined\n$/],
  [['encode', '--tokenizer', vocabulary, '-p', 'gtp2', '-t', 'a'], /no pattern called "gtp2", for --pattern; did you/],
  [['prepare', '-o', `${folder.path}/b`, folder.file('x.md', 'a')], /format: say which it has with --input-format\n$/],
  [['count', '-e', 'gpt-4o', '-t', 'a'], /For the name of a model, use --model\n$/],
  [['count', '-m', 'gpt-nope', '-t', 'a'], /To choose one yourself, use --encoding\n$/],
  [
    ['prepare', '-o', `${folder.path}/c`, '--format', 'llmc', '--shard-tokens', '9999999999', special],
    /for --shard-tokens\n$/,
  ],
] as const) {
  test(`${args.join(' ').replaceAll(folder.path, '')} names flags`, async (t) => {
    const { code, stderr } = await tokenmill(args)
    t.not(code, 0)
    t.regex(stderr, message)
  })
}

test('advice of the library is that of the command line', (t) => {
  const resume = new Set(['--no-resume'])
  t.is(inFlags('begin again with resume: false', resume), 'begin again with --no-resume')
  t.is(inFlags('begin again with `resume: false`', resume), 'begin again with --no-resume')
  t.is(inFlags('begin again with resume: false', new Set()), 'begin again with resume: false')
})

test('an unfinished preparation of other options names --no-resume, which begins again', async (t) => {
  const good = folder.file('good.jsonl', '{"text":"one two three four"}\n')
  const bad = folder.file('then-bad.jsonl', 'bad\n')
  const args = ['prepare', '-o', `${folder.path}/unfinished`, '-e', 'gpt2', '--threads', '1', good, bad]
  t.is((await tokenmill(args)).code, 1)
  const other = await tokenmill([...args, '--skip-malformed', '--separator', 'none'])
  t.is(other.code, 2)
  t.regex(other.stderr, /--no-resume\n$/)
  t.is((await tokenmill([...args, '--skip-malformed', '--separator', 'none', '--no-resume'])).code, 0)
})
