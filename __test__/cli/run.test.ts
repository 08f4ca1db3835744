import test from 'ava'
import { getEncoding } from '../../src/tokenizer/encodings.ts'
import { displayWidth } from '../../src/cli/terminal/width.ts'
import type { Walk } from '../../src/cli/walk/facts.ts'
import { build, makeFolder, story, tokenmill } from './cli.ts'

const folder = makeFolder()
test.before(build)
test.after.always(folder.remove)

const text = 'The mill stood where the river bent, and the river bent because the mill stood there.\n'

const facts = async (args: readonly string[], input = ''): Promise<Walk> => {
  const { code, stdout, stderr } = await tokenmill(['run', '--json', ...args], { input })
  if (code !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as Walk
}

test('run without a file shows every stage of the story', async (t) => {
  const { code, stdout, stderr } = await tokenmill(['run'])
  t.like({ code, stderr }, { code: 0, stderr: '' })
  const titles = ['1  Text', '2  Words', '3  Tokens', '4  Ids', '5  Windows', '6  Batches', '7  Input embeddings']
  const places = titles.map((title) => stdout.indexOf(title))
  t.true(
    places.every((place, i) => place > (places[i - 1] ?? 0)),
    stdout,
  )
  t.regex(stdout, /The\|·Mill\|·at/)
  t.regex(stdout, /Decoding the ids gives the text back/)
  t.regex(stdout, /output +\[8, 16, 64\]/)
  t.regex(stdout, /two input embeddings/)
})

test('without a terminal there is no colour, and lines are no wider than 100 columns, or than COLUMNS', async (t) => {
  for (const columns of [100, 80, 120]) {
    const { stdout } = await tokenmill(['run'], { env: columns === 100 ? {} : { COLUMNS: String(columns) } })
    t.false(stdout.includes('\x1b'))
    const widths = stdout.split('\n').map(displayWidth)
    t.true(
      widths.every((width) => width <= columns),
      stdout,
    )
    t.true(
      widths.some((width) => width > columns - 10),
      stdout,
    )
  }
})

test('--color gives colour without a terminal, --no-color and NO_COLOR take it away', async (t) => {
  t.true((await tokenmill(['run', '--color'])).stdout.includes('\x1b[48;5;'))
  t.true(
    (await tokenmill(['run', '--color'], { env: { COLORTERM: 'truecolor', TERM: 'xterm-256color' } })).stdout.includes(
      '\x1b[48;2;',
    ),
  )
  t.true((await tokenmill(['run'], { env: { FORCE_COLOR: '2' } })).stdout.includes('\x1b[48;5;'))
  t.false((await tokenmill(['run'], { env: { FORCE_COLOR: '2', NO_COLOR: '1' } })).stdout.includes('\x1b'))
  t.false((await tokenmill(['run', '--no-color'], { env: { FORCE_COLOR: '2' } })).stdout.includes('\x1b'))
})

test('the facts of each stage are those of the library', async (t) => {
  const walk = await facts(
    ['--context-length', '4', '--stride', '2', '--batch-size', '3', '--dimensions', '8', '-'],
    text,
  )
  const tokenizer = getEncoding('o200k_base')
  const ids = tokenizer.encode(text)
  t.like(walk.text, { source: '-', bytes: text.length, characters: text.length, lines: 1 })
  t.like(walk.tokens, { tokenizer: 'o200k_base', vocabSize: 200019, count: ids.length, roundTrip: true })
  t.deepEqual(walk.ids.start, [...ids])
  const windows = Math.ceil((ids.length - 4) / 2)
  t.like(walk.windows, { contextLength: 4, stride: 2, count: windows })
  const [first, second] = walk.windows.start
  t.deepEqual(
    first?.inputs.map(({ id }) => id),
    [...ids.subarray(0, 4)],
  )
  t.deepEqual(
    first?.targets.map(({ id }) => id),
    [...ids.subarray(1, 5)],
  )
  t.deepEqual(
    second?.inputs.map(({ id }) => id),
    [...ids.subarray(2, 6)],
  )
  t.deepEqual(walk.batches.shape, [3, 4])
  t.is(walk.batches.count, Math.ceil(windows / 3))
  t.deepEqual(walk.embeddings.shape, [3, 4, 8])
  t.deepEqual(walk.embeddings.tokenTable, [200019, 8])
  t.is(walk.embeddings.tokens, windows * 4)
})

/* The sum of two 32-bit floats that were written with 9 digits, written so. */
const sum = (a: number, b: number): number => Number(Math.fround(Math.fround(a) + Math.fround(b)).toPrecision(9))

test('each input embedding is its token row + its position row', async (t) => {
  const { embeddings } = await facts([])
  t.is(embeddings.rows.length, 8)
  for (const { token, position, input } of embeddings.rows) {
    t.is(input.length, 64)
    for (const [i, value] of input.entries()) t.is(value, sum(token[i] as number, position[i] as number))
  }
  t.deepEqual(embeddings.twice?.first.token, embeddings.twice?.second.token)
  t.notDeepEqual(embeddings.twice?.first.input, embeddings.twice?.second.input)
  t.true((embeddings.twice?.distance ?? 0) > 0)
})

test('the same seed gives the same weights, another seed others', async (t) => {
  const rows = async (seed: string) => (await facts(['--seed', seed, '-'], text)).embeddings.rows
  const first = await rows('1')
  t.deepEqual(await rows('1'), first)
  t.notDeepEqual(await rows('2'), first)
})

test('--tokenizer word takes the ids of the words on', async (t) => {
  const walk = await facts(['--tokenizer', 'word', '--context-length', '4', '-'], text)
  t.is(walk.tokens.tokenizer, 'word-vocabulary')
  t.is(walk.tokens.vocabSize, walk.words.vocabularySize)
  t.is(walk.tokens.count, walk.words.count)
  t.deepEqual(
    walk.windows.start[0]?.inputs.map((token) => token.text),
    ['The', 'mill', 'stood', 'where'],
  )
})

test('--encoding and a file are taken', async (t) => {
  const walk = await facts(['-e', 'gpt2', story])
  t.like(walk.tokens, { tokenizer: 'gpt2', vocabSize: 50257, roundTrip: true })
  t.is(walk.text.source, story)
})

test('a special token in the text is plain text', async (t) => {
  t.true((await facts(['-'], `${text}<|endoftext|>${text}`)).tokens.roundTrip)
})

test('a text that is too short for one window says how many tokens are needed', async (t) => {
  for (const [input, message] of [
    ['', /has 0 tokens.*at least 17: pass more text\n$/],
    ['one two three', /has 3 tokens.*at least 17: pass --context-length 2 or less, or more text\n$/],
  ] as const) {
    const { code, stdout, stderr } = await tokenmill(['run', '-'], { input })
    t.is(code, 1)
    t.is(stdout, '')
    t.regex(stderr, /^tokenmill: ERR_TOO_SHORT: /)
    t.regex(stderr, message)
  }
  t.is((await tokenmill(['run', '--context-length', '2', '-'], { input: 'one two three' })).code, 0)
})

test('bytes that are not UTF-8 are shown, and said not to come back', async (t) => {
  const bytes = Buffer.concat([Buffer.from(text), Buffer.from([0xff, 0xfe, 0x00, 0x1b]), Buffer.from(text)])
  const { code, stdout } = await tokenmill(['run', folder.file('broken.txt', bytes)])
  t.is(code, 0)
  t.false(stdout.includes('\x1b'))
  t.is((await tokenmill(['run', '--utf8', 'strict', folder.file('broken.txt', bytes)])).code, 1)
})

test('a text of one long line, or of one letter, is shown', async (t) => {
  for (const input of ['a'.repeat(1_000_000), '磨'.repeat(10_000), '\n'.repeat(5000), '🌾'.repeat(5000)]) {
    const { code, stdout, stderr } = await tokenmill(['run', '-'], { input })
    t.is(code, 0, stderr)
    for (const line of stdout.split('\n')) t.true(displayWidth(line) <= 100, line)
  }
})
