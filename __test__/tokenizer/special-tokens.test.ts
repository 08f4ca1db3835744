import { runInNewContext } from 'node:vm'
import test from 'ava'
import { TokenmillError } from '../../src/errors.ts'
import { encodingNames, getEncoding } from '../../src/tokenizer/encodings.ts'
import { loadTokenizer } from '../../src/tokenizer/load.ts'
import type { EncodeOptions } from '../../src/tokenizer/tokenizer.ts'
import { Vocabulary } from '../../src/tokenizer/vocabulary.ts'
import { WordTokenizer } from '../../src/tokenizer/word-tokenizer.ts'
import { jsonFile } from './json-cases.ts'

const o200k = getEncoding('o200k_base')
const gpt2 = getEncoding('gpt2')
const cl100k = getEncoding('cl100k_base')
const end = '<|endoftext|>'
const prompt = '<|endofprompt|>'
const endId = 199_999
const promptId = 200_018
const bytesOf = (text: string) => new TextEncoder().encode(text)
const refused = (token: string, index: number, name = 'the text') => ({
  instanceOf: TokenmillError,
  code: 'ERR_SPECIAL_TOKEN',
  message: (message: string) =>
    message.startsWith(`${name} holds the special token ${JSON.stringify(token)} at index ${index};`),
})

for (const name of encodingNames) {
  const tokenizer = getEncoding(name)
  test(`${name}: each special token is refused, allowed by name, allowed by 'all', or plain text`, (t) => {
    for (const [token, id] of tokenizer.specialTokens) {
      const text = `a ${token}b`
      const around = (ids: Iterable<number>) => [...tokenizer.encode('a '), ...ids, ...tokenizer.encode('b')]
      t.throws(() => tokenizer.encode(text), refused(token, 2))
      t.deepEqual([...tokenizer.encode(text, { allowedSpecial: [token] })], around([id]))
      t.deepEqual([...tokenizer.encode(text, { allowedSpecial: 'all' })], around([id]))
      const plain = tokenizer.encodeOrdinary(text)
      t.deepEqual(tokenizer.encode(text, { disallowedSpecial: [] }), plain)
      t.false(plain.includes(id))
      t.is(tokenizer.decode(plain), text)
      t.is(tokenizer.count(text), plain.length)
    }
  })
}

test('options that look alike have their own effect, however often they come', (t) => {
  const tokenizer = gpt2.withSpecialTokens(['all', '["all"]', '] ['])
  const [all, list, brackets] = [50257, 50258, 50259]
  for (let round = 0; round < 2; round++) {
    const ids = (
      allowedSpecial: EncodeOptions['allowedSpecial'],
      disallowedSpecial: EncodeOptions['disallowedSpecial'],
    ) => [...tokenizer.encode('all["all"]] [', { allowedSpecial, disallowedSpecial })].filter((id) => id >= all)
    t.deepEqual(ids('all', []), [all, list, brackets])
    t.deepEqual(ids(['all'], []), [all, all])
    t.deepEqual(ids(['["all"]'], []), [list])
    t.deepEqual(ids(['] ['], []), [brackets])
    t.deepEqual(ids([], []), [])
    t.throws(() => ids([], ['all']), refused('all', 0))
    t.throws(() => ids(['all'], ['["all"]']), refused('["all"]', 3))
    t.throws(() => ids([], 'all'), refused('all', 0))
  }
})

test('a list of names that was changed between two calls has its new effect', (t) => {
  const allowedSpecial = [end]
  t.true(o200k.encode(`${end}`, { allowedSpecial }).includes(endId))
  allowedSpecial[0] = prompt
  t.throws(() => o200k.encode(`${end}`, { allowedSpecial }), refused(end, 0))
  t.true(o200k.encode(`${prompt}`, { allowedSpecial }).includes(promptId))
})

test('special tokens in the place of options are an error that says how to pass them', (t) => {
  const expected = { code: 'ERR_INVALID_ARGUMENT', message: /, as \{ allowedSpecial: 'all' \}, for options, received/ }
  for (const wrong of ['all', ['<|endoftext|>'], [], new Set(['<|endoftext|>'])] as never[]) {
    t.throws(() => o200k.encode('a', wrong), expected)
    t.throws(() => o200k.count('a', wrong), expected)
    t.throws(() => o200k.encodeBatch(['a'], wrong), expected)
  }
  t.throws(() => o200k.decode([1], 'strict' as never), { message: 'expected an object for options, received "strict"' })
})

/** A text under options: its ids, or the token that it is refused for. */
type Row = readonly [
  title: string,
  options: EncodeOptions | undefined,
  expected: readonly (number | string)[] | { refused: string },
]

const text = `x${end}y${prompt}`
const rows: readonly Row[] = [
  ['no options', undefined, { refused: end }],
  ['empty options', {}, { refused: end }],
  ['all allowed', { allowedSpecial: 'all' }, ['x', endId, 'y', promptId]],
  ['all allowed and all disallowed', { allowedSpecial: 'all', disallowedSpecial: 'all' }, ['x', endId, 'y', promptId]],
  ['all allowed and one disallowed', { allowedSpecial: 'all', disallowedSpecial: [prompt] }, { refused: prompt }],
  ['one allowed', { allowedSpecial: [end] }, { refused: prompt }],
  ['one allowed, as a Set', { allowedSpecial: new Set([end]) }, { refused: prompt }],
  ['one allowed, none disallowed', { allowedSpecial: [end], disallowedSpecial: [] }, ['x', endId, `y${prompt}`]],
  ['none disallowed, as a Set', { disallowedSpecial: new Set() }, [`x${end}y${prompt}`]],
  ['one disallowed', { disallowedSpecial: [prompt] }, { refused: prompt }],
  ['one disallowed, as a Set', { disallowedSpecial: new Set([prompt]) }, { refused: prompt }],
  ['one both allowed and disallowed', { allowedSpecial: [end], disallowedSpecial: [end] }, { refused: end }],
  ['both in both', { allowedSpecial: [end, prompt], disallowedSpecial: [end, prompt] }, { refused: end }],
  ['the same one twice', { allowedSpecial: [end, end], disallowedSpecial: [] }, ['x', endId, `y${prompt}`]],
  ['an allowed name that is none', { allowedSpecial: ['x', '<|nope|>'], disallowedSpecial: [] }, [`x${end}y${prompt}`]],
  ['a disallowed name that is none', { disallowedSpecial: ['y'] }, { refused: 'y' }],
  ['a disallowed name that is not in the text', { disallowedSpecial: ['z'] }, [`x${end}y${prompt}`]],
]

for (const [title, options, expected] of rows) {
  test(`special tokens: ${title}`, async (t) => {
    if ('refused' in expected) {
      const error = refused(expected.refused, text.indexOf(expected.refused))
      const inBatch = refused(expected.refused, text.indexOf(expected.refused), 'texts[1]')
      t.throws(() => o200k.encode(text, options), error)
      t.throws(() => o200k.encode(bytesOf(text), options), error)
      t.throws(() => o200k.encodeBatch(['a', text], options), inBatch)
      t.throws(() => o200k.encodeBatch(['a', bytesOf(text)], options), inBatch)
      await t.throwsAsync(() => o200k.encodeAsync(text, options), error)
      await t.throwsAsync(() => o200k.encodeAsync(bytesOf(text), options), error)
      await t.throwsAsync(() => o200k.encodeBatchAsync(['a', text], options), inBatch)
      return
    }
    const ids = expected.flatMap((part) => (typeof part === 'string' ? [...o200k.encodeOrdinary(part)] : part))
    t.deepEqual([...o200k.encode(text, options)], ids)
    t.deepEqual([...o200k.encode(bytesOf(text), options)], ids)
    t.deepEqual([...(o200k.encodeBatch(['a', text], options).at(1) ?? [])], ids)
    t.deepEqual([...(await o200k.encodeAsync(text, options))], ids)
    t.deepEqual([...(await o200k.encodeAsync(bytesOf(text), options))], ids)
    t.deepEqual([...((await o200k.encodeBatchAsync(['a', text], options)).at(1) ?? [])], ids)
    t.is(o200k.count(text, { disallowedSpecial: 'all', ...options }), ids.length)
    t.is(o200k.decode(ids), text)
  })
}

test('count reads special tokens as plain text unless they are allowed, and throws only when asked to', (t) => {
  const plain = o200k.encodeOrdinary(text).length
  t.is(o200k.count(text), plain)
  t.is(o200k.count(bytesOf(text)), plain)
  t.is(o200k.count(text, {}), plain)
  t.is(o200k.count(text, { utf8: 'strict' }), plain)
  t.is(o200k.count(text, { allowedSpecial: 'all' }), 4)
  t.is(o200k.count(text, { allowedSpecial: [end] }), 2 + o200k.count(`y${prompt}`))
  t.throws(() => o200k.count(text, { disallowedSpecial: 'all' }), refused(end, 1))
  t.throws(() => o200k.count(bytesOf(text), { disallowedSpecial: [prompt] }), refused(prompt, 15))
})

test('the index of a refused token counts UTF-16 code units in a string, and bytes in bytes', async (t) => {
  const before = 'é我😀👩‍👩‍👧\ud800'
  t.is(before.length, 13)
  const asBytes = bytesOf(before + end)
  t.is(asBytes.length - end.length, 2 + 3 + 4 + 18 + 3)
  t.throws(() => o200k.encode(before + end), refused(end, 13))
  t.throws(() => o200k.encode(asBytes), refused(end, 30))
  t.throws(() => o200k.count(before + end, { disallowedSpecial: 'all' }), refused(end, 13))
  t.throws(() => o200k.count(asBytes, { disallowedSpecial: 'all' }), refused(end, 30))
  t.throws(() => o200k.encodeBatch([asBytes, before + end]), refused(end, 30, 'texts[0]'))
  t.throws(() => o200k.encodeBatch(['', before + end]), refused(end, 13, 'texts[1]'))
  await t.throwsAsync(o200k.encodeAsync(before + end), refused(end, 13))
  await t.throwsAsync(o200k.encodeAsync(asBytes), refused(end, 30))
})

test('the index of a refused token counts the bytes as they are, where they are not UTF-8', async (t) => {
  for (const invalid of [[0xff], [0xff, 0xc0, 0x80], [0xf0, 0x9f, 0x98], [0x61, 0xe6, 0x88, 0x62, 0xed, 0xa0, 0x80]]) {
    const bytes = new Uint8Array([...invalid, ...bytesOf(`${end}\xff${end}`), 0xff])
    t.throws(() => o200k.encode(bytes), refused(end, invalid.length))
    t.throws(() => o200k.count(bytes, { disallowedSpecial: 'all' }), refused(end, invalid.length))
    t.throws(() => o200k.encodeBatch(['', bytes]), refused(end, invalid.length, 'texts[1]'))
    await t.throwsAsync(o200k.encodeAsync(bytes), refused(end, invalid.length))
  }
})

test('the message of a refused token says what to do', (t) => {
  t.throws(() => o200k.encode(end), {
    message:
      'the text holds the special token "<|endoftext|>" at index 0; to encode it as a special token, ' +
      'pass allowedSpecial: ["<|endoftext|>"]; to encode it as plain text, pass disallowedSpecial: [] or use encodeOrdinary',
  })
})

test('refused names may hold any characters', (t) => {
  for (const name of ['1 2', '3/4 5', 'a\nb', '\0', '😀', '"', ' ', '.*', '\uFEFF']) {
    t.throws(() => o200k.encode(`7 ${name}`, { disallowedSpecial: [name] }), refused(name, name === ' ' ? 1 : 2))
    t.throws(
      () => o200k.encodeBatch([`7 ${name}`], { disallowedSpecial: [name] }),
      refused(name, name === ' ' ? 1 : 2, 'texts[0]'),
    )
  }
})

test('the first refused token of the text is named, the longest where several start', (t) => {
  const options = { disallowedSpecial: ['bc', 'bcd', 'abc', 'd'] }
  t.throws(() => o200k.encode('xxbcd', options), refused('bcd', 2))
  t.throws(() => o200k.encode('xxabcd', options), refused('abc', 2))
})

test('a batch of a word tokenizer names the text that is refused', async (t) => {
  const words = new WordTokenizer(Vocabulary.fromText('a b'))
  const all = { disallowedSpecial: 'all' } as const
  const texts = ['a', `b ${end}`]
  t.throws(() => words.encodeBatch(texts), refused(end, 2, 'texts[1]'))
  await t.throwsAsync(words.encodeBatchAsync(texts), refused(end, 2, 'texts[1]'))
  t.throws(() => words.countBatch(texts, all), refused(end, 2, 'texts[1]'))
  await t.throwsAsync(words.countBatchAsync(texts, all), refused(end, 2, 'texts[1]'))
  for (const offsets of [false, true])
    t.throws(() => words.encodePadded(['a', ['b', end]], { offsets }), refused(end, 0, 'inputs[1][1]'))
  t.throws(() => words.encode(end), refused(end, 0))
  t.throws(() => words.count(end, all), refused(end, 0))
})

test('a batch names the first text that is refused', (t) => {
  // The later texts are refused sooner than the long first one.
  const texts = ['x '.repeat(200_000) + end, ...Array.from({ length: 64 }, () => prompt)]
  for (let round = 0; round < 5; round++) t.throws(() => o200k.encodeBatch(texts), refused(end, 400_000, 'texts[0]'))
})

test('special tokens of other encodings are plain text', (t) => {
  const fim = '<|fim_prefix|>'
  t.deepEqual(o200k.encode(fim), o200k.encodeOrdinary(fim))
  t.throws(() => cl100k.encode(fim), refused(fim, 0))
  t.deepEqual([...cl100k.encode(fim, { allowedSpecial: 'all' })], [100_258])
})

test('look-alikes of special tokens are plain text', (t) => {
  const alike = [
    '<|endoftext|',
    '|endoftext|>',
    '<|ENDOFTEXT|>',
    '<|end oftext|>',
    '<｜endoftext｜>',
    '<|endoftext\u200b|>',
    '<||endoftext||>',
    '\uFEFF<|endof text|>',
    '<|endo\ud800ftext|>',
    '&lt;|endoftext|&gt;',
  ]
  for (const text of alike) {
    t.deepEqual(o200k.encode(text), o200k.encodeOrdinary(text))
    t.deepEqual(o200k.encode(text, { allowedSpecial: 'all' }), o200k.encodeOrdinary(text))
  }
})

test('special tokens stand side by side and between anything', (t) => {
  const ids = o200k.encode(`${end}${end}<|endoftext|${end} ${prompt}\n`, { allowedSpecial: 'all' })
  t.deepEqual(
    [...ids],
    [
      endId,
      endId,
      ...o200k.encodeOrdinary('<|endoftext|'),
      endId,
      ...o200k.encode(' '),
      promptId,
      ...o200k.encode('\n'),
    ],
  )
})

test('what is not a choice of special tokens is an error that names the option', async (t) => {
  for (const option of ['allowedSpecial', 'disallowedSpecial'] as const) {
    for (const choice of [
      'none',
      '',
      end,
      'ALL',
      null,
      1,
      true,
      {},
      new Map(),
      [1],
      [''],
      [undefined],
      new Set([null]),
      [['a']],
    ]) {
      const options = { [option]: choice } as EncodeOptions
      const error = {
        instanceOf: TokenmillError,
        code: 'ERR_INVALID_ARGUMENT',
        message: new RegExp(`^expected 'all', or an array or Set of strings,.* for options\\.${option}, received`),
      }
      t.throws(() => o200k.encode('a', options), error)
      t.throws(() => o200k.count('a', options), error)
      t.throws(() => o200k.encodeBatch([], options), error)
      await t.throwsAsync(() => o200k.encodeAsync('a', options), error)
      await t.throwsAsync(() => o200k.encodeBatchAsync([], options), error)
    }
  }
})

test('a list of special tokens that is none is refused, as nothing would be found in it', async (t) => {
  const ranks = Array.from({ length: 256 }, (_, byte) => `${Buffer.from([byte]).toString('base64')} ${byte}`)
  const file = bytesOf(ranks.join('\n'))
  for (const list of [
    new Set(['<|pad|>']),
    new Date(),
    /a/,
    Promise.resolve(),
    new Uint8Array(1),
    new ArrayBuffer(1),
  ]) {
    const expected = (name: string) => ({
      code: 'ERR_INVALID_ARGUMENT',
      message: new RegExp(`^expected an object of ids by token, a Map, or an array of tokens for ${name}, received`),
    })
    t.throws(() => gpt2.withSpecialTokens(list as never), expected('tokens'))
    const loading = loadTokenizer(file, { pattern: 'gpt2', specialTokens: list as never })
    await t.throwsAsync(loading, expected('options\\.specialTokens'))
  }
  // Of another realm, and without a prototype.
  for (const list of [runInNewContext("({ '<|pad|>': 60000 })"), { __proto__: null, '<|pad|>': 60_000 }] as const)
    t.is(gpt2.withSpecialTokens(list as Record<string, number>).tokenToId('<|pad|>'), 60_000)
})

test('whether special tokens are added is a boolean for every tokenizer, also where there is nothing to add', async (t) => {
  const words = new WordTokenizer(Vocabulary.fromText('a b'))
  const loaded = [await loadTokenizer(jsonFile('bert')), await loadTokenizer(jsonFile('llama3'))]
  for (const tokenizer of [gpt2, words, ...loaded]) {
    for (const value of [null, 'yes', 1]) {
      const options = { addSpecialTokens: value as never }
      const error = {
        code: 'ERR_INVALID_ARGUMENT',
        message: /^expected a boolean for options\.addSpecialTokens, received/,
      }
      t.throws(() => tokenizer.encode('a', options), error)
      t.throws(() => tokenizer.count('a', options), error)
      t.throws(() => tokenizer.encodeBatch(['a'], options), error)
      t.throws(() => tokenizer.encodePadded(['a'], options), error)
      await t.throwsAsync(() => tokenizer.encodeAsync('a', options), error)
    }
    t.deepEqual(tokenizer.encode('a', { addSpecialTokens: undefined }), tokenizer.encode('a'))
  }
})

test('a hundred different options in a row each have their effect, forwards and backwards', (t) => {
  const names = Array.from({ length: 100 }, (_, index) => `<${index}>`)
  const text = names.join('')
  for (const name of [...names, ...names.toReversed()]) {
    t.throws(() => cl100k.encode(text, { disallowedSpecial: [name] }), refused(name, text.indexOf(name)))
    t.deepEqual([...cl100k.encode(end, { allowedSpecial: [end, name] })], [100_257])
    // The options that every tokenizer starts with stay.
    t.throws(() => cl100k.encode(end), refused(end, 0))
    t.deepEqual([...cl100k.encodeSegments([{ text: end, trusted: true }])], [100_257])
    t.true(cl100k.count(end) > 1)
  }
})

test('calls in flight keep their options while a hundred others are used', async (t) => {
  const long = `${'word '.repeat(300_000)}${end}`
  const allowed = o200k.encodeAsync(long, { allowedSpecial: [end, 'in flight'] })
  const batch = o200k.encodeBatchAsync([long, end], { allowedSpecial: [end, 'in a batch'] })
  const disallowed = o200k.encodeAsync(long, { disallowedSpecial: [end, 'in flight'] })
  for (let index = 0; index < 100; index++) o200k.encode('a', { disallowedSpecial: [`<${index}>`] })
  t.is((await allowed).at(-1), endId)
  t.deepEqual([...((await batch).at(1) ?? [])], [endId])
  await t.throwsAsync(disallowed, refused(end, 1_500_000))
})

test('texts whose reading uses other options do not change the options of the batch', (t) => {
  const texts = ['a', end]
  Object.defineProperty(texts, 0, {
    get: () => {
      for (let index = 0; index < 100; index++) o200k.encode('a', { disallowedSpecial: [`[${index}]`] })
      return 'a'
    },
  })
  t.deepEqual([...o200k.encodeBatch(texts, { allowedSpecial: [end, 'getter'] }).ids], [...o200k.encode('a'), endId])
})

test('special tokens that would take too long to be looked for are ERR_LIMIT', (t) => {
  const [longest, longer] = ['x'.repeat(4096), 'x'.repeat(4097)]
  const each = { code: 'ERR_LIMIT', message: 'expected special tokens of at most 4096 bytes, received 4097' }
  t.deepEqual(
    [...o200k.withSpecialTokens({ [longest]: 300_000 }).encode(longest, { allowedSpecial: 'all' })],
    [300_000],
  )
  t.throws(() => o200k.withSpecialTokens([longer]), each)
  t.throws(() => o200k.encode('a', { disallowedSpecial: [longer] }), each)
  const many = Array.from({ length: 1025 }, (_, index) => `${longest.slice(4)}${1000 + index}`)
  const together = {
    code: 'ERR_LIMIT',
    message: /^expected special tokens of at most 4194304 bytes together, received /,
  }
  t.throws(() => o200k.withSpecialTokens(many), together)
  t.throws(() => o200k.encode('a', { disallowedSpecial: many }), together)
  const error = t.throws(() => o200k.encode(longest, { disallowedSpecial: [longest] }), { code: 'ERR_SPECIAL_TOKEN' })
  t.true(error.message.length < 500)
})

test('an array that says to be long is no reason to take memory', (t) => {
  const tokens = Object.assign([], { length: 2 ** 32 - 1 })
  t.throws(() => o200k.withSpecialTokens(tokens), { code: 'ERR_INVALID_ARGUMENT', message: /for tokens/ })
})

test('names are read once: what is checked is what is used', (t) => {
  const names = ['<|endoftext|>']
  let reads = 0
  Object.defineProperty(names, 0, { get: () => (reads++ === 0 ? '<|endoftext|>' : 5), enumerable: true })
  t.deepEqual([...gpt2.encode('<|endoftext|>', { allowedSpecial: names })], [50256])
  t.is(reads, 1)
})

test('nobody changes the special tokens of a tokenizer that others have too', async (t) => {
  const loaded = await loadTokenizer(jsonFile('bert'))
  const words = new WordTokenizer(Vocabulary.fromText('a b'))
  for (const tokenizer of [gpt2, loaded, words]) {
    const special = tokenizer.specialTokens as Map<string, number>
    const before = [...special]
    const [name] = before[0] as [string, number]
    for (const change of [() => special.delete(name), () => special.clear(), () => special.set('a', 1)])
      t.throws(change, { code: 'ERR_INVALID_ARGUMENT', message: /withSpecialTokens/ })
    t.deepEqual([...tokenizer.specialTokens], before)
    // Whoever insists has changed what is seen, not what is refused.
    Map.prototype.delete.call(special, name)
    t.throws(() => tokenizer.encode(name), { code: 'ERR_SPECIAL_TOKEN' })
    t.throws(() => tokenizer.encode(name, {}), { code: 'ERR_SPECIAL_TOKEN' })
    t.throws(() => tokenizer.encodeBatch([name]), { code: 'ERR_SPECIAL_TOKEN' })
    Map.prototype.set.call(special, name, before[0]?.[1])
  }
  for (const tokenizer of [gpt2, loaded])
    for (const name of ['name', 'vocabSize', 'specialTokens', 'endOfTextId'])
      t.throws(() => Object.assign(tokenizer, { [name]: undefined }), { instanceOf: TypeError }, name)
})

test.serial('options are own properties of a plain object', async (t) => {
  const polluted = Object.prototype as { allowedSpecial?: unknown; addSpecialTokens?: unknown; signal?: unknown }
  const llama = await loadTokenizer(jsonFile('llama3'))
  const length = llama.encode('a').length
  polluted.allowedSpecial = 'all'
  polluted.addSpecialTokens = true
  polluted.signal = AbortSignal.abort()
  try {
    for (const tokenizer of [gpt2, llama]) {
      const [name] = tokenizer.specialTokens.keys()
      t.throws(() => tokenizer.encode(name as string, {}), { code: 'ERR_SPECIAL_TOKEN' })
      t.throws(() => tokenizer.encodeBatch([name as string]), { code: 'ERR_SPECIAL_TOKEN' })
      await t.throwsAsync(tokenizer.encodeAsync(name as string, {}), { code: 'ERR_SPECIAL_TOKEN' })
      t.true(tokenizer.count(name as string, {}) > 1)
    }
    t.is(llama.encode('a', {}).length, length)
    t.is((await llama.encodeAsync('a', {})).length, length)
    t.is((await llama.encodeAsync('a')).length, length)
  } finally {
    delete polluted.allowedSpecial
    delete polluted.addSpecialTokens
    delete polluted.signal
  }
  class Options {
    allowedSpecial = 'all' as const
  }
  t.deepEqual([...gpt2.encode('<|endoftext|>', new Options())], [50256])
  t.deepEqual([...gpt2.encode('<|endoftext|>', { __proto__: null, allowedSpecial: 'all' } as object)], [50256])
  t.is(gpt2.encode('a', runInNewContext('({})') as object).length, 1)
  for (const other of [
    new Map(),
    new Set(),
    new Date(),
    /a/,
    new Uint8Array(),
    Object.create({ allowedSpecial: 'all' }) as object,
    Promise.resolve(),
  ])
    t.throws(() => gpt2.encode('a', other), { code: 'ERR_INVALID_ARGUMENT', message: /for options, received/ })
})

test('options that are changed after a call do not change it', async (t) => {
  const llama = await loadTokenizer(jsonFile('llama3'))
  const bert = await loadTokenizer(jsonFile('bert'))
  for (const tokenizer of [llama, bert]) {
    const whole = tokenizer.encode('hello', { addSpecialTokens: true })
    const options = { addSpecialTokens: true }
    const [ids, batch, count, counts] = [
      tokenizer.encodeAsync('hello', options),
      tokenizer.encodeBatchAsync(['hello'], options),
      tokenizer.countAsync('hello', options),
      tokenizer.countBatchAsync(['hello'], options),
    ]
    options.addSpecialTokens = false
    t.deepEqual(await ids, whole)
    t.deepEqual((await batch).ids, whole)
    t.is(await count, whole.length)
    t.deepEqual([...(await counts)], [whole.length])
  }
  for (const tokenizer of [gpt2, llama, bert]) {
    const [name] = tokenizer.specialTokens.keys()
    for (const addSpecialTokens of [false, true]) {
      const allowedSpecial = new Set([name as string])
      const options: EncodeOptions = { allowedSpecial, addSpecialTokens, disallowedSpecial: [] }
      const text = `😀${name} a`
      const index = tokenizer.countIndex(text, options)
      // From the second half of the pair on.
      const before = index.count(1)
      const own = { ...options, allowedSpecial: new Set(allowedSpecial) }
      async function* source() {
        yield '😀'
        allowedSpecial.clear()
        Object.assign(options, { addSpecialTokens: !addSpecialTokens })
        yield `${name} a`
      }
      const ids: number[] = []
      for await (const part of tokenizer.encodeChunks(source(), options)) ids.push(...part)
      t.deepEqual(ids, [...tokenizer.encode(text, own)], `${tokenizer.name} ${addSpecialTokens}`)
      t.is(index.count(1), before)
    }
  }
})
