import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import {
  setThreads,
  TokenmillError,
  trainBpe,
  type TrainBpeOptions,
  type ErrorCode,
  type TrainProgress,
} from '../../src/index.ts'

interface Row {
  corpus: string
  pattern: string
  vocab_size: number
  min_frequency: number
  max_token_length: number | null
  special_tokens: string[]
  merges: number[]
  encoded: number[][]
}

const lines = readFileSync(new URL('../../testdata/tokenizer/train.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
const [{ samples }, ...rest] = lines.map((line) => JSON.parse(line)) as [{ samples: string[] }, ...object[]]
const corpora = new Map(
  rest.flatMap((row) =>
    'texts' in row ? [[(row as { corpus?: string }).corpus as string, row.texts as string[]] as const] : [],
  ),
)
const rows = rest.filter((row): row is Row => 'merges' in row)

const optionsOf = (row: Row): TrainBpeOptions => ({
  vocabSize: row.vocab_size,
  pattern: row.pattern,
  minFrequency: row.min_frequency,
  specialTokens: row.special_tokens,
  ...(row.max_token_length !== null && { maxTokenLength: row.max_token_length }),
})

const folder = mkdtempSync(join(tmpdir(), 'tokenmill-train-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

/** Asserts that a promise is rejected with `code`. */
const codes = (t: ExecutionContext, code: ErrorCode) => async (promise: Promise<unknown>, what: string) => {
  const error = await t.throwsAsync(promise, { instanceOf: TokenmillError }, what)
  t.is(error?.code, code, `${what}: ${error?.message}`)
}

/** Words by Zipf's law, of letters that depend on their rank. */
const story = Array.from({ length: 3000 }, (_, rank) => {
  const word = (rank * 7919 + 13).toString(36)
  return `${word} `.repeat(1 + Math.floor(600 / (rank + 1)))
})

test('ids are those of the tokenizers that Hugging Face trains', async (t) => {
  t.true(rows.length > 50)
  for (const row of rows) {
    const texts = corpora.get(row.corpus) as string[]
    const tokenizer = await trainBpe({ texts }, optionsOf(row))
    const ids = samples.map((text) => [...tokenizer.encode(text, { allowedSpecial: 'all' })])
    t.deepEqual(ids, row.encoded, `${row.corpus}, ${row.pattern}, ${row.vocab_size}`)
    const merges = row.merges.length / 2
    const missing = row.vocab_size - 256 - row.special_tokens.length - merges
    t.like(tokenizer.training, { texts: texts.length, merges, missing })
  }
})

test('threads, memory, order, strings or bytes and the kind of iterable change nothing', async (t) => {
  const options = { vocabSize: 1500 }
  const expected = (await trainBpe({ texts: story }, options)).fingerprint
  async function* late() {
    for (const text of story) yield text
  }
  t.is((await trainBpe({ texts: late() }, options)).fingerprint, expected)
  t.is((await trainBpe({ texts: new Set(story).values() }, options)).fingerprint, expected)
  t.is((await trainBpe({ texts: story.map((text) => Buffer.from(text)).toReversed() }, options)).fingerprint, expected)
  for (const memoryLimit of [0, 100_000, 2_000_000]) {
    t.is((await trainBpe({ texts: story }, { ...options, memoryLimit, tempDir: folder })).fingerprint, expected)
  }
  t.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('.tmp')),
    [],
    'temporary files are gone',
  )
  try {
    setThreads(1)
    t.is((await trainBpe({ texts: story }, options)).fingerprint, expected)
    setThreads(7)
    t.is((await trainBpe({ texts: story }, options)).fingerprint, expected)
  } finally {
    setThreads(2)
  }
})

test('files, packed or not, give what their texts give', async (t) => {
  const options = { vocabSize: 700 }
  const expected = (await trainBpe({ texts: story }, options)).fingerprint
  const jsonl = story.map((text) => `${JSON.stringify({ text })}\n`).join('')
  const half = jsonl.indexOf('\n', jsonl.length / 2) + 1
  writeFileSync(join(folder, 'a.jsonl'), jsonl.slice(0, half))
  writeFileSync(join(folder, 'b.jsonl.gz'), gzipSync(jsonl.slice(half)))
  const fromFiles = await trainBpe([join(folder, '*.jsonl*')], options)
  t.is(fromFiles.fingerprint, expected)
  t.like(fromFiles.training, { texts: story.length, bytes: story.join('').length })
  const fields = join(folder, 'fields.jsonl')
  writeFileSync(fields, story.map((body) => JSON.stringify({ body, text: 'another' })).join('\n'))
  t.is((await trainBpe([fields], { ...options, field: 'body' })).fingerprint, expected)
  const plain = join(folder, 'lines.txt')
  writeFileSync(plain, story.join('\r\n'))
  t.is((await trainBpe([plain], { ...options, format: 'lines' })).fingerprint, expected)
})

test('a large text file is one text, however it is read', async (t) => {
  const text = `${story.join('\n')}\n\n${'-'.repeat(500)} `.repeat(12)
  t.true(text.length > 2 ** 18)
  const long = text.repeat(Math.ceil((10 << 20) / text.length))
  const expected = (await trainBpe({ texts: [long] }, { vocabSize: 900, pattern: 'o200k' })).fingerprint
  const [file, packed] = [join(folder, 'long.txt'), join(folder, 'long.txt.gz')]
  writeFileSync(file, `\ufeff${long}`)
  writeFileSync(packed, gzipSync(long, { level: 1 }))
  for (const path of [file, packed]) {
    const tokenizer = await trainBpe([path], { vocabSize: 900, pattern: 'o200k' })
    t.is(tokenizer.fingerprint, expected)
    t.like(tokenizer.training, { texts: 1, bytes: long.length })
  }
})

test('progress tells what was counted and merged', async (t) => {
  const seen: TrainProgress[] = []
  const texts = story.map((text) => `${text}é`)
  const tokenizer = await trainBpe({ texts }, { vocabSize: 600, onProgress: (now) => seen.push(now) })
  const [first, last] = [seen[0] as TrainProgress, seen.at(-1) as TrainProgress]
  t.is(first.phase, 'count')
  t.deepEqual(last, {
    phase: 'merge',
    texts: texts.length,
    bytes: Buffer.byteLength(texts.join('')),
    bytesRead: 0,
    bytesToRead: 0,
    merges: 344,
    mergesToMake: 344,
  })
  t.is(tokenizer.training.missing, 0)
  const failing = trainBpe({ texts }, { vocabSize: 600, onProgress: () => { throw new RangeError('no more') } }) // prettier-ignore
  await t.throwsAsync(failing, { instanceOf: RangeError, message: 'no more' })
})

test('a signal stops it, in its texts and in its merges', async (t) => {
  const reason = new Error('enough')
  await t.throwsAsync(trainBpe({ texts: story }, { vocabSize: 600, signal: AbortSignal.abort(reason) }), { is: reason })
  let ended = false
  const controller = new AbortController()
  function* endless() {
    try {
      for (;;) yield 'x'.repeat(1000)
    } finally {
      ended = true
    }
  }
  const onProgress = ({ bytes }: TrainProgress) => bytes > 0 && controller.abort(reason)
  const { signal } = controller
  await t.throwsAsync(trainBpe({ texts: endless() }, { vocabSize: 600, signal, onProgress }), { is: reason })
  t.true(ended, 'the source was ended')
})

test('a signal stops it while its source gives nothing', async (t) => {
  let ended = false
  const texts: AsyncIterable<string> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise<never>(() => {}),
      return: () => {
        ended = true
        return new Promise<never>(() => {})
      },
    }),
  }
  const controller = new AbortController()
  const training = trainBpe({ texts }, { vocabSize: 300, signal: controller.signal })
  const reason = new Error('enough')
  setImmediate(() => controller.abort(reason))
  await t.throwsAsync(training, { is: reason })
  t.true(ended, 'the source was ended')
})

test('bytes may be written to again when the next text is asked for', async (t) => {
  const words = ['aaaa', 'bbbb', 'cccc']
  const { merges } = (await trainBpe({ texts: words }, { vocabSize: 259 })).training
  for (const bytes of [Buffer.alloc(4), new Uint8Array(4)]) {
    function* texts() {
      for (const word of words) {
        bytes.set(Buffer.from(word))
        yield bytes
      }
    }
    const tokenizer = await trainBpe({ texts: texts() }, { vocabSize: 259 })
    t.deepEqual(
      [256, 257, 258].map((id) => tokenizer.idToToken(id)),
      ['aa', 'bb', 'cc'],
    )
    t.is(tokenizer.training.merges, merges)
  }
  const gone = new Uint8Array(4)
  structuredClone(gone, { transfer: [gone.buffer] })
  await codes(t, 'ERR_INVALID_ARGUMENT')(trainBpe({ texts: [gone] }, { vocabSize: 259 }), 'bytes that are gone')
})

test('an error of the source is the error, and the source is ended', async (t) => {
  // A file that is read has errors with a code of its own.
  const errors = ['ENOENT', 'Timeout', 'ERR_OUT_OF_RANGE'].map((code) => Object.assign(new Error(), { code }))
  for (const error of [new TypeError('of the source'), ...errors]) {
    async function* failing() {
      yield 'text'
      throw error
    }
    await t.throwsAsync(trainBpe({ texts: failing() }, { vocabSize: 300 }), { is: error })
    const onProgress = () => {
      throw error
    }
    await t.throwsAsync(trainBpe({ texts: ['text'] }, { vocabSize: 300, onProgress }), { is: error })
  }
  const onProgress = () => {
    // oxlint-disable-next-line no-throw-literal
    throw undefined
  }
  const thrown = trainBpe({ texts: ['text'] }, { vocabSize: 300, onProgress }).then(
    () => 'nothing',
    (error: unknown) => error,
  )
  t.is(await thrown, undefined)
})

test('special tokens come first and are plain text in the texts', async (t) => {
  const specialTokens = ['<|endoftext|>', '<pad>']
  const texts = ['<|endoftext|> <pad>', '<pad>']
  const tokenizer = await trainBpe({ texts }, { vocabSize: 260, specialTokens, name: 'mine' })
  t.is(tokenizer.name, 'mine')
  t.is(tokenizer.endOfTextId, 0)
  t.deepEqual([...tokenizer.specialTokens], [['<|endoftext|>', 0], ['<pad>', 1]]) // prettier-ignore
  t.true(tokenizer.encodeOrdinary('<pad>').every((id) => id > 1))
  t.is(tokenizer.decode(tokenizer.encode('a<pad>é', { allowedSpecial: 'all' })), 'a<pad>é')
})

test('what cannot be trained is refused', async (t) => {
  const texts = ['a']
  const invalid = codes(t, 'ERR_INVALID_ARGUMENT')
  for (const options of [
    undefined,
    {},
    { vocabSize: 255 },
    { vocabSize: 256.5 },
    { vocabSize: Infinity },
    { vocabSize: 256, specialTokens: ['a'] },
    { vocabSize: 300, specialTokens: 'a' },
    { vocabSize: 300, specialTokens: ['a', 'a'] },
    { vocabSize: 300, specialTokens: [''] },
    { vocabSize: 300, specialTokens: ['\ud800'] },
    { vocabSize: 300, pattern: '(' },
    { vocabSize: 300, minFrequency: -1 },
    { vocabSize: 300, maxTokenLength: 1.5 },
    { vocabSize: 300, signal: {} },
    { vocabSize: 300, onProgress: 1 },
    { vocabSize: 300, format: 'csv' },
    { vocabSize: 300, vocabsize: 1 },
  ]) {
    await invalid(trainBpe({ texts }, options as never), JSON.stringify(options))
  }
  for (const source of [undefined, 'a.txt', [], [''], [1], {}, { texts: 'text' }, { texts: [1] }, { texts: 5 }]) {
    await invalid(trainBpe(source as never, { vocabSize: 300 }), JSON.stringify(source))
  }
  await invalid(trainBpe([join(folder, 'no-such-*.txt')], { vocabSize: 300 }), 'a glob without a match')
  await codes(t, 'ERR_INVALID_FILE')(
    trainBpe([join(folder, 'none.txt')], { vocabSize: 300 }),
    'a file that is not there',
  )
  writeFileSync(join(folder, 'notes.md'), 'a')
  await t.throwsAsync(trainBpe([join(folder, 'notes.md')], { vocabSize: 300 }), {
    code: 'ERR_INVALID_ARGUMENT',
    message: /notes\.md does not tell its format: say which it has with options\.format$/,
  })
  await t.throwsAsync(trainBpe(['a text of mine'], { vocabSize: 300 }), {
    code: 'ERR_INVALID_FILE',
    message: 'no file is called "a text of mine"; strings of the source are paths and globs, texts go in { texts }',
  })
  const broken = join(folder, 'broken.txt')
  writeFileSync(broken, Buffer.from([0x61, 0xff]))
  await codes(t, 'ERR_INVALID_UTF8')(trainBpe([broken], { vocabSize: 300 }), 'bytes that are not UTF-8')
  t.is((await trainBpe([broken], { vocabSize: 300, utf8: 'replace' })).training.bytes, 4)
  // Also where nothing would come to it.
  for (const tempDir of [join(folder, 'none'), broken]) {
    const error = await t.throwsAsync(trainBpe({ texts: story }, { vocabSize: 300, tempDir }), {
      code: 'ERR_INVALID_FILE',
      message: /^expected a folder for temporary files as options\.tempDir, cannot make one in .*: /,
    })
    t.true(error.message.includes(tempDir), error.message)
  }
  // A hole: it has no place on the disk.
  const large = join(folder, 'large.txt')
  writeFileSync(large, '')
  truncateSync(large, 2 ** 28 + 1)
  const tooLarge = trainBpe([large], { vocabSize: 300, format: 'lines' })
  await codes(t, 'ERR_LIMIT')(tooLarge, 'a line that is too large')
})
