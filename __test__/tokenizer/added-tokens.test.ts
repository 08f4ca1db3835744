import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { BpeTokenizer, loadTokenizer, TokenmillError, trainBpe, type Tokenizer } from '../../src/index.ts'
import { byteLevelFixtures, jsonFile, jsonRows, modelFixtures } from './json-cases.ts'

const folder = mkdtempSync(join(tmpdir(), 'tokenmill-added-tokens-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

/** A tokenizer.json that normalizes to form C, puts `<s>` before texts, and pads to four ids. */
const load = async (): Promise<BpeTokenizer> => {
  const path = join(folder, 'trained.json')
  await (await trainBpe({ texts: ['café low low é é'] }, { vocabSize: 260, specialTokens: ['<s>'] })).save(path)
  const ofText = [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }]
  const file = {
    ...(JSON.parse(readFileSync(path, 'utf8')) as object),
    normalizer: { type: 'NFC' },
    post_processor: {
      type: 'TemplateProcessing',
      single: ofText,
      pair: [...ofText, { Sequence: { id: 'B', type_id: 1 } }],
      special_tokens: { '<s>': { id: '<s>', ids: [0], tokens: ['<s>'] } },
    },
    padding: {
      strategy: { Fixed: 4 },
      direction: 'Left',
      pad_to_multiple_of: null,
      pad_id: 7,
      pad_type_id: 0,
      pad_token: '<s>',
    },
  }
  const tokenizer = await loadTokenizer(new TextEncoder().encode(JSON.stringify(file)))
  if (tokenizer instanceof BpeTokenizer) return tokenizer
  throw new Error('the engine runs it')
}

const texts = ['low', 'e\u0301 low', 'é<|x|>low', 'e\u0301<|x|>', '<s><|x|>']
const all = { allowedSpecial: 'all' } as const

test('with more special tokens, a tokenizer.json normalizes, pads and puts around texts what it did', async (t) => {
  const before = await load()
  const after = before.withSpecialTokens({ '<|x|>': 300 })
  for (const text of ['low', 'e\u0301 low', 'low e\u0301']) {
    t.deepEqual(after.encode(text), before.encode(text), text)
    const whole = { addSpecialTokens: true }
    t.deepEqual(after.encode(text, whole), before.encode(text, whole), text)
    t.deepEqual(after.encodePadded([text]), before.encodePadded([text]), text)
    t.is(after.count(text), before.count(text), text)
  }
  t.deepEqual([...after.encode('e\u0301<|x|>', all)], [...before.encode('é'), 300])
  t.not(after.fingerprint, before.fingerprint)
  t.is(before.tokenToId('<|x|>'), undefined)
})

test('it is the same after saving and loading', async (t) => {
  const path = join(folder, 'more.json')
  const more = (await load()).withSpecialTokens({ '<|x|>': 300 }).withSpecialTokens(['<|y|>'])
  await more.save(path)
  const loaded = await loadTokenizer(path)
  t.is(loaded.fingerprint, more.fingerprint)
  t.deepEqual([...loaded.specialTokens], [...more.specialTokens])
  for (const text of [...texts, '<|y|>']) {
    t.deepEqual(loaded.encode(text, all), more.encode(text, all), text)
    t.deepEqual(loaded.encodePadded([text], all), more.encodePadded([text], all), text)
  }
})

test("after a hole all added tokens have their ids in the saved vocabulary, from whose size on Hugging Face's tokenizers counts others", async (t) => {
  for (const name of ['qwen2', 'neox', 'llama2']) {
    const tokenizer = await loadTokenizer(jsonFile(name))
    const more = tokenizer.withSpecialTokens({ '<|x|>': tokenizer.vocabSize + 5 })
    const path = join(folder, `${name}.json`)
    await more.save(path)
    const file = JSON.parse(readFileSync(path, 'utf8')) as {
      added_tokens: { content: string; id: number }[]
      model: { vocab: Record<string, number> }
    }
    const added = file.added_tokens.map(({ content, id }) => [content, id] as const)
    t.true(added.length > tokenizer.specialTokens.size)
    t.deepEqual(
      added.map(([content]) => [content, file.model.vocab[content]]),
      added.map((each) => [...each]),
      name,
    )
    const loaded = await loadTokenizer(path)
    t.is(loaded.fingerprint, more.fingerprint)
    for (const [content, id] of added) t.is(loaded.tokenToId(content), id)
  }
})

interface Saved {
  added_tokens: { content: string; id: number }[]
  model: { vocab: Record<string, number> | [string, number][] }
}

const saved = async (tokenizer: Tokenizer): Promise<Saved> => {
  const path = join(folder, 'saved.json')
  await tokenizer.save(path)
  return JSON.parse(readFileSync(path, 'utf8')) as Saved
}

test('special tokens that follow without a hole are in no saved vocabulary, where the model would find them in text', async (t) => {
  for (const name of [...modelFixtures, ...byteLevelFixtures]) {
    const before = await loadTokenizer(jsonFile(name))
    const next = before.vocabSize
    // In any order, and some later.
    const after = before
      .withSpecialTokens({ zzyzx: next + 1, qæq: next, '<|x|>': next + 2 })
      .withSpecialTokens(['\u2603'])
    const { added_tokens: added, model } = await saved(after)
    const { vocab } = (JSON.parse(readFileSync(jsonFile(name), 'utf8')) as Saved).model
    t.deepEqual(model.vocab, vocab, name)
    t.deepEqual(
      added.slice(-4).map(({ content, id }) => [content, id]),
      [
        ['q\u00e6q', next],
        ['zzyzx', next + 1],
        ['<|x|>', next + 2],
        ['\u2603', next + 3],
      ],
      name,
    )
    const loaded = await loadTokenizer(join(folder, 'saved.json'))
    t.is(loaded.fingerprint, after.fingerprint, name)
    for (const text of ['Zzyzx q\u00e6q\u2603', 'zzyzxs <|X|>', '\u2603'])
      for (const options of [all, { disallowedSpecial: [] }])
        t.deepEqual(loaded.encode(text, options), after.encode(text, options), name)
  }
})

test('special tokens after a hole, which a model might find in text, cannot be saved, and nothing is left behind', async (t) => {
  for (const [name, token] of [
    ['bert', 'user'],
    ['words', '<|x|>'],
    ['llama3', '<|x|>'],
    ['xlmr', '<|x|>'],
    ['llama2', '\u2603'],
    ['clip', '\u2603'],
    ['clip', '\u2603</w>'],
  ] as const) {
    const before = await loadTokenizer(jsonFile(name))
    const after = before.withSpecialTokens({ [token]: before.vocabSize + 1 })
    t.true(after.encode(token, all).includes(before.vocabSize + 1), name)
    const path = join(folder, 'hole.json')
    await t.throwsAsync(after.save(path), {
      instanceOf: TokenmillError,
      code: 'ERR_INVALID_ARGUMENT',
      message:
        /^expected special tokens whose ids follow the others without a hole, for a tokenizer\.json with this model, received ".+" with the id \d+, which Hugging Face's tokenizers would give \d+$/,
    })
    t.throws(() => readFileSync(path))
    await t.notThrowsAsync(before.save(path))
    rmSync(path)
  }
})

test('a special token that another is written like cannot be saved, and nothing is left behind', async (t) => {
  const more = (await load()).withSpecialTokens(['a'])
  const path = join(folder, 'written-alike.json')
  await t.throwsAsync(more.save(path), {
    instanceOf: TokenmillError,
    code: 'ERR_INVALID_ARGUMENT',
    message: 'expected tokens that no other is written like in a tokenizer.json, for tokens, received "a"',
  })
  t.throws(() => readFileSync(path))
})

test('files of all models take more special tokens, and give the same after saving and loading', async (t) => {
  for (const name of [...modelFixtures, ...byteLevelFixtures]) {
    const before = await loadTokenizer(jsonFile(name))
    const [x, y] = [before.vocabSize, before.vocabSize + 1]
    const after = before.withSpecialTokens(['<|x|>', '<|y|>'], { name: 'more' })
    t.is(after.name, 'more')
    t.deepEqual([...after.specialTokens], [...before.specialTokens, ['<|x|>', x] as const, ['<|y|>', y] as const], name)
    t.not(after.fingerprint, before.fingerprint, name)
    for (const { text } of jsonRows(name)) {
      t.deepEqual(after.encode(text, all), before.encode(text, all), name)
      const whole = { ...all, addSpecialTokens: true }
      t.deepEqual(after.encode(text, whole), before.encode(text, whole), name)
      t.deepEqual(after.encodeOrdinary(text), before.encodeOrdinary(text), name)
    }
    t.true(after.encode('a<|y|>', all).includes(y), name)
    t.false(after.encodeOrdinary('a<|y|>').includes(y), name)
    t.is(after.idToToken(x), '<|x|>')
    const path = join(folder, `${name}-more.json`)
    await after.save(path)
    const loaded = await loadTokenizer(path)
    t.is(loaded.fingerprint, after.fingerprint, name)
    t.is(loaded.constructor, after.constructor, name)
  }
})

test('a token of the model can become a special one, as which it keeps its id', async (t) => {
  const bert = await loadTokenizer(jsonFile('bert'))
  const [word, id] =
    [...bert.encodeOrdinary('the')].map((each) => [bert.idToToken(each) as string, each] as const)[0] ?? []
  if (word === undefined || id === undefined) throw new Error('it has a word')
  const after = bert.withSpecialTokens({ [word]: id })
  t.is(after.specialTokens.get(word), id)
  t.deepEqual([...after.encode(word, all)], [id])
  t.throws(() => after.encode(word), { code: 'ERR_SPECIAL_TOKEN' })
})

test('special tokens that a file cannot have are named', async (t) => {
  for (const name of modelFixtures) {
    const tokenizer = await loadTokenizer(jsonFile(name))
    const [special] = tokenizer.specialTokens.keys()
    if (special === undefined) throw new Error('it has a special token')
    const refuses = (tokens: Record<string, number> | string[], message: RegExp) =>
      t.throws(() => tokenizer.withSpecialTokens(tokens), {
        instanceOf: TokenmillError,
        code: 'ERR_INVALID_ARGUMENT',
        message,
      })
    refuses([special], /^invalid special token ".*": it is there twice$/)
    refuses(['<|x|>', '<|x|>'], /^invalid special token "<\|x\|>": it is there twice$/)
    const [ordinary, own] = [tokenizer.idToToken(5) as string, 5]
    if (!tokenizer.specialTokens.has(ordinary)) {
      refuses({ '<|x|>': own }, /^invalid special token "<\|x\|>": its id 5 is that of the token /)
      refuses([ordinary], /: a token that is written so has the id 5, not \d+$/)
    }
    t.throws(() => tokenizer.withSpecialTokens({ '<|x|>': 4_000_000_000 }), { code: 'ERR_LIMIT' }, name)
    t.is(tokenizer.tokenToId('<|x|>'), undefined)
  }
})
