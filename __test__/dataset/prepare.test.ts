import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { prepare, type PrepareOptions, type PrepareProgress } from '../../src/dataset/prepare.ts'
import { TokenStore } from '../../src/dataset/token-store.ts'
import { native } from '../../src/native.ts'
import { getEncoding } from '../../src/tokenizer/encodings.ts'
import { loadTokenizer } from '../../src/tokenizer/load.ts'
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { Vocabulary } from '../../src/tokenizer/vocabulary.ts'
import { WordTokenizer } from '../../src/tokenizer/word-tokenizer.ts'

const folder = mkdtempSync(join(tmpdir(), 'tokenmill-prepare-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))
const at = (name: string) => join(folder, name)
const file = (name: string, content: string | Uint8Array) => {
  writeFileSync(at(name), content)
  return at(name)
}

const documents = Array.from(
  { length: 5000 },
  (_, index) => `Document ${index}: ${'wörd <|endoftext|> '.repeat(index % 40)}`,
)
const jsonl = documents.map((text) => `${JSON.stringify({ id: 1, text })}\n`).join('')
const tokenizer = getEncoding('gpt2')
const input = file('documents.jsonl', jsonl)

/** The hash of each file below a folder. */
const hashes = (path: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((name) => statSync(join(path, name)).isFile())
      .sort()
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(path, name)))
          .digest('hex'),
      ]),
  )

test('the ids are those of encodeOrdinary, each document with its separator', async (t) => {
  const expected = documents.flatMap((text) => [...tokenizer.encodeOrdinary(text), 50256])
  const manifest = await prepare({ inputs: [input], tokenizer, outDir: at('raw'), shardTokens: 50_000 })
  t.like(manifest.counts, { documents: 5000, tokens: expected.length, bytes: Buffer.byteLength(documents.join('')) })
  t.like(manifest, { dtype: 'uint16', separator: { id: 50256, position: 'after' }, validation: null })
  t.is(manifest.tokenizer.fingerprint, tokenizer.fingerprint)

  using store = await TokenStore.open(at('raw'), { tokenizer })
  t.is(store.length, expected.length)
  t.deepEqual(store.slice(), Uint32Array.from(expected))
  t.deepEqual(store.manifest, manifest)
  // The shards are plain files of 16-bit ids.
  const shards = manifest.splits.train?.shards ?? []
  const joined = Buffer.concat(shards.map((shard) => readFileSync(join(at('raw'), shard.file))))
  t.deepEqual(new Uint16Array(new Uint8Array(joined).buffer), Uint16Array.from(expected))
  t.true(shards.slice(0, -1).every((shard) => shard.tokens === 50_000))
})

test('an input may be a file: URL, as outDir may', async (t) => {
  const path = file('of url.txt', 'a')
  const outDir = pathToFileURL(at('of-url'))
  const { counts, inputs } = await prepare({ inputs: [pathToFileURL(path), path], tokenizer, outDir })
  t.deepEqual([counts.documents, inputs.files], [1, 1])
})

test('a tokenizer that is not native gives its own ids', async (t) => {
  const words = new WordTokenizer(Vocabulary.fromText(documents))
  const manifest = await prepare({
    inputs: [input],
    tokenizer: words,
    outDir: at('words'),
    split: { validation: 0.1, seed: 3 },
  })
  const [train, val] = [await TokenStore.open(at('words')), await TokenStore.open(at('words'), { split: 'val' })]
  t.is(train.length + val.length, manifest.counts.tokens)
  t.true((val.documents?.length ?? 0) > 300)
  const kept = documents
    .filter((text) => text !== '')
    .map((text) => words.encode(text, { disallowedSpecial: [] }).length + 1)
  t.is(
    manifest.counts.tokens,
    kept.reduce((sum, length) => sum + length, 0),
  )
  const first = train.slice(0, train.documents?.start(1))
  t.is(first.at(-1), words.endOfTextId)
  t.true(documents.some((text) => words.encode(text, { disallowedSpecial: [] }).join() === first.slice(0, -1).join()))
})

test('a file whose tokenizer changes texts, and puts ids around whole ones, has the ids between', async (t) => {
  await tokenizer.save(at('gpt2.json'))
  const json = JSON.parse(readFileSync(at('gpt2.json'), 'utf8'))
  const single = [{ SpecialToken: { id: '<|endoftext|>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }]
  const pair = [...single, { Sequence: { id: 'B', type_id: 0 } }]
  const special_tokens = { '<|endoftext|>': { id: '<|endoftext|>', ids: [50256], tokens: ['<|endoftext|>'] } }
  for (const [name, normalizer] of Object.entries({ plain: null, nfc: { type: 'NFC' } })) {
    const post_processor = { type: 'TemplateProcessing', single, pair, special_tokens }
    const loaded = await loadTokenizer(file(`${name}.json`, JSON.stringify({ ...json, normalizer, post_processor })))
    const text = 'Cafe\u0301 <|endoftext|>'
    const inputs = [file(`${name}.txt`, text)]
    await prepare({ inputs, tokenizer: loaded, outDir: at(name), separator: null })
    using store = await TokenStore.open(at(name), { tokenizer: loaded })
    const between = loaded.encode(text, { disallowedSpecial: [], addSpecialTokens: false })
    t.deepEqual(store.slice(), between, name)
    t.is(loaded.decode(between), name === 'nfc' ? text.normalize() : text)
    t.is(loaded.encode(text, { disallowedSpecial: [], addSpecialTokens: true }).length, between.length + 1)
  }
})

test('special tokens in documents are plain text unless a call says otherwise, for every kind of tokenizer', async (t) => {
  const inputs = [file('special.txt', 'one<|endoftext|>two')]
  const words = new WordTokenizer(Vocabulary.fromText(['one two']))
  for (const [name, it] of Object.entries({ bpe: tokenizer, words })) {
    const idsOf = async (options: Partial<PrepareOptions>) => {
      const outDir = at(`special-${name}-${Object.keys(options).join('-')}`)
      const { allowedSpecial } = await prepare({ inputs, tokenizer: it, outDir, separator: null, ...options })
      t.deepEqual(allowedSpecial, options.allowedSpecial === undefined ? undefined : ['<|endoftext|>'])
      using store = await TokenStore.open(outDir)
      return store.slice()
    }
    t.deepEqual(await idsOf({}), it.encode('one<|endoftext|>two', { disallowedSpecial: [] }))
    const allowed = await idsOf({ allowedSpecial: ['<|endoftext|>', '<|unknown|>'] })
    t.deepEqual(allowed, it.encode('one<|endoftext|>two', { allowedSpecial: 'all' }))
    await t.throwsAsync(idsOf({ disallowedSpecial: 'all' }), { code: 'ERR_SPECIAL_TOKEN' })
  }
  await t.throwsAsync(prepare({ inputs, tokenizer, outDir: at('special-line'), disallowedSpecial: 'all' }), {
    code: 'ERR_SPECIAL_TOKEN',
    message: /special\.txt, line 1: the document holds the special token "<\|endoftext\|>" at byte 3/,
  })
})

test('a document that a tokenizer refuses is named by file and line, for every kind of tokenizer', async (t) => {
  const lines = Array.from({ length: 30_000 }, (_, index) => JSON.stringify({ text: `a b ${'a '.repeat(index % 40)}` }))
  lines[29_000] = '{"text":"a [MASK] <|endoftext|> c"}'
  lines[29_010] = '{"text":"c [MASK] <|endoftext|> later"}'
  const input = file('refused.jsonl', `{"text":""}\n${lines.join('\n')}`)
  const vocabulary = Vocabulary.fromText('a b')
  const wordPiece = await loadTokenizer('testdata/tokenizer-json/bert.json')
  const disallowedSpecial = 'all'
  for (const [its, options, code, message] of [
    [tokenizer, { disallowedSpecial }, 'ERR_SPECIAL_TOKEN', /: the document holds the special token .* at byte 9;/],
    [wordPiece, { disallowedSpecial }, 'ERR_SPECIAL_TOKEN', /: the document holds the special token "\[MASK\]" at/],
    [new WordTokenizer(vocabulary), { disallowedSpecial }, 'ERR_SPECIAL_TOKEN', /: the document holds the special/],
    [new WordTokenizer(vocabulary, { unknown: null }), {}, 'ERR_UNKNOWN_TOKEN', /: expected words .* for the document/],
  ] as const) {
    const call = { inputs: [input], tokenizer: its, separator: null, outDir: at('refused'), resume: false, ...options }
    const error = await t.throwsAsync(prepare(call), { code, message })
    t.true(error?.message.startsWith(`${input}, line 29002: `), error?.message)
  }
})

test('what a tokenizer throws is what prepare rejects with, and the same call goes on', async (t) => {
  const words = new WordTokenizer(Vocabulary.fromText('a b'), { unknown: null })
  const options: PrepareOptions = { inputs: [input], tokenizer: words, outDir: at('throws') }
  await t.throwsAsync(prepare(options), { code: 'ERR_UNKNOWN_TOKEN' })
  await t.throwsAsync(prepare(options), { code: 'ERR_UNKNOWN_TOKEN' })
  for (const error of [undefined, 'mine', Object.assign(new Error('mine'), { code: 'Timeout' })]) {
    const encodeBatch = () => {
      throw error
    }
    const thrown = prepare({ ...options, tokenizer: ofMine({ encodeBatch }), outDir: at('throws-mine') }).then(
      () => 'nothing',
      (reason: unknown) => reason,
    )
    t.is(await thrown, error)
  }
})

/** A tokenizer as a caller may make one, which gives one id for each text. */
const ofMine = (members: object): Tokenizer =>
  ({
    name: 'mine',
    vocabSize: 100,
    fingerprint: 'mine',
    specialTokens: new Map(),
    endOfTextId: 0,
    encodeBatch: (texts: readonly string[]) => ({
      ids: new Uint32Array(texts.length),
      rowStarts: Uint32Array.from({ length: texts.length + 1 }, (_, row) => row),
    }),
    ...members,
  }) as unknown as Tokenizer

test('a tokenizer that is none is named in the error', async (t) => {
  const inputs = [file('of-mine.txt', 'one')]
  t.is((await prepare({ inputs, tokenizer: ofMine({}), outDir: at('of-mine') })).counts.tokens, 2)
  const gives = (ids: Uint32Array, rowStarts: unknown) => ({ encodeBatch: () => ({ ids, rowStarts }) })
  const [one, two] = [Uint32Array.of(1), Uint32Array.of(1, 2)]
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ encodeBatch: () => undefined }, /for ids of encodeBatch of options\.tokenizer, received undefined/],
    [{ encodeBatch: () => [[1]] }, /for ids of encodeBatch/],
    [gives(two, Uint32Array.of(0, 5)), /for rowStarts of encodeBatch/],
    [gives(two, Uint32Array.of(1, 2)), /for rowStarts of encodeBatch/],
    [gives(two, Uint32Array.of(0, 1)), /for rowStarts of encodeBatch/],
    [gives(one, Uint32Array.of(0)), /for rowStarts of encodeBatch/],
    [gives(one, [0, 1]), /for rowStarts of encodeBatch/],
    [gives(Uint32Array.of(100), Uint32Array.of(0, 1)), /ids below its vocabSize, 100, .*received 100/],
    [{ vocabSize: 1.5 }, /for options\.tokenizer\.vocabSize/],
    [{ fingerprint: undefined }, /for options\.tokenizer\.fingerprint/],
    [{ name: 1 }, /for options\.tokenizer\.name/],
    [{ specialTokens: undefined }, /a tokenizer for options\.tokenizer/],
  ]
  for (const [index, [members, message]] of wrong.entries()) {
    const options = { inputs, tokenizer: ofMine(members), outDir: at(`of-mine-${index}`) }
    await t.throwsAsync(prepare(options), { code: 'ERR_INVALID_ARGUMENT', message })
  }
  const rowStarts = Uint32Array.of(0, 2, 1, 3)
  const lines = {
    inputs: [file('of-mine-lines.txt', '1\n2\n3')],
    inputFormat: 'lines',
    outDir: at('descends'),
  } as const
  await t.throwsAsync(prepare({ ...lines, tokenizer: ofMine(gives(new Uint32Array(3), rowStarts)) }), {
    code: 'ERR_INVALID_ARGUMENT',
    message: /for rowStarts/,
  })
})

test.serial('texts that cannot come to JavaScript are an error, and nobody waits for their ids', async (t) => {
  const { prototype } = native().PrepareSession
  const next = Object.getOwnPropertyDescriptor(prototype, 'next') as PropertyDescriptor
  const error = new RangeError('a string that is too long')
  Object.defineProperty(prototype, 'next', { ...next, value: () => Promise.reject(error) })
  const words = new WordTokenizer(Vocabulary.fromText(documents))
  try {
    t.is(await t.throwsAsync(prepare({ inputs: [input], tokenizer: words, outDir: at('never-came') })), error)
  } finally {
    Object.defineProperty(prototype, 'next', next)
  }
})

const unlessWindows = process.platform === 'win32' ? test.skip : test

unlessWindows('an abort ends a call that waits for a pipe, and the same call goes on', async (t) => {
  const fifo = at('fifo')
  execFileSync('mkfifo', [fifo])
  const options = { inputs: [fifo], inputFormat: 'lines', tokenizer, outDir: at('of a pipe') } as const
  const words = new WordTokenizer(Vocabulary.fromText(['one two']))
  for (const call of [options, { ...options, tokenizer: words, separator: null }]) {
    const aborted = prepare({ ...call, signal: AbortSignal.timeout(200) })
    t.like(await aborted.catch((error: unknown) => error), { name: 'TimeoutError' })
  }
  // At once: the folder is free.
  const [manifest] = await Promise.all([prepare(options), writeFile(fifo, 'one\ntwo\n')])
  t.is(manifest.counts.documents, 2)
})

unlessWindows('a process ends after an abort, though standard input stays open', async (t) => {
  const source = new URL('../../src/dataset/prepare.ts', import.meta.url).href
  const encodings = new URL('../../src/tokenizer/encodings.ts', import.meta.url).href
  const code = `
    import { prepare } from ${JSON.stringify(source)}
    import { getEncoding } from ${JSON.stringify(encodings)}
    const options = { inputs: ['-'], inputFormat: 'lines', outDir: process.argv.at(-1), tokenizer: getEncoding('gpt2') }
    const error = await prepare({ ...options, signal: AbortSignal.timeout(200) }).catch((error) => error)
    process.stdout.write(error.name)`
  const child = spawn(process.execPath, ['--import=tsx', '--input-type=module', '-e', code, at('of stdin')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: 60_000,
  })
  const ended = once(child, 'close')
  t.is(await text(child.stdout), 'TimeoutError')
  t.deepEqual(await ended, [0, null])
})

test('what onProgress throws stops the work, and the same call goes on', async (t) => {
  const error = new RangeError('no more')
  const options = { inputs: [input], tokenizer, outDir: at('progress-throws') }
  const onProgress = () => {
    throw error
  }
  t.is(await t.throwsAsync(prepare({ ...options, onProgress })), error)
  t.is((await prepare(options)).counts.documents, 5000)
})

test('a dataset of other options or inputs is refused', async (t) => {
  const inputs = [file('finished.jsonl', '{"text":"good","body":"other"}\n')]
  const options = { inputs, tokenizer, outDir: at('finished') }
  const manifest = await prepare(options)
  t.deepEqual(manifest.preparation, {
    inputFormat: 'detect',
    field: 'text',
    maxDocumentBytes: 2 ** 28,
    onMalformed: 'error',
    onInvalidUtf8: 'error',
    onTooLarge: 'error',
    format: ['raw'],
  })
  t.deepEqual(await prepare({ ...options, concurrency: 1, checkpointSeconds: 0 }), manifest)
  const cases: [Partial<PrepareOptions>, RegExp][] = [
    [{ field: 'body' }, /\(preparation\.field is "text" there and "body" here\)/],
    [{ format: ['npy'] }, /\(preparation\.format is \["raw"\] there and \["npy"\] here\)/],
    [{ inputFormat: { separator: 'x' } }, /inputFormat is "detect" there and \{"separator":"x"\} here/],
    [{ onMalformed: 'skip', onTooLarge: 'skip' }, /onMalformed is "error" there.*; preparation\.onTooLarge is/],
    [{ split: { validation: 0.5 } }, /\(validation is null there/],
  ]
  for (const [other, message] of cases)
    await t.throwsAsync(prepare({ ...options, ...other }), { code: 'ERR_INVALID_ARGUMENT', message })
  // As long as before.
  writeFileSync(inputs[0] as string, '{"text":"evil","body":"other"}\n')
  const later = statSync(join(options.outDir, 'manifest.json')).mtimeMs / 1000 + 1
  utimesSync(inputs[0] as string, later, later)
  await t.throwsAsync(prepare(options), {
    code: 'ERR_INVALID_ARGUMENT',
    message: /finished\.jsonl was changed after the dataset was written/,
  })
})

test('an aborted call rejects with the reason, and going on gives the files of an undisturbed one', async (t) => {
  const inputs = Array.from({ length: 8 }, (_, index) => file(`abort-${index}.jsonl.gz`, gzipSync(jsonl.repeat(3))))
  const options = {
    inputs,
    tokenizer,
    format: ['raw', 'npy', 'megatron'],
    split: { validation: 0.2 },
    shardTokens: 300_000,
    checkpointSeconds: 0,
  } as const
  const manifest = await prepare({ ...options, outDir: at('undisturbed') })
  // Each call is ended when it has written more than those before it, at the latest when it is done.
  let [aborts, written] = [0, 0]
  for (;;) {
    const controller = new AbortController()
    const reason = new Error('enough')
    const onProgress = ({ documents }: PrepareProgress) => {
      if (documents <= written) return
      written = documents
      controller.abort(reason)
    }
    const call = { outDir: at('aborted'), signal: controller.signal, concurrency: 1 + (aborts % 3), onProgress }
    try {
      t.deepEqual(await prepare({ ...options, ...call }), manifest)
      break
    } catch (error) {
      t.is(error, reason)
      aborts++
    }
  }
  t.true(aborts > 0)
  t.deepEqual(hashes(at('aborted')), hashes(at('undisturbed')))
  await t.throwsAsync(prepare({ ...options, outDir: at('never'), signal: AbortSignal.abort(new Error('before')) }), {
    message: 'before',
  })
})

test('progress rises to the whole, and skipped documents are told', async (t) => {
  const faulty = file('faulty.jsonl', `{"text":"good"}\nbad\n${jsonl}`)
  const [seen, skipped]: [PrepareProgress[], string[]] = [[], []]
  const manifest = await prepare({
    inputs: [faulty],
    tokenizer,
    outDir: at('faulty'),
    onMalformed: 'skip',
    onProgress: (progress) => seen.push(progress),
    onSkipped: (message) => skipped.push(message),
  })
  t.is(manifest.counts.malformed, 1)
  t.deepEqual(skipped, [`${faulty}, line 2: expected a JSON object at byte 0, received 'b'`])
  const last = seen.at(-1)
  t.is(last?.bytesRead, statSync(faulty).size)
  t.is(last?.tokens, manifest.counts.tokens)
  t.true(seen.every((it, index) => index === 0 || it.tokens >= (seen[index - 1]?.tokens ?? 0)))
  await t.throwsAsync(prepare({ inputs: [faulty], tokenizer, outDir: at('fatal') }), {
    code: 'ERR_INVALID_FILE',
    message: `${faulty}, line 2: expected a JSON object at byte 0, received 'b'`,
  })
})

test('wrong options are refused before anything is written', async (t) => {
  const good = { inputs: [input], tokenizer, outDir: at('wrong') }
  const cases: [Partial<Record<keyof PrepareOptions, unknown>>, RegExp][] = [
    [{ inputs: [] }, /at least one for options.inputs/],
    [{ inputs: ['a\0b'] }, /for options.inputs\[0\]/],
    [{ inputs: [at('*.none')] }, /no file matches/],
    [
      { inputs: [file('notes.md', 'a')] },
      /notes\.md does not tell its format: say which it has with options\.inputFormat$/,
    ],
    [{ tokenizer: {} }, /expected a tokenizer for options.tokenizer/],
    [{ outDir: '' }, /options.outDir/],
    [{ format: 'bin' }, /options.format\[0\]/],
    [{ allowedSpecial: '<|endoftext|>' }, /options.allowedSpecial/],
    [{ shardTokens: 1.5 }, /options.shardTokens/],
    [{ shardTokens: Infinity }, /options.shardTokens/],
    [{ split: { validation: 1 } }, /options.split.validation/],
    [{ split: { validation: 0.1, seed: -1 } }, /options.split.seed/],
    [{ separator: 50257 }, /options.separator/],
    [{ inputFormat: 'csv' }, /options.inputFormat/],
    [{ inputFormat: { separator: '' } }, /options.inputFormat.separator/],
    [{ concurrency: -1 }, /options.concurrency/],
    [{ checkpointSeconds: NaN }, /options.checkpointSeconds/],
    [{ unknown: 1 } as object, /expected only inputs/],
  ]
  for (const [options, message] of cases) {
    await t.throwsAsync(prepare({ ...good, ...options } as PrepareOptions), { code: 'ERR_INVALID_ARGUMENT', message })
  }
  t.false(readdirSync(folder).includes('wrong'))
  await t.throwsAsync(prepare({ ...good, inputs: [at('none.txt')] }), {
    code: 'ERR_INVALID_FILE',
    message: /none\.txt/,
  })
})
