import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { loadTokenizer } from '../../src/tokenizer/load.ts'
import type { HfTokenizer } from '../../src/tokenizer/hf-tokenizer.ts'
import type { DecodeOptions, Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { byteLevelFixtures, jsonFile, jsonRows, modelFixtures } from './json-cases.ts'
import { cpuSince } from '../cpu-time.ts'

const folder = await mkdtemp(join(tmpdir(), 'tokenmill-json-'))
test.after.always(() => rm(folder, { recursive: true }))

const all = { allowedSpecial: 'all' } as const
const bytesOf = (value: unknown) => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))
const json = async (name: string) => JSON.parse(await readFile(jsonFile(name), 'utf8')) as Record<string, never>

for (const name of [...modelFixtures, ...byteLevelFixtures]) {
  test(`${name}: ids are those of Hugging Face's tokenizers`, async (t) => {
    const tokenizer = await loadTokenizer(jsonFile(name))
    for (const { text, ids, whole } of jsonRows(name)) {
      t.deepEqual([...tokenizer.encode(text, all)], ids, text)
      t.deepEqual([...tokenizer.encode(text, { ...all, addSpecialTokens: true })], whole, text)
      t.is(tokenizer.count(text, all), ids.length)
    }
  })

  test(`${name}: isWithinLimit is count, up to the limit`, async (t) => {
    const tokenizer = await loadTokenizer(jsonFile(name))
    for (const { text } of jsonRows(name)) {
      for (const options of [all, { ...all, addSpecialTokens: true }]) {
        const count = tokenizer.count(text, options)
        for (const given of [text, bytesOf(text)]) {
          t.is(tokenizer.isWithinLimit(given, count, options), count)
          t.is(tokenizer.isWithinLimit(given, Number.MAX_SAFE_INTEGER, options), count)
          if (count > 0) t.is(tokenizer.isWithinLimit(given, count - 1, options), false)
        }
      }
    }
  })

  test(`${name}: text, bytes, batches and promises have the same ids`, async (t) => {
    const tokenizer = await loadTokenizer(jsonFile(name))
    const texts = jsonRows(name).map(({ text }) => text)
    const rows = texts.map((text) => tokenizer.encode(text, all))
    t.deepEqual([...tokenizer.encodeBatch(texts, all)], rows)
    t.deepEqual([...tokenizer.encodeBatch(texts.map(bytesOf), all)], rows)
    t.deepEqual([...(await tokenizer.encodeBatchAsync(texts, all))], rows)
    t.deepEqual(await Promise.all(texts.map((text) => tokenizer.encodeAsync(text, all))), rows)
    t.deepEqual(
      [...tokenizer.countBatch(texts, all)],
      [...rows].map(({ length }) => length),
    )
    const whole = { ...all, addSpecialTokens: true }
    t.deepEqual(
      [...tokenizer.encodeBatch(texts, whole)],
      texts.map((text) => tokenizer.encode(text, whole)),
    )
  })

  test(`${name}: ids decode to the text of Hugging Face's tokenizers`, async (t) => {
    const tokenizer = await loadTokenizer(jsonFile(name))
    for (const { ids, decoded, skipped } of jsonRows(name)) {
      t.is(tokenizer.decode(ids), decoded)
      t.deepEqual(tokenizer.decodeBytes(ids), bytesOf(decoded))
      // Hugging Face's does not skip a special token that its normalizer changes.
      if (name !== 'added') t.is(tokenizer.decode(ids, { skipSpecialTokens: true }), skipped)
    }
    t.throws(() => tokenizer.decode([tokenizer.vocabSize]), { code: 'ERR_OUT_OF_RANGE', message: /at index 0/ })
  })

  test(`${name}: tokens and ids are found by each other`, async (t) => {
    const tokenizer = await loadTokenizer(jsonFile(name))
    for (const [token, id] of tokenizer.specialTokens) {
      t.is(tokenizer.tokenToId(token), id)
      t.is(tokenizer.tokenToId(bytesOf(token)), id)
      t.is(tokenizer.idToToken(id), token)
      t.deepEqual(tokenizer.idToBytes(id), bytesOf(token))
    }
    t.is(tokenizer.idToToken(tokenizer.vocabSize), undefined)
    for (const id of [1.5, -1, NaN, '5', 5n, null] as number[]) {
      t.throws(() => tokenizer.idToToken(id), { code: 'ERR_INVALID_ARGUMENT', message: /an integer ≥ 0 for id/ })
      t.throws(() => tokenizer.idToBytes(id), { code: 'ERR_INVALID_ARGUMENT', message: /an integer ≥ 0 for id/ })
    }
    t.is(tokenizer.tokenToId('no such token'), undefined)
  })

  test(`${name}: a saved tokenizer is an equal one`, async (t) => {
    const tokenizer = (await loadTokenizer(jsonFile(name))) as HfTokenizer
    const path = join(folder, `${name}.json`)
    await tokenizer.save(path)
    const again = await loadTokenizer(path)
    t.is(again.fingerprint, tokenizer.fingerprint)
    t.regex(tokenizer.fingerprint, /^[0-9a-f]{64}$/)
    for (const { text } of jsonRows(name)) t.deepEqual(again.encode(text, all), tokenizer.encode(text, all))
    await t.throwsAsync(tokenizer.save(join(folder, 'name.txt')), { code: 'ERR_INVALID_ARGUMENT' })
  })
}

for (const name of [...modelFixtures, ...byteLevelFixtures]) {
  test(`${name}: offsets are those of Hugging Face's tokenizers`, async (t) => {
    const tokenizer = await loadTokenizer(jsonFile(name))
    for (const { text, ids, spans, words, whole } of jsonRows(name)) {
      const { offsets, ends, byteOffsets, byteEnds, wordIds, ...rest } = tokenizer.encodeWithOffsets(text, {
        ...all,
        byteOffsets: true,
        wordIds: true,
      })
      t.deepEqual([...rest.ids], ids)
      t.deepEqual([...(wordIds ?? [])], words, text)
      t.deepEqual([...offsets], [...spans.map(([start]) => start), text.length], text)
      // A token of a part of a character has all of it.
      for (const [index, [, end]] of spans.entries()) t.true((ends[index] as number) >= end, text)
      const bytes = bytesOf(text)
      const inBytes = tokenizer.encodeWithOffsets(bytes, all)
      t.is(inBytes.offsets.at(-1), bytes.length)
      t.true(byteOffsets?.every((start, index) => start >= (inBytes.offsets[index] as number)))
      t.true(byteEnds?.every((end, index) => end <= (inBytes.ends[index] as number)))
      t.deepEqual(Object.keys(inBytes), ['ids', 'offsets', 'ends'])
      t.deepEqual(tokenizer.encodeWithOffsets(bytes, { ...all, wordIds: true }).wordIds, wordIds)
      const around = tokenizer.encodeWithOffsets(text, { ...all, addSpecialTokens: true, wordIds: true })
      t.deepEqual(
        [...(around.wordIds ?? [])].filter((word) => word !== -1),
        words,
      )
      t.is(around.wordIds?.length, whole.length)
      t.deepEqual([...around.ids], whole)
      t.is(around.offsets.length, whole.length + 1)
      t.is(around.offsets.at(-1), text.length)
      t.is(around.ends.length, whole.length)
    }
  })

  test(`${name}: parts of a text have as many tokens as they say`, async (t) => {
    const tokenizer = await loadTokenizer(jsonFile(name))
    const text = jsonRows(name)
      .slice(3, 20)
      .map((row) => row.text)
      .join(' ')
    const chunks = [...tokenizer.chunk(text, { maxTokens: 24 })]
    t.is(chunks.map((chunk) => chunk.text).join(''), text)
    for (const chunk of chunks) t.true(chunk.tokens <= 24 && chunk.tokens === tokenizer.count(chunk.text))
    const start = tokenizer.truncate(text, 17)
    t.true(text.startsWith(start) && tokenizer.count(start) <= 17 && start !== '')
    const end = tokenizer.truncate(text, 17, { cut: 'start' })
    t.true(text.endsWith(end) && tokenizer.count(end) <= 17)
    const index = tokenizer.countIndex(text)
    t.is(index.total, tokenizer.count(text))
    t.is(index.count(3, 40), tokenizer.count(text.slice(3, 40)))
  })
}

for (const name of ['bert', 'llama2', 'llama3', 'qwen2', 'xlmr']) {
  test(`${name}: text and ids that come in chunks are those of the whole`, async (t) => {
    const tokenizer = await loadTokenizer(jsonFile(name))
    const text = 'What is a mill? 原始文本 😀 e\u0301'
    const ids: number[] = []
    for await (const part of tokenizer.encodeChunks([text.slice(0, 7), text.slice(7)])) ids.push(...part)
    t.deepEqual(ids, [...tokenizer.encode(text)])
    let decoded = ''
    for await (const part of tokenizer.decodeChunks([ids.slice(0, 3), ids.slice(3)])) decoded += part
    t.is(decoded, tokenizer.decode(ids))
  })
}

test('few ids and many come back whole', async (t) => {
  for (const name of ['bert', 'roberta', 'words', 'llama2']) {
    const [tokenizer, other] = await Promise.all([loadTokenizer(jsonFile(name)), loadTokenizer(jsonFile('t5'))])
    const piece = ' the'
    const [once, twice] = [1, 2].map((times) => tokenizer.encode(piece.repeat(times)).length) as [number, number]
    const first = tokenizer.encode(piece)
    for (const count of [1, 255, 256, 257, 4094, 4095, 4096, 4097, 8193, 300_000]) {
      const text = piece.repeat(count)
      const ids = tokenizer.encode(text)
      t.is(ids.length, once + (count - 1) * (twice - once), `${name} ${count}`)
      t.deepEqual(ids, tokenizer.encode(bytesOf(text)))
      t.is(tokenizer.count(text), ids.length)
      t.is(tokenizer.isWithinLimit(text, ids.length), ids.length)
      t.is(tokenizer.isWithinLimit(text, ids.length - 1), false)
      t.is(tokenizer.decode(ids), tokenizer.decode([...ids]))
      t.is(tokenizer.decode(ids), Buffer.from(tokenizer.decodeBytes(ids)).toString())
    }
    other.encode('another tokenizer, and another text')
    t.deepEqual(tokenizer.encode(piece), first)
  }
})

test('bytes of a byte-level file are given as they are, whole characters or not', async (t) => {
  for (const name of ['roberta', 'nougat', 'gpt2']) {
    const tokenizer = await loadTokenizer(jsonFile(name))
    const ids = tokenizer.encodeOrdinary('a👋')
    const bytes = [...ids].flatMap((id) => [...(tokenizer.idToBytes(id) as Uint8Array)])
    t.deepEqual([...tokenizer.decodeBytes(ids)], bytes, name)
    const part = ids.subarray(0, -1)
    t.deepEqual([...tokenizer.decodeBytes(part)], bytes.slice(0, -tokenizer.idToBytes(ids.at(-1) as number)!.length))
    t.is(tokenizer.decode(part), 'a\ufffd')
    t.throws(() => tokenizer.decode(part, { errors: 'strict' }), { code: 'ERR_INVALID_UTF8' })
    const parts: string[] = []
    for await (const text of tokenizer.decodeChunks(ids)) parts.push(text)
    t.is(parts.join(''), 'a👋')
    t.is(parts[0], 'a')
  }
})

test('U+FFFD of the text itself is UTF-8 to strict decoding, whether few ids were decoded before or many', async (t) => {
  const tokenizer = await loadTokenizer(jsonFile('llama2'))
  const [text, strict] = ['a\ufffdb', { errors: 'strict' }] as const
  const ids = tokenizer.encodeOrdinary(text)
  t.true([...ids].some((id) => tokenizer.idToToken(id) === '<0xEF>'))
  for (const before of [0, 1000]) {
    for (let round = 0; round < before; round++) tokenizer.decode(ids)
    t.is(tokenizer.decode(ids, strict), text)
    t.throws(() => tokenizer.decode(ids.subarray(0, -2), strict), { code: 'ERR_INVALID_UTF8' })
    const decoder = tokenizer.decoder(strict)
    t.is(decoder.push(ids) + decoder.end(), text)
    const parts: string[] = []
    for await (const part of tokenizer.decodeChunks(ids, strict)) parts.push(part)
    t.is(parts.join(''), text)
  }
})

test('ids that come one by one give their text as soon as it is sure, unless that needs all of them', async (t) => {
  const partsOf = async (name: string, text: string, options?: DecodeOptions) => {
    const tokenizer = await loadTokenizer(jsonFile(name))
    const parts: string[] = []
    for await (const part of tokenizer.decodeChunks(tokenizer.encodeOrdinary(text), options)) parts.push(part)
    return parts
  }
  // The first space is taken off; tokens for bytes wait for the one behind them.
  t.deepEqual(await partsOf('llama2', 'a 👋 b'), ['a', ' ', '👋 b'])
  t.deepEqual(await partsOf('bert', 'it is 1, 2.'), ['i', 't', ' i', 's', ' 1', ',', ' 2', '.'])
  t.is((await partsOf('clip', 'a photo of a cat')).length, 1)
  const tokenizer = await loadTokenizer(jsonFile('llama2'))
  const [byte, letter] = ['<0xF0>', '▁a'].map((token) => tokenizer.tokenToId(token) as number)
  const decoder = tokenizer.decodeChunks([letter as number, byte as number], { errors: 'strict' })
  t.deepEqual(await decoder.next(), { done: false, value: 'a' })
  await t.throwsAsync(decoder.next(), { code: 'ERR_INVALID_UTF8' })
  const unknown = tokenizer.decodeChunks([letter as number, tokenizer.vocabSize])
  await unknown.next()
  await t.throwsAsync(unknown.next(), { code: 'ERR_OUT_OF_RANGE', message: /index 1/ })
})

test('text that is not in form C has the ids of its form C, and offsets of its own', async (t) => {
  const tokenizer = await loadTokenizer(jsonFile('qwen2'))
  const text = 'cafe\u0301 e\u0301'
  t.deepEqual(tokenizer.encode(text), tokenizer.encode(text.normalize('NFC')))
  t.deepEqual(tokenizer.encode(bytesOf(text)), tokenizer.encode(text))
  t.is(tokenizer.count(text), tokenizer.encode(text).length)
  const { offsets } = tokenizer.encodeWithOffsets(text)
  t.is(offsets.at(-1), text.length)
  t.is([...tokenizer.chunk(text, { maxTokens: 3 })].map((chunk) => chunk.text).join(''), text)
})

const decomposed = 'cafe\u0301'

/** Texts in form C and others in turn, at random places. */
const mixedTexts = (count: number): string[] =>
  Array.from({ length: count }, (_, row) =>
    (row * row) % 7 < 3 ? `${decomposed} number ${row}` : `text number ${row}, 原始文本`,
  )

/** What brings texts to form C: the engine, or, where tokens are looked for in what is normalized, the crate. */
const formC = {
  engine: async () => loadTokenizer(bytesOf({ ...(await json('llama3')), normalizer: { type: 'NFC' } })),
  crate: async () => {
    const neox = (await json('neox')) as { added_tokens?: object[] }
    const added = neox.added_tokens ?? []
    // A mark behind it would change its last letter.
    const token = { ...added.at(-1), id: 723, content: 'windmill' }
    return loadTokenizer(bytesOf({ ...neox, added_tokens: [...added, token] }))
  },
}

const testFormC = (
  title: string,
  run: (t: ExecutionContext, tokenizer: Tokenizer, by: keyof typeof formC) => Promise<void>,
) => {
  for (const by of ['engine', 'crate'] as const)
    test(`${title}: by the ${by}`, async (t) => run(t, await formC[by](), by))
}

testFormC('texts of a batch that are not in form C leave the others where they are', async (t, tokenizer) => {
  const texts = mixedTexts(60)
  for (const options of [{}, { addSpecialTokens: true }]) {
    const rows = texts.map((text) => tokenizer.encode(text.normalize('NFC'), options))
    const counts = rows.map(({ length }) => length)
    for (const batch of [texts, texts.map(bytesOf)]) {
      t.deepEqual([...tokenizer.encodeBatch(batch, options)], rows)
      t.deepEqual([...(await tokenizer.encodeBatchAsync(batch, options))], rows)
      t.deepEqual([...tokenizer.countBatch(batch, options)], counts)
      t.deepEqual([...(await tokenizer.countBatchAsync(batch, options))], counts)
    }
    const padded = tokenizer.encodePadded(texts, { addSpecialTokens: options.addSpecialTokens ?? false })
    t.deepEqual(
      rows.map((row, index) => [...padded.ids.subarray(index * padded.shape[1])].slice(0, row.length)),
      rows.map((row) => [...row]),
    )
  }
  const segments = texts.map((text) => ({ text, trusted: false }))
  t.deepEqual([...tokenizer.encodeSegments(segments)], [...tokenizer.encodeBatch(texts).ids])
})

testFormC('marks that are ordered anew take time in proportion', async (t, tokenizer) => {
  const start = process.cpuUsage()
  for (const length of [300, 30_000]) {
    const text = '\u0f73'.repeat(length)
    const all = tokenizer.count(text)
    t.is(tokenizer.encodeWithOffsets(text).ids.length, all)
    t.true(tokenizer.countIndex(text).count(0, 10) > 0)
    for (const most of [all - 1, all >> 1, all >> 2]) {
      const fits = (part: string) => tokenizer.count(part) <= most
      const [kept, end] = [tokenizer.truncate(text, most), tokenizer.truncate(text, most, { cut: 'start' })]
      for (const part of [kept, end]) t.true(fits(part) && !fits(text.slice(0, part.length + 1)), `${part.length}`)
      t.is([...tokenizer.chunk(text, { maxTokens: most })].map((chunk) => chunk.text).join(''), text)
    }
  }
  const took = cpuSince(start)
  t.true(took < 20_000, `${took} ms`)
})

testFormC('a text in form C may be of any length, whatever the others of its batch are', async (t, tokenizer) => {
  const long = 'a mill '.repeat(1_300_000)
  const counts = [tokenizer.count(long), tokenizer.count(decomposed)]
  t.deepEqual([...tokenizer.countBatch([long, decomposed])], counts)
  t.deepEqual([...(await tokenizer.countBatchAsync([long, decomposed]))], counts)
})

testFormC('the error of a batch is that of its first text with one, in form C or not', async (t, tokenizer, by) => {
  const [fine, alsoFine] = ['a', decomposed]
  const name = [...tokenizer.specialTokens.keys()][0] as string
  const [special, alsoSpecial] = [name, `${decomposed}${name}`]
  const notUtf8 = Uint8Array.of(0x61, 0xff)
  const alsoNotUtf8 = Uint8Array.of(...(bytesOf(decomposed) as Uint8Array), 0xff)
  const tooLong = `${decomposed} `.repeat(1 << 21)
  const some: [texts: (string | Uint8Array)[], code: string, message: RegExp][] = [
    [[fine, alsoFine, special, alsoSpecial], 'ERR_SPECIAL_TOKEN', /^texts\[2\] holds .* at index 0;/],
    [[fine, alsoFine, alsoSpecial, special], 'ERR_SPECIAL_TOKEN', /^texts\[2\] holds .* at index 5;/],
    [[alsoFine, alsoFine, notUtf8, alsoSpecial], 'ERR_INVALID_UTF8', /for texts\[2\], .* the first at byte 1/],
    [[fine, fine, alsoNotUtf8, special], 'ERR_INVALID_UTF8', /for texts\[2\], .* the first at byte 6/],
    [[fine, alsoFine, special, tooLong], 'ERR_SPECIAL_TOKEN', /^texts\[2\] holds/],
  ]
  const limit: typeof some = [[[fine, alsoFine, tooLong, special], 'ERR_LIMIT', /, for texts\[2\]$/]]
  const cases = by === 'crate' ? [...some, ...limit] : some
  for (const [texts, code, message] of cases) {
    t.throws(() => tokenizer.encodeBatch(texts, { utf8: 'strict' }), { code, message })
    await t.throwsAsync(tokenizer.encodeBatchAsync(texts, { utf8: 'strict' }), { code, message })
    const counting = { utf8: 'strict', disallowedSpecial: 'all' } as const
    t.throws(() => tokenizer.countBatch(texts, counting), { code, message })
    await t.throwsAsync(tokenizer.countBatchAsync(texts, counting), { code, message })
  }
  // Of one text alone nothing is said about several.
  const ofOne = tokenizer.encodeAsync(tooLong)
  if (by === 'engine') t.is((await ofOne).length, (tokenizer.encode(`${decomposed} `).length - 1) * 2 ** 21 + 1)
  else await t.throwsAsync(ofOne, { code: 'ERR_LIMIT', message: /received one of \d+$/ })
})

testFormC('an aborted batch of both kinds rejects with the reason of its signal', async (t, tokenizer) => {
  const [controller, reason] = [new AbortController(), new Error('enough')]
  const promise = tokenizer.encodeBatchAsync(mixedTexts(20_000), { signal: controller.signal })
  controller.abort(reason)
  t.is(await t.throwsAsync(promise), reason)
})

test('fingerprints tell tokenizers apart', async (t) => {
  const fingerprints = new Set<string>()
  const names = [...modelFixtures, ...byteLevelFixtures]
  for (const name of names) fingerprints.add((await loadTokenizer(jsonFile(name))).fingerprint)
  t.is(fingerprints.size, names.length)
  const bert = await json('bert')
  const other = { ...bert, normalizer: { type: 'NFC' } }
  t.not((await loadTokenizer(bytesOf(bert))).fingerprint, (await loadTokenizer(bytesOf(other))).fingerprint)
})

test('special tokens in text follow the options of a call', async (t) => {
  for (const [name, token] of [
    ['bert', '[MASK]'],
    ['xlmr', '<mask>'],
    ['gpt2', '<|endoftext|>'],
    ['llama3', '<|end_of_text|>'],
  ] as const) {
    const tokenizer = await loadTokenizer(jsonFile(name))
    const id = tokenizer.specialTokens.get(token) as number
    const text = `é ${token}`
    t.throws(() => tokenizer.encode(text), { code: 'ERR_SPECIAL_TOKEN', message: /the text holds .* at index 2;/ })
    t.throws(() => tokenizer.encodeBatch(['a', bytesOf(text)]), {
      code: 'ERR_SPECIAL_TOKEN',
      message: /texts\[1\] holds .* at index 3;/,
    })
    await t.throwsAsync(tokenizer.encodeAsync(text), { code: 'ERR_SPECIAL_TOKEN', message: /the text holds/ })
    t.true(tokenizer.encode(text, { allowedSpecial: [token] }).includes(id))
    t.false(tokenizer.encode(text, { disallowedSpecial: [] }).includes(id))
    t.false(tokenizer.encodeOrdinary(text).includes(id))
    t.is(tokenizer.count(text), tokenizer.encodeOrdinary(text).length)
    const segments = tokenizer.encodeSegments([
      { text: token, trusted: true },
      { text: token, trusted: false },
    ])
    t.is(segments.filter((each) => each === id).length, 1)
  }
})

test('added tokens that are not special always match', async (t) => {
  const tokenizer = await loadTokenizer(jsonFile('llama3'))
  const id = tokenizer.tokenToId('<tool>') as number
  for (const ids of [
    tokenizer.encode('a<tool>b'),
    tokenizer.encodeOrdinary('a<tool>b'),
    tokenizer.encodeSegments([{ text: 'a<tool>b', trusted: false }]),
  ])
    t.true(ids.includes(id))
  t.false(tokenizer.specialTokens.has('<tool>'))
})

test('files made to harm are errors with a code, and the process goes on', async (t) => {
  const bert = await json('bert')
  const bpe = { vocab: { a: 0, b: 1 }, merges: [['a', 'b']], type: 'BPE' }
  const crafted: [string, unknown][] = [
    [
      'a stride that is not below the length',
      { ...bert, truncation: { max_length: 8, stride: 8, strategy: 'LongestFirst' } },
    ],
    [
      'a template without its token',
      { ...bert, post_processor: { ...(bert['post_processor'] as unknown as object), special_tokens: {} } },
    ],
    ['words of length 0', { ...bert, pre_tokenizer: { type: 'FixedLength', length: 0 } }],
    ['a broken map of characters', { ...bert, normalizer: { type: 'Precompiled', precompiled_charsmap: '/////w==' } }],
    ['a merge that makes no token', { model: bpe }],
    ['two tokens with one id', { model: { ...bpe, vocab: { a: 0, b: 0, ab: 1 } } }],
    ['an id out of all proportion', { model: { ...bpe, vocab: { a: 0, b: 1, ab: 4_000_000_000 } } }],
    ['nesting without end', `{"model":${'['.repeat(100_000)}`],
  ]
  for (const [title, file] of crafted) {
    const error = await t.throwsAsync(loadTokenizer(bytesOf(file)), undefined, title)
    t.true(['ERR_INVALID_FILE', 'ERR_LIMIT'].includes((error as { code?: string }).code ?? ''), title)
  }
  const strip = { ...bert, decoder: { type: 'Strip', content: 'a', start: 9, stop: 9 } }
  t.is((await loadTokenizer(bytesOf(strip))).decode([5, 6, 7]).includes('\ufffd'), false)
  await t.throwsAsync(loadTokenizer(new Uint8Array(100_000_000).fill(0x7b)), { code: 'ERR_LIMIT' })
})

test('a regular expression without end is an error within a second', async (t) => {
  const words = await json('words')
  for (const Regex of ['(a+)+$', '(?=a)(a+)+$', '(?:(?!b)a|a)*c']) {
    const pre_tokenizer = { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false }
    const tokenizer = await loadTokenizer(bytesOf({ ...words, pre_tokenizer }))
    const start = process.cpuUsage()
    try {
      tokenizer.encode('a'.repeat(50_000) + '!')
    } catch (error) {
      t.is((error as { code?: string }).code, 'ERR_LIMIT')
    }
    t.true(cpuSince(start) < 1000)
  }
})

test('an aborted call rejects with the reason of its signal', async (t) => {
  const tokenizer = await loadTokenizer(jsonFile('bert'))
  const reason = new Error('enough')
  await t.throwsAsync(tokenizer.encodeAsync('a', { signal: AbortSignal.abort(reason) }), { is: reason })
  const controller = new AbortController()
  const promise = tokenizer.encodeBatchAsync(Array<string>(2000).fill('a mill grinds text '.repeat(50)), {
    signal: controller.signal,
  })
  controller.abort(reason)
  await t.throwsAsync(promise, { is: reason })
})

test('all counts are of what encode gives, with what is put around a text too', async (t) => {
  const tokenizer = await loadTokenizer(jsonFile('llama3'))
  const options = { addSpecialTokens: true }
  const text = 'The mill stood where the river bent, and the river bent because the mill stood there.'
  const lengthOf = (part: string) => tokenizer.encode(part, options).length
  const total = lengthOf(text)
  t.is(total, tokenizer.encode(text).length + 1)
  for (let most = 0; most <= total + 1; most++) {
    t.is(tokenizer.isWithinLimit(text, most, options), total <= most && total)
    const start = tokenizer.truncate(text, most, options)
    t.true(start === '' || lengthOf(start) <= most, `${most}`)
    t.true(start === text || lengthOf(text.slice(0, start.length + 1)) > most, `${most}`)
  }
  const chunks = [...tokenizer.chunk(text, { ...options, maxTokens: 6 })]
  t.is(chunks.map((chunk) => chunk.text).join(''), text)
  for (const chunk of chunks) {
    t.is(chunk.tokens, lengthOf(chunk.text))
    t.true(chunk.tokens <= 6)
  }
  const index = tokenizer.countIndex(text, options)
  t.is(index.total, total)
  for (const [start, end] of [
    [0, 0],
    [0, 10],
    [7, 30],
    [20, text.length],
  ] as const)
    t.is(index.count(start, end), lengthOf(text.slice(start, end)))
})

test('what is no limit is an error, with what is put around a text too', async (t) => {
  const tokenizer = await loadTokenizer(jsonFile('llama3'))
  for (const limit of ['1', Number.NaN, 1.5, -1, Number.POSITIVE_INFINITY] as number[])
    t.throws(() => tokenizer.isWithinLimit('x', limit, { addSpecialTokens: true }), { code: 'ERR_INVALID_ARGUMENT' })
})

// Of these all text is kept until it ends.
for (const name of ['words', 'nougat'])
  test(`${name}: whoever gives a stream up stops the work for it`, async (t) => {
    const tokenizer = await loadTokenizer(jsonFile(name))
    const signals: AbortSignal[] = []
    const encodeAsync = tokenizer.encodeAsync.bind(tokenizer)
    tokenizer.encodeAsync = (_, options) => {
      if (options?.signal !== undefined) signals.push(options.signal)
      // It is never done unless it is stopped.
      return new Promise((_, reject) => {
        options?.signal?.addEventListener('abort', () => reject(new Error('stopped')))
      })
    }
    const [controller, reason] = [new AbortController(), new Error('enough')]
    const next = tokenizer.encodeChunks(['a b c'], { signal: controller.signal, addSpecialTokens: true }).next()
    // On a machine that is busy the stream gives the event loop a turn before.
    for (let turn = 0; signals.length === 0 && turn < 1000; turn++) await new Promise(setImmediate)
    controller.abort(reason)
    t.is(await t.throwsAsync(next), reason)
    t.deepEqual(
      signals.map(({ aborted }) => aborted),
      [true],
    )
    t.true((await encodeAsync('a b c')).length > 0)
  })
