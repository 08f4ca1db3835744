import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import test from 'ava'
import { Embedding, getEncoding, InputEmbedding } from '../../src/index.ts'
import { build, makeFolder, start, story, tokenmill } from './cli.ts'

const folder = makeFolder()
test.before(build)
test.after.always(folder.remove)

const weights = join(folder.path, 'weights.safetensors')
const embedding = InputEmbedding.create({ vocabSize: 50257, contextLength: 8, dimensions: 4, seed: 1 })
test.before(() => embedding.save(weights))

const base = ['embed', '--encoding', 'gpt2']
const training = [...base, '--train', story, '-d', '8', '-c', '16', '-b', '64', '--candidates', '64']

test('embed prints the id and the numbers of each token', async (t) => {
  const { code, stdout, stderr } = await tokenmill([...base, '--weights', weights, '--text', 'the mill'])
  t.is(code, 0, stderr)
  const ids = getEncoding('gpt2').encode('the mill')
  const values = embedding.forward(ids).toFloat32()
  t.is(stdout, [...ids].map((id, row) => `${id} ${values.subarray(4 * row, 4 * row + 4).join(' ')}\n`).join(''))
})

test('--json is one value, and --output a file that numpy reads', async (t) => {
  const output = join(folder.path, 'rows.npy')
  const args = [...base, '--weights', weights, '--output', output, '--json']
  const { code, stdout, stderr } = await tokenmill(args, { input: 'the mill' })
  t.is(code, 0, stderr)
  const { ids, shape, values } = JSON.parse(stdout) as { ids: number[]; shape: number[]; values: number[] }
  t.deepEqual([ids, shape], [[...getEncoding('gpt2').encode('the mill')], [2, 4]])
  t.deepEqual(values, [...embedding.forward(ids).toFloat32()])
  t.regex(readFileSync(output, 'latin1'), /^\x93NUMPY\x01\x00.*'descr': '<f4'.*'shape': \(2, 4\)/)
  t.deepEqual((await Embedding.load(output)).parameters()[0]?.dataSync(), Float32Array.from(values))
})

test('--train writes an embedding and says what was learned', async (t) => {
  const output = join(folder.path, 'trained.safetensors')
  const { code, stdout, stderr } = await tokenmill([...training, '--dropout', '0', '--output', output, '--json'])
  t.is(code, 0, stderr)
  const facts = JSON.parse(stdout) as Record<string, number>
  t.is(facts['vocabSize'], 50257)
  t.true((facts['steps'] as number) > 0 && (facts['validationLoss'] as number) > 0)
  const { vocabSize, contextLength, dimensions } = await InputEmbedding.load(output)
  t.deepEqual([vocabSize, contextLength, dimensions], [50257, 16, 8])
})

test('weights are read with the tokenizer that they were made for, and no other', async (t) => {
  const output = join(folder.path, 'made-for.safetensors')
  const checkpoint = join(folder.path, 'made-for-checkpoint.safetensors')
  const trained = await tokenmill([...training, '--output', output, '--checkpoint', checkpoint])
  t.is(trained.code, 0, trained.stderr)
  for (const file of [output, checkpoint]) {
    const { tokenizer } = await InputEmbedding.load(file)
    t.deepEqual(tokenizer, { name: 'gpt2', fingerprint: getEncoding('gpt2').fingerprint })
    const args = ['--weights', file, '--text', 'a mill']
    const { code, stderr } = await tokenmill([...base, ...args])
    t.is(code, 0, stderr)
    // It has the ids of these texts too, and their rows would be those of other tokens.
    const other = await tokenmill(['embed', '--encoding', 'p50k_base', ...args])
    t.is(other.code, 2)
    t.is(other.stdout, '')
    t.regex(
      other.stderr,
      /expected the tokenizer that .* was made for, gpt2 with .*, for --tokenizer, --encoding or --model, received p50k_base/,
    )
  }
})

test('--train reads its text as --special and --utf8 say', async (t) => {
  const output = join(folder.path, 'never.safetensors')
  const [special, bytes] = [folder.file('special.txt', 'a<|endoftext|>b'), join(folder.path, 'bytes.txt')]
  writeFileSync(bytes, Uint8Array.of(0x61, 0xff))
  for (const [args, message] of [
    [[special, '--special', 'throw'], /ERR_SPECIAL_TOKEN/],
    [[bytes, '--utf8', 'strict'], /ERR_INVALID_UTF8/],
    [[special], /ERR_TOO_SHORT: .*special.txt has 9 tokens/],
    [[special, '--special', 'parse'], /ERR_TOO_SHORT: .*special.txt has 3 tokens/],
  ] as const) {
    const { code, stderr } = await tokenmill([...base, '--train', ...args, '--output', output])
    t.is(code, 1)
    t.regex(stderr, message)
  }
})

test('--train of a dataset takes its own tokenizer and its held-out documents', async (t) => {
  const data = join(folder.path, 'data')
  const texts = readFileSync(story, 'utf8')
    .split('\n')
    .filter((line) => line.length > 40)
  const input = folder.file('lines.txt', texts.join('\n'))
  const prepared = [
    'prepare',
    '--out',
    data,
    '--encoding',
    'r50k_base',
    '--input-format',
    'lines',
    '--validation',
    '0.3',
  ]
  const { code, stderr } = await tokenmill([...prepared, input])
  t.is(code, 0, stderr)
  const output = join(folder.path, 'masked.safetensors')
  const trained = await tokenmill([
    ...['embed', '--train', data, '--objective', 'masked', '-d', '4', '-c', '16', '--candidates', '64'],
    ...['--output', output, '--json'],
  ])
  t.is(trained.code, 0, trained.stderr)
  const { vocabSize, validationLoss } = JSON.parse(trained.stdout) as Record<string, number>
  t.is(vocabSize, 50258)
  t.true((validationLoss as number) > 0)
  t.is((await InputEmbedding.load(output)).tokenizer?.name, 'r50k_base')

  const other = await tokenmill(['embed', '--train', data, '-e', 'cl100k_base', '--output', output])
  t.is(other.code, 2)
  t.regex(other.stderr, /^tokenmill: ERR_INVALID_ARGUMENT: expected the tokenizer of the dataset, r50k_base with/)
})

test('an interrupted training is exit code 130 and goes on from its checkpoint', async (t) => {
  const [output, checkpoint] = [join(folder.path, 'stopped.safetensors'), join(folder.path, 'checkpoint.safetensors')]
  const args = [...training, '--output', output, '--checkpoint', checkpoint, '--checkpoint-steps', '1']
  const child = start([...args, '--epochs', '1000'])
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  while (!existsSync(checkpoint)) {
    if (child.exitCode !== null) return t.fail(stderr)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  child.kill('SIGINT')
  const [code] = (await once(child, 'close')) as [number | null]
  t.is(code, 130, stderr)
  t.regex(stderr, /ERR_INTERRUPTED: the same command goes on/)
  t.false(existsSync(output))
  // What is left is less than was done: a training of one epoch is over.
  const again = await tokenmill([...args, '--epochs', '1'])
  t.is(again.code, 0, again.stderr)
  t.true(existsSync(output))
})

test('wrong usage is exit code 2, and what fails is 1', async (t) => {
  for (const [args, expected, message] of [
    [['embed', '--text', 'x'], 2, /--weights FILE, or --train/],
    [[...base, '--weights', weights, '--text', 'x', '--output', 'x.txt'], 2, /\.npy/],
    [[...training, '--output', 'x.npy'], 2, /\.safetensors/],
    [[...training], 2, /\.safetensors/],
    [[...training, '--output', 'x.safetensors', '--learning-rate', '0'], 2, /above 0/],
    [[...training, '--output', 'x.safetensors', '--dropout', '1'], 2, /below 1/],
    [[...training, '--output', 'x.safetensors', '--weights', weights], 2, /--train or --weights, not both/],
    [[...base, '--tokenizer', 'x.json', '--weights', weights, '--text', 'x'], 2, /not several/],
    [[...base, '--weights', weights, '--text', 'x', '--epochs', '1'], 2, /ERR_USAGE: --epochs is for --train\n/],
    [
      [...training, '--output', 'x.safetensors', '--checkpoint-steps', '9'],
      2,
      /--checkpoint-steps is for --checkpoint/,
    ],
    [[...base, '--weights', join(folder.path, 'absent'), '--text', 'x'], 1, /ERR_INVALID_FILE/],
    [[...base, '--weights', weights, '--text', 'x '.repeat(9)], 1, /ERR_OUT_OF_RANGE/],
    [[...training, '--output', '/nowhere/x.safetensors'], 1, /ERR_OUTPUT: cannot write .*: there is no such folder/],
    [[...training, '-o', weights, '--checkpoint', folder.path], 1, /ERR_OUTPUT: cannot write .*: it is a folder/],
    [[...base, '-w', weights, '-t', 'x', '-o', '/nowhere/x.npy'], 1, /ERR_OUTPUT: .*: there is no such folder/],
  ] as const) {
    const { code, stdout, stderr } = await tokenmill(args)
    t.is(code, expected, `${args.join(' ')}: ${stderr}`)
    t.regex(stderr, message)
    t.is(stdout, '')
  }
})
