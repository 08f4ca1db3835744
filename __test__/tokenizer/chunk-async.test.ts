import { getEventListeners } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import * as fc from 'fast-check'
import { native } from '../../src/native.ts'
import type { CancelFlag } from '../../src/native-binding.d.ts'
import { boundaryNames } from '../../src/tokenizer/boundaries.ts'
import type { ChunkOptions } from '../../src/tokenizer/chunk.ts'
import { getEncoding } from '../../src/tokenizer/encodings.ts'
import { loadTokenizer } from '../../src/tokenizer/load.ts'
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { Vocabulary } from '../../src/tokenizer/vocabulary.ts'
import { WordTokenizer } from '../../src/tokenizer/word-tokenizer.ts'
import { jsonFile } from './json-cases.ts'
import { anyText } from './texts.ts'
import { stopsWork } from '../stops-work.ts'

const vocabulary = Vocabulary.fromText('the mill stood where the river bent. <|endoftext|>')
const json = ['llama3', 'qwen2', 'deepseek', 'neox', 'bert', 't5', 'llama2', 'clip', 'added', 'roberta']
/** One of each way to make ids. */
const tokenizers: readonly Tokenizer[] = [
  getEncoding('o200k_base'),
  getEncoding('gpt2').withSpecialTokens(['<|more|>']),
  ...(await Promise.all(json.map((name) => loadTokenizer(jsonFile(name))))),
  new WordTokenizer(vocabulary),
  new WordTokenizer(Vocabulary.fromText('the mill', { split: 'words' }), { unknown: null }),
]
const named = tokenizers.map((tokenizer, index) => [`${index} ${tokenizer.name}`, tokenizer] as const)
const o200k = getEncoding('o200k_base')
const words = new WordTokenizer(vocabulary)
const reason = new Error('enough')

/** What a call comes to: its chunks, or the code and the message of its error. */
const outcome = async (call: () => unknown): Promise<unknown> => {
  try {
    return [...((await call()) as Iterable<unknown>)]
  } catch (error) {
    const { code, message } = error as { code: string; message: string }
    return { code, message }
  }
}

const prose = `# The mill\n\nThe mill stood where the river bent. Nobody knew e\u0301 why.\n\n- one 我们\n- two 👩‍👩‍👧\n\nIt ground.\n\n`

for (const [name, tokenizer] of named) {
  test(`${name}: chunkAsync gives the chunks of chunk, errors too`, async (t) => {
    const anyOptions = fc.record({
      maxTokens: fc.integer({ min: 1, max: 12 }),
      share: fc.double({ min: 0, max: 0.99, noNaN: true }),
      boundary: fc.constantFrom(...boundaryNames),
      allowedSpecial: fc.constantFrom('all' as const, []),
      disallowedSpecial: fc.constantFrom('all' as const, []),
      addSpecialTokens: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(anyText, anyOptions, async (text, { share, ...rest }) => {
        const options = { ...rest, overlap: Math.floor(rest.maxTokens * share) }
        t.deepEqual(
          await outcome(() => tokenizer.chunkAsync(text, options)),
          await outcome(() => tokenizer.chunk(text, options)),
        )
      }),
      { numRuns: 60 },
    )
  })

  test(`${name}: so it does for long texts, and chunks that are long themselves`, async (t) => {
    const text = prose.repeat(300)
    for (const boundary of boundaryNames)
      for (const [maxTokens, overlap] of [
        [100, 30],
        [6000, 0],
        [9000, 4000],
        [1_000_000, 0],
      ] as const)
        for (const addSpecialTokens of [false, true]) {
          const options = { maxTokens, overlap, boundary, addSpecialTokens }
          t.deepEqual(
            await outcome(() => tokenizer.chunkAsync(text, options)),
            await outcome(() => tokenizer.chunk(text, options)),
            JSON.stringify(options),
          )
        }
  })

  test(`${name}: arguments are checked as those of chunk are`, async (t) => {
    const wrong: readonly (readonly [unknown, unknown])[] = [
      ['a', undefined],
      ['a', null],
      ['a', {}],
      ['a', { maxTokens: 0 }],
      ['a', { maxTokens: 2, overlap: 2 }],
      ['a', { maxTokens: 2, boundary: 'page' }],
      ['a', { maxTokens: 2, allowedSpecial: 'some' }],
      ['a', { maxTokens: 2, addSpecialTokens: 1 }],
      [1, { maxTokens: 2 }],
      [new Uint8Array(1), { maxTokens: 2 }],
    ]
    for (const [text, options] of wrong as readonly (readonly [string, ChunkOptions])[]) {
      const found = await outcome(() => tokenizer.chunkAsync(text, options))
      t.deepEqual(found, await outcome(() => tokenizer.chunk(text, options)))
      t.is((found as { code: string }).code, 'ERR_INVALID_ARGUMENT')
    }
    for (const signal of [null, true, {}, new AbortController()] as AbortSignal[])
      await t.throwsAsync(tokenizer.chunkAsync('a', { maxTokens: 2, signal }), { code: 'ERR_INVALID_ARGUMENT' })
    const { code } = (await outcome(() => tokenizer.chunkAsync('a', { maxTokens: 2, more: 1 } as never))) as {
      code: string
    }
    t.is(code, 'ERR_INVALID_ARGUMENT')
  })

  test(`${name}: an abort rejects with its reason, before and while, and the signal is let go`, async (t) => {
    const text = prose.repeat(10_000)
    for (const boundary of boundaryNames) {
      const options = { maxTokens: 50, boundary, addSpecialTokens: true }
      t.is(await t.throwsAsync(tokenizer.chunkAsync(text, { ...options, signal: AbortSignal.abort(reason) })), reason)
      for (const turns of [0, 1]) {
        const controller = new AbortController()
        const { signal } = controller
        const chunked = tokenizer.chunkAsync(text, { ...options, signal })
        for (let turn = 0; turn < turns; turn++) await Promise.race([setImmediate(), chunked])
        controller.abort(reason)
        t.is(await t.throwsAsync(chunked), reason)
        t.is(getEventListeners(signal, 'abort').length, 0)
      }
    }
    const { signal } = new AbortController()
    await tokenizer.chunkAsync(prose, { maxTokens: 50, signal })
    t.is(getEventListeners(signal, 'abort').length, 0)
  })

  test(`${name}: lists of special tokens may be changed after the call`, async (t) => {
    const [token] = tokenizer.specialTokens.keys()
    const text = `a ${token ?? ''} e\u0301 b`
    const expected = await outcome(() =>
      tokenizer.chunk(text, { maxTokens: 40, allowedSpecial: token === undefined ? [] : [token] }),
    )
    const allowedSpecial = token === undefined ? [] : [token]
    const options = { maxTokens: 40, allowedSpecial }
    const chunked = tokenizer.chunkAsync(text, options)
    allowedSpecial.length = 0
    options.maxTokens = 1
    t.deepEqual(await outcome(() => chunked), expected)
  })
}

test.serial('the event loop turns while chunks are made', async (t) => {
  const text = prose.repeat(20_000)
  for (const tokenizer of tokenizers.filter(({ name }) => !['clip', 'added'].includes(name))) {
    let [turns, isDone] = [0, false]
    const chunked = tokenizer
      .chunkAsync(text, { maxTokens: 100_000, boundary: 'paragraph' })
      .finally(() => (isDone = true))
    for (; !isDone; turns++) await setImmediate()
    t.true([...(await chunked)].length > 0)
    t.true(turns > 5, `${tokenizer.name} ${turns}`)
  }
})

test('an abort stops native work itself', async (t) => {
  const text = prose.repeat(20_000)
  const handle = native().BpeHandle.open(
    'gpt2',
    fileURLToPath(new URL('../../encodings/r50k_base.bpe', import.meta.url)),
  )
  const policy = handle.addPolicy([], [])
  const limits = [100, 50, 4] as const
  for (const work of [
    (flag?: CancelFlag) => handle.chunkAsync(text, policy, ...limits, flag),
    (flag?: CancelFlag) => handle.encodeWithOffsetsAsync(text, false, policy, flag),
    (flag?: CancelFlag) => handle.encodeWithOffsetsAsync(text, true, policy, flag),
    (flag?: CancelFlag) => native().boundariesOfAsync(text, 2, flag),
  ]) {
    await stopsWork(t, work)
  }
})

test('an abort ends a long count of chunks in the middle', async (t) => {
  const handle = native().BpeHandle.open(
    'gpt2',
    fileURLToPath(new URL('../../encodings/r50k_base.bpe', import.meta.url)),
  )
  const flag = new (native().CancelFlag)()
  // Each chunk is cut at a token, and starts in the one before: much more work than to encode the text.
  const chunked = handle.chunkAsync(prose.repeat(20_000), handle.addPolicy([], []), 4000, 3999, 1, flag)
  setTimeout(() => flag.cancel(), 300)
  await t.throwsAsync(chunked, { message: 'the work was cancelled' })
})

test('chunks can be gone through again, and make their texts then', async (t) => {
  for (const tokenizer of [o200k, words]) {
    const chunks = await tokenizer.chunkAsync(prose, { maxTokens: 10 })
    t.deepEqual([...chunks], [...chunks])
    t.is(Array.from(chunks, (chunk) => chunk.text).join(''), prose)
  }
})
