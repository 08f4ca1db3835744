import { execFileSync } from 'node:child_process'
import { copyFile, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import { jsonFile } from './json-cases.ts'
import * as fc from 'fast-check'
import { TokenmillError } from '../../src/errors.ts'
import { loadTokenizer, type LoadOptions } from '../../src/tokenizer/load.ts'
import { Vocabulary, type WordListOptions } from '../../src/tokenizer/vocabulary.ts'
import { WordTokenizer } from '../../src/tokenizer/word-tokenizer.ts'

const folder = await mkdtemp(join(tmpdir(), 'tokenmill-load-'))
test.after.always(() => rm(folder, { recursive: true }))

const bytesOf = (value: unknown) => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))
const good = {
  format: 'tokenmill-vocabulary',
  version: 1,
  split: 'book',
  unknown: '<|unk|>',
  specialTokens: ['<|endoftext|>', '<|unk|>'],
  words: ['a', 'b'],
}

const saved = async (name: string, tokenizer: WordTokenizer): Promise<string> => {
  const path = join(folder, name)
  await tokenizer.save(path)
  return path
}

test('the file is as written down', async (t) => {
  const path = await saved('form.json', new WordTokenizer(Vocabulary.fromWords(['a', '"\n', '中'])))
  t.is(
    await readFile(path, 'utf8'),
    `{
  "format": "tokenmill-vocabulary",
  "version": 1,
  "split": "book",
  "unknown": "<|unk|>",
  "specialTokens": [
    "<|endoftext|>",
    "<|unk|>"
  ],
  "words": [
    "a",
    "\\"\\n",
    "中"
  ]
}
`,
  )
})

for (const [title, words, options, unknown, load] of [
  ['words', ['b', 'a', '__proto__', '\uFEFF', '😀', '\u2028'], {}, '<|unk|>', {}],
  ['no words', [], {}, '<|unk|>', {}],
  ['nothing', [], { specialTokens: [] }, null, {}],
  ['own special tokens', ['a'], { specialTokens: ['[UNK]', '[PAD]'] }, '[UNK]', {}],
  ['the rule words', ['a'], { split: 'words' }, null, {}],
  ['the rule words, passed again', ['a'], { split: 'words' }, null, { split: 'words' }],
  ['a RegExp', ['a'], { split: /([/"\\])/gi }, null, { split: /([/"\\])/i }],
] as const satisfies readonly (readonly [string, readonly string[], WordListOptions, string | null, LoadOptions])[]) {
  test(`a saved tokenizer of ${title} is loaded`, async (t) => {
    const tokenizer = new WordTokenizer(Vocabulary.fromWords(words, options), { unknown })
    const path = await saved(`${title}.json`, tokenizer)
    for (const source of [path, pathToFileURL(path), await readFile(path)]) {
      const loaded = await loadTokenizer(source, load)
      t.true(loaded instanceof WordTokenizer)
      t.is(loaded.fingerprint, tokenizer.fingerprint)
      t.is(loaded.vocabSize, tokenizer.vocabSize)
    }
  })
}

test('any vocabulary is the same after save and load', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.string({ unit: 'grapheme', minLength: 1 })), async (words) => {
      const tokenizer = new WordTokenizer(Vocabulary.fromWords(words))
      t.is((await loadTokenizer(await saved('any.json', tokenizer))).fingerprint, tokenizer.fingerprint)
    }),
    { numRuns: 30 },
  )
})

test('a RegExp in a file is used only when it is passed again', async (t) => {
  // Compiling or running this one would take longer than the test may.
  const bytes = bytesOf({ ...good, split: { source: '(a+)+$', flags: '' } })
  const wrong = { code: 'ERR_INVALID_ARGUMENT' }
  await t.throwsAsync(loadTokenizer(bytes), {
    ...wrong,
    message: /the RegExp \/\(a\+\)\+\$\/ for options.split.*passed again/,
  })
  await t.throwsAsync(loadTokenizer(bytes, { split: /(a+)+$/i }), {
    ...wrong,
    message: /\/\(a\+\)\+\$\/, for options.split, received \/\(a\+\)\+\$\/i/,
  })
  await t.throwsAsync(loadTokenizer(bytes, { split: 'book' }), { ...wrong, message: /received 'book'/ })
  await t.throwsAsync(loadTokenizer(bytesOf(good), { split: /a/ }), {
    ...wrong,
    message: /'book', for options.split, received \/a\//,
  })
  t.is((await loadTokenizer(bytes, { split: /(a+)+$/g })).vocabSize, 4)
})

test('a byte order mark before the JSON does not matter', async (t) => {
  t.is((await loadTokenizer(bytesOf(`\uFEFF ${JSON.stringify(good)}`))).vocabSize, 4)
})

const { words: _, ...withoutWords } = good
for (const [title, content, message] of [
  [
    'nothing',
    '',
    /expected a vocabulary.json or a tokenizer.json of Hugging Face or a .tiktoken file, received something else/,
  ],
  ['prose', 'Once upon a time', /received something else$/],
  ['a pointer of Git LFS', 'version https://git-lfs.github.com/spec/v1\noid sha256:', /perhaps a pointer of Git LFS/],
  ['a web page', '<!doctype html>', /perhaps a web page/],
  ['a merges.txt', '#version: 0.2\nĠ t\n', /perhaps a merges.txt/],
  ['a vocab.txt', '[PAD]\n[UNK]\n', /perhaps a vocab.txt/],
  ['a model of SentencePiece', '\n\u000e\n\u0005<unk>\u0015', /perhaps a model of SentencePiece/],
  ['a GGUF model', 'GGUF\u0003\0\0\0', /perhaps a GGUF model/],
  ['a JSON list', [1], /received something else/],
  ['other JSON', { a: [1] }, /received something else$/],
  ['a vocab.json', { '!': 0, '"': 1 }, /perhaps a vocab.json/],
  ['a tekken.json', { config: { pattern: '' }, vocab: [] }, /perhaps a tekken.json/],
  ['a tokenizer_config.json', { add_prefix_space: false }, /perhaps a tokenizer_config.json/],
  [
    'a tokenizer.json without tokens',
    { version: '1.0', model: { type: 'BPE' } },
    /expected model.vocab, received none/,
  ],
  ['cut JSON', JSON.stringify(good).slice(0, -5), /expected JSON/],
  ['deep JSON', `{"format":${'['.repeat(1e6)}`, /expected JSON/],
  ['bytes that are not UTF-8', Uint8Array.of(0x7b, 0xff), /expected UTF-8/],
  ['another version', { ...good, version: 2 }, /expected 1 for version, received 2/],
  ['a version that is a string', { ...good, version: '1' }, /expected 1 for version, received "1"/],
  ['an unknown field', { ...good, extra: 1 }, /received "extra"/],
  ['a field __proto__', `{"__proto__": {}, ${JSON.stringify(good).slice(1)}`, /received "__proto__"/],
  ['no words', withoutWords, /an array of strings for words, received undefined/],
  ['words of an object', { ...good, words: { a: 0 } }, /for words, received an object/],
  ['a hole in the words', { ...good, words: ['a', null] }, /words\[1\], received null/],
  ['a word that is a number', { ...good, words: [1] }, /words\[0\], received 1/],
  ['an empty word', { ...good, words: [''] }, /words\[0\], received ""/],
  ['a word twice', { ...good, words: ['a', 'b', 'a'] }, /words\[2\], received "a"/],
  [
    'a lone surrogate',
    '{"format":"tokenmill-vocabulary","version":1,"split":"book","unknown":null,"specialTokens":[],"words":["\\ud800"]}',
    /words\[0\]/,
  ],
  ['a word that is a special token', { ...good, words: ['<|unk|>'] }, /words\[0\]/],
  ['special tokens of a string', { ...good, specialTokens: 'x' }, /specialTokens, received "x"/],
  ['a special token twice', { ...good, specialTokens: ['<|unk|>', '<|unk|>'] }, /specialTokens\[1\]/],
  ['unknown that is not special', { ...good, unknown: 'a' }, /unknown, received "a"/],
  ['unknown that is missing', { ...good, unknown: undefined }, /unknown, received undefined/],
  ['another split', { ...good, split: 'letters' }, /split, received "letters"/],
  ['split of null', { ...good, split: null }, /split, received null/],
  ['a RegExp without flags', { ...good, split: { source: 'a' } }, /split, received an object/],
  ['a RegExp with more', { ...good, split: { source: 'a', flags: '', lastIndex: 1 } }, /split, received an object/],
] as const) {
  test(`a file of ${title} is an error that says so`, async (t) => {
    const bytes = content instanceof Uint8Array ? content : bytesOf(content)
    const path = join(folder, `${title.replaceAll('/', '')}.bad`)
    await writeFile(path, bytes)
    const error = { instanceOf: TokenmillError, code: 'ERR_INVALID_FILE', message }
    await t.throwsAsync(loadTokenizer(bytes), error)
    const thrown = await t.throwsAsync(loadTokenizer(path), error)
    t.true(thrown?.message.startsWith(path))
  })
}

test('a file whose bytes were changed makes nothing but a coded error or a tokenizer, soon', async (t) => {
  const file = Buffer.from(JSON.stringify(good, null, 2))
  const bit = fc.constantFrom('"', '[', '{', ',', '\\u', '1e999', '"words":[').map((text) => bytesOf(text))
  const change = fc.tuple(
    fc.nat({ max: file.length }),
    fc.nat({ max: 20 }),
    fc.oneof(fc.uint8Array({ maxLength: 6 }), bit),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
      let changed: Buffer = file
      for (const [at, length, bytes] of changes) {
        changed = Buffer.concat([changed.subarray(0, at), bytes, changed.subarray(at + length)])
      }
      try {
        t.true((await loadTokenizer(changed)).vocabSize >= 0)
      } catch (error) {
        t.true(error instanceof TokenmillError && error.code.startsWith('ERR_INVALID'), String(error))
      }
    }),
    { numRuns: 1000, seed: 11 },
  )
})

test('no crafted field makes anything but a coded error or a tokenizer', async (t) => {
  const anyFile = fc.record(
    {
      format: fc.constant(good.format),
      version: fc.constantFrom<unknown>(1, 2, null),
      split: fc.oneof(fc.constant('book'), fc.jsonValue()),
      unknown: fc.jsonValue(),
      specialTokens: fc.jsonValue(),
      words: fc.jsonValue(),
    },
    { requiredKeys: ['format'] },
  )
  await fc.assert(
    fc.asyncProperty(anyFile, async (file) => {
      try {
        t.true((await loadTokenizer(bytesOf(file))) instanceof WordTokenizer)
      } catch (error) {
        t.true(
          error instanceof TokenmillError && ['ERR_INVALID_FILE', 'ERR_INVALID_ARGUMENT'].includes(error.code),
          String(error),
        )
      }
    }),
  )
})

test('more than 256 MiB are an error', async (t) => {
  const error = { code: 'ERR_LIMIT', message: /at most 268435456 bytes/ }
  await t.throwsAsync(loadTokenizer(new Uint8Array(2 ** 28 + 1)), error)
})

const unixTest = process.platform === 'win32' ? test.skip : test

unixTest('what is no regular file is not read, and a pipe is not waited for', async (t) => {
  const pipe = join(folder, 'pipe.json')
  execFileSync('mkfifo', [pipe])
  for (const path of [pipe, '/dev/zero']) {
    await t.throwsAsync(loadTokenizer(path), { code: 'ERR_INVALID_FILE', message: /no regular file/ })
  }
})

for (const [title, source, message] of [
  ['a file that is not there', join(folder, 'none.json'), /none\.json: cannot be read: ENOENT[^;]*$/],
  ['the name of an encoding', 'o200k_base', /call getEncoding\('o200k_base'\)$/],
  ['the name of a model', 'gpt-4o', /call encodingForModel\('gpt-4o'\)$/],
  ['a name of the hub', 'google-bert/bert-base-uncased', /nothing is downloaded/],
  ['an address', 'https://huggingface.co/google-bert/bert-base-uncased/resolve/main', /nothing is downloaded/],
  [
    'a folder that holds none',
    folder,
    /: expected a tokenizer\.json in the folder, found none: pass the path of a file/,
  ],
  ['a URL of a file that is not there', pathToFileURL(join(folder, 'none.json')), /none\.json: cannot be read: E/],
] as const) {
  test(`${title} is ERR_INVALID_FILE with its cause`, async (t) => {
    const error = await t.throwsAsync(loadTokenizer(source), { code: 'ERR_INVALID_FILE', message })
    t.regex(String((error?.cause as NodeJS.ErrnoException | undefined)?.code), /^E/)
  })
}

test('a folder of a model is the tokenizer.json in it', async (t) => {
  const model = await mkdtemp(join(folder, 'model-'))
  await copyFile(jsonFile('llama3'), join(model, 'tokenizer.json'))
  const expected = await loadTokenizer(jsonFile('llama3'))
  t.is((await loadTokenizer(model)).fingerprint, expected.fingerprint)
  t.is((await loadTokenizer(pathToFileURL(`${model}/`))).fingerprint, expected.fingerprint)
})

test('the name of our format may be a token of a tokenizer.json, and "model" a word of a vocabulary', async (t) => {
  const json = JSON.parse(await readFile(jsonFile('llama3'), 'utf8')) as { added_tokens: { id: number }[] }
  const id = Math.max(...json.added_tokens.map((token) => token.id)) + 1
  const content = 'tokenmill-vocabulary'
  json.added_tokens.push({ ...json.added_tokens[0], id, content } as { id: number })
  const tokenizer = await loadTokenizer(bytesOf(json))
  t.is(tokenizer.tokenToId(content), id)
  t.is((await loadTokenizer(bytesOf({ ...good, words: ['model'] }))).vocabSize, 3)
})

const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

const transferred = (): Uint8Array => {
  const bytes = bytesOf(good)
  structuredClone(bytes, { transfer: [bytes.buffer] })
  return bytes
}

test('what is no source is named', async (t) => {
  for (const source of [5, revoked(), transferred(), new ArrayBuffer(8)])
    await t.throwsAsync(loadTokenizer(source as never), {
      code: 'ERR_INVALID_ARGUMENT',
      message: /^expected a path, a file: URL or the bytes of a file for source, received /,
    })
})

for (const [title, source, options] of [
  ['null', null, {}],
  ['a number', 1, {}],
  ['an empty path', '', {}],
  ['a path with NUL', 'a\0b', {}],
  ['a URL of the web', new URL('https://example.com/vocabulary.json'), {}],
  ['a URL of another host', new URL('file://host/vocabulary.json'), {}],
  ['an unknown option', bytesOf(good), { pattern: /a/ }],
  ['options of null', bytesOf(good), null],
  ['a split that is none', bytesOf(good), { split: 5 }],
] as const) {
  test(`loading from ${title} is ERR_INVALID_ARGUMENT`, async (t) => {
    await t.throwsAsync(loadTokenizer(source as never, options as never), { code: 'ERR_INVALID_ARGUMENT' })
  })
}

test('saving replaces a file and leaves no other behind', async (t) => {
  const own = join(folder, 'own')
  await mkdir(own)
  const path = join(own, 'v.json')
  for (const words of [['a', 'b', 'c'], ['a']]) {
    await new WordTokenizer(Vocabulary.fromWords(words)).save(pathToFileURL(path))
    t.is((await loadTokenizer(path)).vocabSize, words.length + 2)
  }
  t.deepEqual(await readdir(own), ['v.json'])
})

test('saving where it cannot be is an error that leaves nothing behind', async (t) => {
  const tokenizer = new WordTokenizer(Vocabulary.fromWords(['a']))
  const own = join(folder, 'cannot')
  await mkdir(join(own, 'folder.json'), { recursive: true })
  await t.throwsAsync(tokenizer.save(join(own, 'none', 'v.json')), {
    code: 'ERR_INVALID_FILE',
    message: /cannot write .*v.json: ENOENT/,
  })
  await t.throwsAsync(tokenizer.save(join(own, 'folder.json')), { code: 'ERR_INVALID_FILE' })
  t.deepEqual(await readdir(own), ['folder.json'])
  await t.throwsAsync(tokenizer.save(join(own, 'v.tiktoken')), {
    code: 'ERR_INVALID_ARGUMENT',
    message: /ends in .json/,
  })
  for (const path of [null, revoked()])
    await t.throwsAsync(tokenizer.save(path as never), { code: 'ERR_INVALID_ARGUMENT', message: /for path, received/ })
})

unixTest('saving keeps links and modes, and replaces nothing but files', async (t) => {
  const tokenizer = new WordTokenizer(Vocabulary.fromWords(['a']))
  const own = await mkdtemp(join(folder, 'links-'))
  const at = (name: string) => join(own, name)
  await mkdir(at('there'))
  await writeFile(at('there/v.json'), 'old', { mode: 0o640 })
  await symlink('there/v.json', at('link.json'))
  await symlink('link.json', at('link-to-link.json'))
  await symlink('there/new.json', at('dangling.json'))
  for (const [link, file] of [
    ['link-to-link.json', 'there/v.json'],
    ['dangling.json', 'there/new.json'],
  ] as const) {
    await tokenizer.save(at(link))
    t.true((await lstat(at(link))).isSymbolicLink())
    t.is((await loadTokenizer(at(file))).vocabSize, 3)
  }
  t.is((await stat(at('there/v.json'))).mode & 0o777, 0o640)

  await symlink('loop.json', at('loop.json'))
  execFileSync('mkfifo', [at('pipe.json')])
  for (const name of ['loop.json', 'pipe.json']) {
    await t.throwsAsync(tokenizer.save(at(name)), {
      code: 'ERR_INVALID_FILE',
      message: /cannot write .*(ELOOP|no regular file)/,
    })
  }
  t.true((await lstat(at('pipe.json'))).isFIFO())
  t.deepEqual(await readdir(at('there')), ['new.json', 'v.json'])
})

test('what cannot be loaded again is not saved', async (t) => {
  const own = join(folder, 'large')
  await mkdir(own)
  const large = new WordTokenizer(Vocabulary.fromWords(['x'.repeat(2 ** 28), 'y']))
  await t.throwsAsync(large.save(join(own, 'v.json')), { code: 'ERR_LIMIT' })
  t.deepEqual(await readdir(own), [])
})
