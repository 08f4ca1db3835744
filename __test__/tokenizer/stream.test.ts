import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import * as fc from 'fast-check'
import { getEncoding } from '../../src/tokenizer/encodings.ts'
import type { EncodeStreamOptions } from '../../src/tokenizer/stream.ts'
import type { Text, Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { Vocabulary } from '../../src/tokenizer/vocabulary.ts'
import { WordTokenizer } from '../../src/tokenizer/word-tokenizer.ts'
import { cpuSince } from '../cpu-time.ts'
import { TokenmillError } from '../../src/errors.ts'
import { loadTokenizer } from '../../src/tokenizer/load.ts'
import { jsonFile } from './json-cases.ts'

const book =
  'I HAD always thought Jack Gisburn rather a cheap genius -- though a good fellow enough, so it was no great surprise. ' +
  '我们在这里学习语言模型。今天天气很好，我们去公园吧！ "Quoted" text; it\'s fine --\n\n'
const wordTokenizer = (split: 'book' | 'words' | RegExp) =>
  new WordTokenizer(Vocabulary.fromText(book, { split, specialTokens: ['<|endoftext|>', '<|unk|>', 'a b'] }))

const tokenizers: readonly (readonly [string, Tokenizer])[] = [
  ['o200k_base', getEncoding('o200k_base')],
  ['o200k_harmony', getEncoding('o200k_harmony')],
  ['cl100k_base', getEncoding('cl100k_base')],
  ['r50k_base', getEncoding('r50k_base')],
  ['words of the book', wordTokenizer('book')],
  ['words of Intl.Segmenter', wordTokenizer('words')],
  ['words by a RegExp', wordTokenizer(/(\s|[,.])/)],
]

const joined = (parts: readonly Uint32Array[]) => parts.flatMap((part) => [...part])

const byStream = async (tokenizer: Tokenizer, chunks: readonly Text[], options?: EncodeStreamOptions) => {
  const parts: Uint32Array[] = []
  for await (const part of ReadableStream.from(chunks).pipeThrough(tokenizer.encodeStream(options))) parts.push(part)
  return joined(parts)
}

const byGenerator = async (tokenizer: Tokenizer, chunks: readonly Text[], options?: EncodeStreamOptions) => {
  const parts: Uint32Array[] = []
  for await (const part of tokenizer.encodeChunks(chunks, options)) parts.push(part)
  return joined(parts)
}

const outcome = async (ids: () => ArrayLike<number> | Promise<ArrayLike<number>>) => {
  try {
    return { ids: Array.from(await ids()) }
  } catch (error) {
    const { code, message } = error as { code: string; message: string }
    // Only the name of the text is another one.
    return { code, message: message.replace(/^the stream/, 'the text').replace('for the stream', 'for text') }
  }
}

/** Two strings that are half a surrogate pair each, special tokens and what looks like them, and anything. */
const piece = fc.oneof(
  fc.constantFrom(
    '<|endoftext|>',
    '<|endof',
    'text|>',
    '<|',
    'a b',
    ' b',
    'a',
    '\ud83d',
    '\udc69',
    '👩‍👩‍👧',
    '\r\n',
    '\ufeff',
    ' ',
  ),
  fc.constantFrom('I HAD always', 'though', '我们在这里', '今天天气很好，', '--', "'s", '12345', 'naïve'),
  fc.string({ unit: 'binary', maxLength: 6 }),
)
const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))
const cuts = fc.array(fc.nat(), { maxLength: 5 })
const choices: readonly EncodeStreamOptions[] = [
  {},
  { disallowedSpecial: [] },
  { allowedSpecial: 'all' },
  { allowedSpecial: ['<|endoftext|>'], disallowedSpecial: ['a b'] },
]

const cutAt = <T extends Text>(whole: T, places: readonly number[]): T[] => {
  const sorted = places.map((place) => place % (whole.length + 1)).toSorted((a, b) => a - b)
  return [0, ...sorted].map((from, index) => whole.slice(from, sorted[index] ?? whole.length) as T)
}

for (const [name, tokenizer] of tokenizers) {
  test(`${name}: strings in chunks have the ids of the whole`, async (t) => {
    await fc.assert(
      fc.asyncProperty(text, cuts, fc.constantFrom(...choices), async (whole, places, options) => {
        const expected = await outcome(() => tokenizer.encode(whole, options))
        const chunks = cutAt(whole, places)
        t.deepEqual(await outcome(() => byGenerator(tokenizer, chunks, options)), expected)
        t.deepEqual(await outcome(() => byStream(tokenizer, chunks, options)), expected)
      }),
      { numRuns: 300 },
    )
  })

  test(`${name}: bytes in chunks have the ids of the whole`, async (t) => {
    const bytes = fc
      .array(
        fc.oneof(
          piece.map((part) => Buffer.from(part)),
          fc.uint8Array({ maxLength: 4 }).map((part) => Buffer.from(part)),
        ),
        { maxLength: 10 },
      )
      .map((parts) => new Uint8Array(Buffer.concat(parts)))
    await fc.assert(
      fc.asyncProperty(bytes, cuts, fc.constantFrom(...choices), async (whole, places, options) => {
        const expected = await outcome(() => tokenizer.encode(whole, options))
        t.deepEqual(await outcome(() => byGenerator(tokenizer, cutAt(whole, places), options)), expected)
      }),
      { numRuns: 200 },
    )
  })

  test(`${name}: a text cut at every place`, async (t) => {
    const whole = 'I HAD 👩‍👩‍👧 naïve\r\n\r\n<|endoftext|>a b 我们，今天 --  --x \ud83d'
    const expected = [...tokenizer.encode(whole, { allowedSpecial: 'all' })]
    for (let place = 0; place <= whole.length; place++) {
      t.deepEqual(await byGenerator(tokenizer, cutAt(whole, [place]), { allowedSpecial: 'all' }), expected)
    }
    t.deepEqual(await byStream(tokenizer, whole.split(''), { allowedSpecial: 'all' }), expected)
    const bytes = new TextEncoder().encode(whole)
    const ofBytes = [...tokenizer.encode(bytes, { allowedSpecial: 'all' })]
    t.deepEqual(
      await byStream(
        tokenizer,
        Array.from(bytes, (byte) => Uint8Array.of(byte)),
        { allowedSpecial: 'all' },
      ),
      ofBytes,
    )
  })

  test(`${name}: long chunks`, async (t) => {
    const whole = Array.from({ length: 1000 }, (_, row) => `${book}${row} 👩‍👩‍👧 `).join('')
    const expected = tokenizer.encode(whole).join()
    for (const chunks of [
      [whole],
      cutAt(whole, [100_000, 100_001, 170_007]),
      cutAt(new TextEncoder().encode(whole), [70_000, 133_333]),
    ]) {
      t.true((await byGenerator(tokenizer, chunks)).join() === expected)
      t.true((await byStream(tokenizer, chunks)).join() === expected)
    }
  })

  test(`${name}: a surrogate pair is joined over strings, not over bytes`, async (t) => {
    const [high, low] = ['\ud83d', '\udc69']
    const bytes = Uint8Array.of(0x78)
    t.deepEqual(await byGenerator(tokenizer, [high, '', new Uint8Array(), low]), [...tokenizer.encode('👩')])
    t.deepEqual(await byGenerator(tokenizer, [high, bytes, low]), [...tokenizer.encode('\ufffdx\ufffd')])
    t.deepEqual(await byGenerator(tokenizer, [Uint8Array.of(0xf0, 0x9f), '', Uint8Array.of(0x91, 0xa9)]), [
      ...tokenizer.encode('👩'),
    ])
    t.deepEqual(await byGenerator(tokenizer, [Uint8Array.of(0xf0, 0x9f), 'x']), [...tokenizer.encode('\ufffdx')])
  })

  test(`${name}: invalid bytes are an error when strict`, async (t) => {
    await t.throwsAsync(byGenerator(tokenizer, ['a ', Uint8Array.of(0x61, 0xff)], { utf8: 'strict' }), {
      code: 'ERR_INVALID_UTF8',
    })
    await t.throwsAsync(byStream(tokenizer, [Uint8Array.of(0x61, 0xc3)], { utf8: 'strict' }), {
      code: 'ERR_INVALID_UTF8',
    })
  })

  test(`${name}: ids in chunks have the text of all`, async (t) => {
    const ids = fc.array(
      fc.nat({ max: tokenizer.vocabSize - 1 }).filter((id) => tokenizer.idToToken(id) !== undefined),
      { maxLength: 20 },
    )
    const run = async (chunks: readonly Uint32Array[], options: object) => {
      let parts = ''
      for await (const part of ReadableStream.from(chunks).pipeThrough(tokenizer.decodeStream(options))) {
        t.not(part, '')
        parts += part
      }
      let generated = ''
      for await (const part of tokenizer.decodeChunks(chunks, options)) generated += part
      t.is(generated, parts)
      return parts
    }
    await fc.assert(
      fc.asyncProperty(ids, cuts, fc.boolean(), async (all, places, skipSpecialTokens) => {
        const array = Uint32Array.from(all)
        const sorted = [0, ...places.map((place) => place % (all.length + 1)).toSorted((a, b) => a - b), all.length]
        const chunks = sorted.slice(1).map((end, index) => array.slice(sorted[index], end))
        t.is(await run(chunks, { skipSpecialTokens }), tokenizer.decode(array, { skipSpecialTokens }))
      }),
      { numRuns: 200 },
    )
  })

  test(`${name}: text of ids one by one`, async (t) => {
    const ids = tokenizer.encode(`${book} 👩‍👩‍👧 <|endoftext|>`, { allowedSpecial: 'all' })
    let parts = ''
    for await (const part of tokenizer.decodeChunks(ids)) {
      t.false(/[\ud800-\udbff]$|\ufffd/.test(part), 'no half of a character')
      parts += part
    }
    t.is(parts, tokenizer.decode(ids))
  })

  test(`${name}: an id that does not exist is an error`, async (t) => {
    await t.throwsAsync(
      async () => {
        for await (const _ of tokenizer.decodeChunks([1, 2, [3, 9_999_999]]));
      },
      { code: 'ERR_OUT_OF_RANGE', message: /3/ },
    )
    const stream = ReadableStream.from([Uint32Array.of(9_999_999)]).pipeThrough(tokenizer.decodeStream())
    await t.throwsAsync(
      async () => {
        for await (const _ of stream);
      },
      { code: 'ERR_OUT_OF_RANGE' },
    )
  })
}

const o200k = getEncoding('o200k_base')

test('bytes of half a character are an error when strict', async (t) => {
  const [first] = o200k.encode('𒀀')
  await t.throwsAsync(
    async () => {
      for await (const _ of o200k.decodeChunks([first as number], { errors: 'strict' }));
    },
    { code: 'ERR_INVALID_UTF8' },
  )
})

test('a disallowed special token is named with its index in the stream', async (t) => {
  await t.throwsAsync(byGenerator(o200k, ['x'.repeat(1000), ' é<|endof', 'text|>']), {
    code: 'ERR_SPECIAL_TOKEN',
    message: /^the stream holds the special token "<\|endoftext\|>" at index 1002;/,
  })
  await t.throwsAsync(byStream(o200k, [new TextEncoder().encode(' é'), '<|endoftext|>']), {
    code: 'ERR_SPECIAL_TOKEN',
    message: /at index 3;/,
  })
})

for (const [name, tokenizer] of tokenizers) {
  test(`${name}: a piece longer than maxPieceBytes is an error`, async (t) => {
    const options = { maxPieceBytes: 1000 }
    for (const chunk of ['é', new TextEncoder().encode('é')]) {
      await t.throwsAsync(byGenerator(tokenizer, Array(2000).fill(chunk), options), {
        code: 'ERR_LIMIT',
        message: 'expected pieces of at most 1000 bytes, as options.maxPieceBytes says, received a longer one',
      })
    }
  })
}

test.serial('text without places to cut is kept, and encoded off the event loop', async (t) => {
  const chunks = Array(3000).fill('qwertzuiopasdfgh'.repeat(64))
  const expected = o200k.encode(chunks.join(''))
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  const ids = await byGenerator(o200k, [...chunks, ' end'])
  clearInterval(timer)
  t.is(ids.length, expected.length + 1)
  t.true(turns > 2, `${turns} turns`)
})

test.serial('a generator asks for a chunk when the ids before are taken', async (t) => {
  let asked = 0
  const source = function* () {
    for (;;) yield `many words in a chunk ${asked++}`
  }
  const ids = o200k.encodeChunks(source())
  await ids.next()
  t.true(asked <= 2)
  await sleep(5)
  t.true(asked <= 2)
  await ids.return()
})

test('a source is told when nobody wants its chunks any more', async (t) => {
  let ended = 0
  const source = function* () {
    try {
      for (;;) yield 'word '
    } finally {
      ended++
    }
  }
  for await (const _ of o200k.encodeChunks(source())) break
  for await (const _ of o200k.encodeChunks(source(), { signal: new AbortController().signal })) break
  const ids = function* () {
    try {
      for (;;) yield 1
    } finally {
      ended++
    }
  }
  for await (const _ of o200k.decodeChunks(ids())) break
  t.is(ended, 3)
})

test.serial('a stream slows its writer down', async (t) => {
  const { writable, readable } = o200k.encodeStream()
  const writer = writable.getWriter()
  let written = 0
  const write = async () => {
    for (let count = 0; count < 10; count++) {
      await writer.ready
      await writer.write('many words in a chunk ')
      written++
    }
    await writer.close()
  }
  const done = write()
  await sleep(10)
  t.true(written <= 2, `${written} chunks`)
  for await (const _ of readable);
  await done
  t.is(written, 10)
})

test('a signal ends a generator, also while its source gives nothing', async (t) => {
  const never = (async function* () {
    yield 'words that are more than the longest special token'
    await new Promise(() => undefined)
  })()
  const controller = new AbortController()
  const reason = new Error('enough')
  const ids = o200k.encodeChunks(never, { signal: controller.signal })
  t.false((await ids.next()).done)
  const next = ids.next()
  controller.abort(reason)
  t.is(await t.throwsAsync(next), reason)
  t.true((await ids.next()).done)

  const ofText = o200k.decodeChunks([1, 2, 3], { signal: AbortSignal.abort(reason) })
  t.is(await t.throwsAsync(ofText.next()), reason)
})

test.serial('timers run while chunks come without a pause', async (t) => {
  function* endless<T>(chunk: T) {
    for (;;) yield chunk
  }
  for (const [name, generator] of [
    ['encodeChunks', (signal: AbortSignal) => o200k.encodeChunks(endless('a mill '), { signal })],
    ['encodeChunks of empty texts', (signal: AbortSignal) => o200k.encodeChunks(endless(''), { signal })],
    ['decodeChunks', (signal: AbortSignal) => o200k.decodeChunks(endless(1), { signal })],
    ['decodeChunks of no ids', (signal: AbortSignal) => o200k.decodeChunks(endless([]), { signal })],
  ] as const) {
    const signal = AbortSignal.timeout(20)
    const taken = async () => {
      for await (const _ of generator(signal));
    }
    t.is(await taken().catch((error: unknown) => error), signal.reason, name)
  }
  let isOver = false
  const timer = setTimeout(() => (isOver = true), 20)
  const source = new ReadableStream<string>({ pull: (controller) => controller.enqueue('a mill ') })
  for await (const _ of source.pipeThrough(o200k.encodeStream())) if (isOver) break
  clearTimeout(timer)
  t.true(isOver)
})

test.serial('a signal stops a long piece that is being encoded', async (t) => {
  const controller = new AbortController()
  const reason = new Error('enough')
  const random = Array.from({ length: 4_000_000 }, (_, index) =>
    String.fromCharCode(97 + (((index * 7919) ^ (index >> 3)) % 26)),
  ).join('')
  function* source() {
    // In the next turn of the event loop, in which the piece is being encoded on another thread.
    setImmediate(() => controller.abort(reason))
    yield random
  }
  const ids = o200k.encodeChunks(source(), { signal: controller.signal })
  const next = ids.next()
  const start = process.cpuUsage()
  t.is(await t.throwsAsync(next), reason)
  t.true(cpuSince(start) < 5000)
})

test('a stream that was given up can not be used', async (t) => {
  for (const give of [
    (stream: TransformStream) => stream.readable.cancel('enough'),
    (stream: TransformStream) => stream.writable.abort('enough'),
  ]) {
    const stream = o200k.encodeStream()
    const writer = stream.writable.getWriter()
    const first = writer.write('a b c')
    writer.releaseLock()
    await give(stream)
    await first.catch(() => undefined)
    await t.throwsAsync(async () => stream.writable.getWriter().write('d'), { any: true })
  }
})

test('a chunk that is transferred while it is read is an error, and no shorter text', async (t) => {
  const gone = { code: 'ERR_DISPOSED', message: /a chunk was transferred/ }
  const transfer = ({ buffer }: Uint8Array | Uint32Array) =>
    structuredClone(buffer, { transfer: [buffer as ArrayBuffer] })
  const bytes = () => new TextEncoder().encode('a '.repeat(2 ** 21))

  for (const tokenizer of [o200k, wordTokenizer('book')]) {
    const chunk = bytes()
    const ids = tokenizer.encodeChunks([chunk], { maxPieceBytes: 2 ** 30 })
    await ids.next()
    transfer(chunk)
    await t.throwsAsync(ids.next(), gone)
  }

  const chunk = bytes()
  const { readable, writable } = o200k.encodeStream()
  const written = writable.getWriter().write(chunk)
  await readable.getReader().read()
  transfer(chunk)
  await t.throwsAsync(written, gone)

  const ids = new Uint32Array(2 ** 20).fill(64)
  const texts = o200k.decodeChunks([ids])
  await texts.next()
  transfer(ids)
  await t.throwsAsync(texts.next(), gone)
})

test('a large chunk of ids is taken part by part, whatever it is', async (t) => {
  const ids = o200k.encode('The mill stood where the river bent. '.repeat(20_000))
  const expected = o200k.decode(ids)
  let taken = 0
  function* counted() {
    for (const id of ids) {
      taken++
      yield id
    }
  }
  for (const chunk of [Array.from(ids), counted()]) {
    const texts = o200k.decodeChunks([chunk])
    let text = (await texts.next()).value as string
    t.true(text.length < expected.length / 4)
    t.true(taken < ids.length / 4)
    for await (const part of texts) text += part
    t.is(text, expected)
  }
  t.is(taken, ids.length)
  const wrong = [...ids, -1]
  const message = `expected an integer from 0 to 4294967295 for ids[${ids.length}], received -1`
  await t.throwsAsync(
    async () => {
      for await (const _ of o200k.decodeChunks([wrong]));
    },
    { code: 'ERR_INVALID_ARGUMENT', message },
  )
})

test('wrong arguments are named', async (t) => {
  const invalid = { code: 'ERR_INVALID_ARGUMENT' }
  t.throws(() => o200k.encodeStream({ maxPieceBytes: 0 }), { ...invalid, message: /options\.maxPieceBytes/ })
  t.throws(() => o200k.encodeStream({ signal: new AbortController().signal } as object), {
    ...invalid,
    message: /signal/,
  })
  t.throws(() => o200k.encodeStream({ allowedSpecial: 'some' } as object), invalid)
  for (const source of ['text', new Uint8Array(3), 3, null]) {
    t.throws(() => o200k.encodeChunks(source as never), { ...invalid, message: /for source/ })
  }
  t.throws(() => o200k.encodeChunks([], { signal: 1 } as object), { ...invalid, message: /options\.signal/ })
  t.throws(() => o200k.decodeStream({ errors: 'none' } as object), { ...invalid, message: /options\.errors/ })
  t.throws(() => o200k.decodeChunks('text' as never), { ...invalid, message: /for source/ })
  await t.throwsAsync(byGenerator(o200k, [1 as never]), { ...invalid, message: /for a chunk/ })
  await t.throwsAsync(async () => {
    for await (const _ of o200k.decodeChunks(['a' as never]));
  }, invalid)
})

test('a decoder gives the text of ids one by one, and of several at once', async (t) => {
  const text = 'wave 👋🏽, 磨坊\u0301 and <|endoftext|>!'
  const tokenizers = [
    getEncoding('cl100k_base'),
    await loadTokenizer(jsonFile('llama2')),
    await loadTokenizer(jsonFile('bert')),
    new WordTokenizer(Vocabulary.fromText(text), { unknown: '<|unk|>' }),
  ]
  for (const tokenizer of tokenizers) {
    const ids = [
      ...tokenizer.encode(text, { disallowedSpecial: [] }),
      ...[...tokenizer.specialTokens.values()].slice(0, 1),
    ]
    for (const options of [{}, { skipSpecialTokens: true }]) {
      const expected = tokenizer.decode(ids, options)
      const decoder = tokenizer.decoder(options)
      t.is(ids.map((id) => decoder.push(id)).join('') + decoder.end(), expected, tokenizer.name)
      const several = tokenizer.decoder(options)
      t.is(several.push(ids.slice(0, 5)) + several.push(Uint32Array.from(ids.slice(5))) + several.end(), expected)
      t.throws(() => several.push(0), { instanceOf: TokenmillError, code: 'ERR_DISPOSED' })
      t.throws(() => several.end(), { instanceOf: TokenmillError, code: 'ERR_DISPOSED' })
    }
    t.throws(() => tokenizer.decoder().push(4_000_000), { instanceOf: TokenmillError, code: 'ERR_OUT_OF_RANGE' })
    t.throws(() => tokenizer.decoder().push(1.5), { instanceOf: TokenmillError, code: 'ERR_INVALID_ARGUMENT' })
  }
  const [half] = getEncoding('cl100k_base').encode('👋')
  const strict = getEncoding('cl100k_base').decoder({ errors: 'strict' })
  t.is(strict.push(half as number), '')
  t.throws(() => strict.end(), { instanceOf: TokenmillError, code: 'ERR_INVALID_UTF8' })
})
