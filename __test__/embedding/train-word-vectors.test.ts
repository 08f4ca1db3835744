import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import {
  getEncoding,
  setThreads,
  TokenmillError,
  trainWordVectors,
  type TrainWordVectorsOptions,
  type TrainWordVectorsProgress,
} from '../../src/index.ts'
import { temporaryFolder } from './safetensors.ts'

const invalid = { instanceOf: TokenmillError, code: 'ERR_INVALID_ARGUMENT' }

const groups = [
  ['river', 'mill', 'water', 'wheel'],
  ['bread', 'oven', 'flour', 'baker'],
] as const

/** Sentences of words out of one of two groups, which never meet. */
let state = 1
const sentences = Array.from({ length: 2000 }, (_, sentence) =>
  Array.from({ length: 8 }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return groups[sentence % 2]?.[state >>> 30]
  }).join(' '),
)
const settings: TrainWordVectorsOptions = { dimensions: 21, window: 3, subsample: 0, threads: 1 }

test('words of one group are nearer to each other than to the others', async (t) => {
  for (const objective of ['skipgram', 'cbow'] as const) {
    for (const threads of [1, 2]) {
      using vectors = await trainWordVectors({ texts: sentences }, { ...settings, objective, threads, epochs: 10 })
      t.is(vectors.size, 8)
      t.is(vectors.dimensions, 21)
      for (const [index, group] of groups.entries()) {
        const [first, ...others] = group
        const nearest = vectors.nearest(first, 3)
        t.deepEqual(nearest.map(({ word }) => word).sort(), [...others].sort(), `${objective} ${threads}`)
        const far = vectors.similarity(first, groups[1 - index]?.[0] as string)
        t.true(far < (nearest[2]?.similarity as number) - 0.1)
      }
    }
  }
})

test('one thread gives the same bits, from strings, bytes, iterables and files of every kind', async (t) => {
  const folder = await temporaryFolder(t)
  const options = { ...settings, epochs: 1 }
  using expected = await trainWordVectors({ texts: sentences }, options)
  const half = sentences.length / 2
  const [text, lines] = [join(folder, 'a.txt'), join(folder, 'b.jsonl.gz')]
  writeFileSync(text, sentences.slice(0, half).join('\n'))
  writeFileSync(
    lines,
    gzipSync(
      sentences
        .slice(half)
        .map((text) => JSON.stringify({ text }))
        .join('\n'),
    ),
  )
  async function* late() {
    for (const text of sentences) yield text
  }
  for (const [what, source] of [
    ['bytes', { texts: sentences.map((text) => Buffer.from(text)) }],
    ['an iterator', { texts: sentences.values() }],
    ['an async iterator', { texts: late() }],
    ['one text of many lines', { texts: [sentences.join('\r\n')] }],
    ['files', [text, lines]],
  ] as const) {
    using vectors = await trainWordVectors(source, options)
    t.deepEqual(vectors.words, expected.words, what)
    t.deepEqual(vectors.toFloat32(), expected.toFloat32(), what)
  }
  using other = await trainWordVectors({ texts: sentences }, { ...options, seed: 1 })
  t.notDeepEqual(other.toFloat32(), expected.toFloat32())
})

test('words are those of Unicode or what stands between spaces, the most frequent first', async (t) => {
  const texts = ['The mill, the Mill!', 'the mill: 1912']
  const options = { ...settings, minFrequency: 1 }
  t.deepEqual((await trainWordVectors({ texts }, { ...options, lowerCase: true })).words, ['mill', 'the', '1912'])
  t.deepEqual((await trainWordVectors({ texts }, options)).words, ['mill', 'the', '1912', 'Mill', 'The'])
  const spaced = await trainWordVectors({ texts }, { ...options, split: 'spaces' })
  t.deepEqual(spaced.words, ['the', '1912', 'Mill!', 'The', 'mill,', 'mill:'])
  t.deepEqual((await trainWordVectors({ texts }, { ...options, minFrequency: 2 })).words, ['mill', 'the'])
})

test('progress tells what was read and trained', async (t) => {
  const seen: TrainWordVectorsProgress[] = []
  await trainWordVectors({ texts: sentences }, { ...settings, onProgress: (now) => seen.push(now) })
  const bytes = sentences.join('').length
  t.is(seen[0]?.phase, 'read')
  t.deepEqual(seen.at(-1), {
    phase: 'train',
    texts: 2000,
    bytes,
    bytesRead: 0,
    bytesToRead: 0,
    words: 80_000,
    wordsToTrain: 80_000,
  })
  const failing = trainWordVectors({ texts: sentences }, { onProgress: () => { throw new RangeError('no more') } }) // prettier-ignore
  await t.throwsAsync(failing, { instanceOf: RangeError, message: 'no more' })
})

test('a signal stops it, while it reads and while it trains', async (t) => {
  const reason = new RangeError('enough')
  const already = trainWordVectors({ texts: sentences }, { signal: AbortSignal.abort(reason) })
  t.is(await t.throwsAsync(already), reason)
  const controller = new AbortController()
  const endless = trainWordVectors(
    { texts: sentences },
    {
      ...settings,
      epochs: 2 ** 20,
      signal: controller.signal,
      onProgress: ({ phase }) => phase === 'train' && controller.abort(reason),
    },
  )
  t.is(await t.throwsAsync(endless), reason)
  let ended = false
  function* texts() {
    try {
      for (;;) yield 'the mill '.repeat(1e5)
    } finally {
      ended = true
    }
  }
  const late = new AbortController()
  const onProgress = ({ bytes }: TrainWordVectorsProgress) => bytes > 0 && late.abort(reason)
  t.is(await t.throwsAsync(trainWordVectors({ texts: texts() }, { signal: late.signal, onProgress })), reason)
  t.true(ended)
})

test('a signal stops it while its source gives nothing', async (t) => {
  const texts: AsyncIterable<string> = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }
  const controller = new AbortController()
  const training = trainWordVectors({ texts }, { signal: controller.signal })
  const reason = new Error('enough')
  setImmediate(() => controller.abort(reason))
  t.is(await t.throwsAsync(training), reason)
})

test('a buffer may be written to again when the next text is asked for', async (t) => {
  const buffer = Buffer.alloc(8)
  function* texts() {
    for (const text of ['one two ', 'six ten ']) {
      buffer.write(text)
      yield buffer
    }
  }
  const { words } = await trainWordVectors({ texts: texts() }, { ...settings, minFrequency: 1 })
  t.deepEqual([...words].sort(), ['one', 'six', 'ten', 'two'].sort())
})

test('a training leaves the threads of others alone', async (t) => {
  const controller = new AbortController()
  const encoded = new Promise<number>((done) => {
    const onProgress = ({ phase }: TrainWordVectorsProgress) => {
      if (phase === 'train') done(getEncoding('gpt2').encodeBatch(['the mill', 'the wheel']).ids.length)
    }
    const options = { ...settings, epochs: 2 ** 20, signal: controller.signal, onProgress }
    trainWordVectors({ texts: sentences }, options).catch(() => {})
  })
  try {
    setThreads(1)
    // It would wait for the end of the training, of which there is none.
    t.is(await encoded, 4)
  } finally {
    controller.abort()
    setThreads(2)
  }
})

test('what cannot be is an error that says so', async (t) => {
  const bad: [options: object, message: RegExp][] = [
    [{ dimensions: 0 }, /an integer from 1 to 65536 for options\.dimensions, received 0/],
    [{ window: 1.5 }, /options\.window, received 1\.5/],
    [{ negatives: -1 }, /options\.negatives/],
    [{ objective: 'glove' }, /one of 'skipgram', 'cbow'/],
    [{ subsample: NaN }, /a finite number for options\.subsample, received NaN/],
    [{ learningRate: NaN }, /a finite number for options\.learningRate/],
    [{ learningRate: 11 }, /a number from 0 to 10/],
    [{ minLearningRate: 0.5 }, /a number from 0 to 0\.025 for options\.minLearningRate/],
    [{ epochs: Infinity }, /options\.epochs/],
    [{ threads: 0 }, /options\.threads/],
    [{ split: /\s/ }, /options\.split/],
    [{ size: 100 }, /received size/],
    [{ signal: {} }, /an AbortSignal/],
  ]
  for (const [options, message] of bad) {
    await t.throwsAsync(trainWordVectors({ texts: sentences }, options), { ...invalid, message })
  }
  await t.throwsAsync(trainWordVectors({ texts: 'a b c' as never }), invalid)
  const fast = { learningRate: 10, minFrequency: 1, threads: 1 }
  await t.throwsAsync(trainWordVectors({ texts: Array<string>(3000).fill('a b c d e f') }, fast), {
    ...invalid,
    message: /a smaller learning rate may keep them so\) for the vectors, received/,
  })
  await t.throwsAsync(trainWordVectors([]), invalid)
  await t.throwsAsync(trainWordVectors({ texts: ['a b c'] }), {
    ...invalid,
    message: 'expected texts with words that stand there at least 5 times, found 0 such words among 3',
  })
  await t.throwsAsync(trainWordVectors({ texts: [new Uint8Array([0xff])] }), { code: 'ERR_INVALID_UTF8' })
  await t.throwsAsync(trainWordVectors(['no-such-folder/*.txt']), {
    ...invalid,
    message: 'no file matches "no-such-folder/*.txt"; strings of the source are paths and globs, texts go in { texts }',
  })
})
