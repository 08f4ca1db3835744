import test from 'ava'
import { getEncoding } from '../../src/tokenizer/encodings.ts'
import { build, makeFolder, story, tokenmill } from './cli.ts'

const folder = makeFolder()
test.before(build)
test.after.always(folder.remove)

test('count prints one number for one text', async (t) => {
  t.like(await tokenmill(['count', '-t', 'Hello, world!']), { code: 0, stdout: '4\n', stderr: '' })
  t.is((await tokenmill(['count'], { input: 'Hello, world!' })).stdout, '4\n')
  t.is((await tokenmill(['count', '-'], { input: '' })).stdout, '0\n')
})

test('count of several files has a line for each and their sum', async (t) => {
  const [a, b] = [
    folder.file('a.txt', 'Hello, world!'),
    folder.file('b.txt', 'one two three four five six seven eight nine ten eleven'),
  ]
  const { stdout } = await tokenmill(['count', a, b, '-'], { input: 'Hello' })
  t.deepEqual(stdout.split('\n'), [` 4  ${a}`, `11  ${b}`, ' 1  -', '16  total', ''])
})

test('--json has each text and the sum', async (t) => {
  const file = folder.file('c.txt', 'Hello, world!')
  t.deepEqual(JSON.parse((await tokenmill(['count', '--json', file, '-'], { input: 'é' })).stdout), {
    encoding: 'o200k_base',
    tokens: 5,
    texts: [
      { file, tokens: 4, bytes: 13 },
      { file: '-', tokens: 1, bytes: 2 },
    ],
  })
})

test('special tokens in the text are plain text, an error or special tokens, as --special says', async (t) => {
  const input = 'a<|endoftext|>b'
  const plain = await tokenmill(['count'], { input })
  t.is(Number(plain.stdout), getEncoding('o200k_base').encodeOrdinary(input).length)
  t.is((await tokenmill(['count', '--special', 'parse'], { input })).stdout, '3\n')
  t.regex((await tokenmill(['count', '--special', 'throw'], { input })).stderr, /ERR_SPECIAL_TOKEN/)
})

test('the story has as many tokens as encode gives', async (t) => {
  const ids = await tokenmill(['encode', story])
  t.is(Number((await tokenmill(['count', story])).stdout), ids.stdout.split(' ').length)
})

test('a file that cannot be read is an error that names it', async (t) => {
  for (const [path, reason] of [
    [`${folder.path}/none.txt`, /none\.txt: there is no such file/],
    [folder.path, /it is a folder/],
  ] as const) {
    const { code, stdout, stderr } = await tokenmill(['count', path])
    t.is(code, 1)
    t.is(stdout, '')
    t.regex(stderr, /^tokenmill: ERR_INPUT: cannot read .*\n$/)
    t.regex(stderr, reason)
  }
})

test('--chat counts messages as the model is billed for them', async (t) => {
  const messages = [{ role: 'user', content: 'hello world' }]
  const file = folder.file('chat.json', JSON.stringify(messages))
  t.like(await tokenmill(['count', '--chat', file, '-m', 'gpt-4o']), { code: 0, stdout: '9\n', stderr: '' })
  const body = JSON.stringify({ messages, tools: [{ type: 'function', function: { name: 'f' } }] })
  const { stdout } = await tokenmill(['count', '--json', '--chat', '-', '-m', 'gpt-4o'], { input: body })
  t.like(JSON.parse(stdout), { model: 'gpt-4o', messages: 1 })
  t.true((JSON.parse(stdout) as { tokens: number }).tokens > 9)
})

test('--chat without a model, with a text too, or of no JSON is a failure', async (t) => {
  t.like(await tokenmill(['count', '--chat', '-'], { input: '[]' }), { code: 2 })
  t.like(await tokenmill(['count', '--chat', '-', '-m', 'gpt-4o', '-t', 'x'], { input: '[]' }), { code: 2 })
  t.like(await tokenmill(['count', '--chat', '-', '-m', 'gpt-4o'], { input: '[' }), { code: 1 })
  t.like(await tokenmill(['count', '--chat', '-', '-m', 'gpt-4o'], { input: 'null' }), { code: 2 })
})
