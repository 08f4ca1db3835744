import test from 'ava'
import { TokenmillError } from '../../src/errors.ts'
import type { EncodingName } from '../../src/tokenizer/encodings.ts'
import { getEncoding } from '../../src/tokenizer/encodings.ts'
import { encodingForModel, modelNames } from '../../src/tokenizer/models.ts'

/** The catalogue of tiktoken 0.14.0, `tiktoken.model`: models by name, and families by how they start. */
const catalogue: readonly (readonly [EncodingName, models: string, families: string])[] = [
  [
    'o200k_base',
    'o1 o3 o4-mini gpt-5 gpt-4.1 gpt-4o',
    'o1- o3- o4-mini- gpt-5 gpt-4.5- gpt-4.1- chatgpt-4o- gpt-4o- ft:gpt-4o',
  ],
  [
    'cl100k_base',
    'gpt-4 gpt-3.5-turbo gpt-3.5 gpt-35-turbo davinci-002 babbage-002 text-embedding-ada-002 text-embedding-3-small text-embedding-3-large',
    'gpt-4- gpt-3.5-turbo- gpt-35-turbo- ft:gpt-4 ft:gpt-3.5-turbo ft:davinci-002 ft:babbage-002',
  ],
  [
    'p50k_base',
    'text-davinci-003 text-davinci-002 code-davinci-002 code-davinci-001 code-cushman-002 code-cushman-001 davinci-codex cushman-codex',
    '',
  ],
  ['p50k_edit', 'text-davinci-edit-001 code-davinci-edit-001', ''],
  [
    'r50k_base',
    'text-davinci-001 text-curie-001 text-babbage-001 text-ada-001 davinci curie babbage ada text-similarity-davinci-001 ' +
      'text-similarity-curie-001 text-similarity-babbage-001 text-similarity-ada-001 text-search-davinci-doc-001 ' +
      'text-search-curie-doc-001 text-search-babbage-doc-001 text-search-ada-doc-001 code-search-babbage-code-001 code-search-ada-code-001',
    '',
  ],
  ['gpt2', 'gpt2 gpt-2', ''],
  ['o200k_harmony', '', 'gpt-oss-'],
]
/** What is known besides: the names of gpt-tokenizer 4.0.0, as far as their encoding is published. */
const later: typeof catalogue = [
  ['o200k_harmony', 'gpt-oss-120b gpt-oss-20b', ''],
  [
    'o200k_base',
    'chat-latest codex-mini-latest computer-use-preview gpt-audio gpt-audio-mini gpt-realtime gpt-realtime-mini',
    'o4- codex-mini- computer-use-preview- gpt-audio- gpt-realtime- ft:o4-mini',
  ],
  [
    'r50k_base',
    'text-search-davinci-query-001 text-search-curie-query-001 text-search-babbage-query-001 text-search-ada-query-001 ' +
      'code-search-babbage-text-001 code-search-ada-text-001',
    '',
  ],
]
const words = (text: string) => text.split(' ').filter((word) => word !== '')

for (const [encoding, models, families] of [...catalogue, ...later]) {
  test(`models of ${encoding}: ${words(models)[0] ?? families}`, (t) => {
    for (const model of words(models)) t.is(encodingForModel(model), getEncoding(encoding), model)
    for (const family of words(families)) {
      t.is(encodingForModel(family), getEncoding(encoding), family)
      t.is(encodingForModel(`${family}any-2024`), getEncoding(encoding), family)
    }
  })
}

test('every model resolves', (t) => {
  for (const model of modelNames) t.notThrows(() => encodingForModel(model), model)
})

test('modelNames are the models of the catalogue', (t) => {
  t.deepEqual([...modelNames].toSorted(), [...catalogue, ...later].flatMap(([, models]) => words(models)).toSorted())
  t.true(Object.isFrozen(modelNames))
})

test('models whose names start alike are told apart', (t) => {
  for (const [model, encoding] of [
    ['gpt-4', 'cl100k_base'],
    ['gpt-4-turbo', 'cl100k_base'],
    ['gpt-4o', 'o200k_base'],
    ['gpt-4o-mini-2024-07-18', 'o200k_base'],
    ['gpt-4.1-nano', 'o200k_base'],
    ['ft:gpt-4o-mini:org::id', 'o200k_base'],
    ['ft:gpt-4:org::id', 'cl100k_base'],
    ['gpt-5-mini', 'o200k_base'],
    ['gpt-oss-120b', 'o200k_harmony'],
    ['o3-mini', 'o200k_base'],
  ] as const) {
    t.is(encodingForModel(model).name, encoding, model)
  }
})

for (const [model, near] of [
  ['gpt5', "'gpt-5' or 'gpt2' or 'gpt-4'"],
  ['gtp-4o', "'gpt-4o'"],
  ['GPT-4O', "'gpt-4o'"],
  ['gpt-3.5-trubo', "'gpt-3.5-turbo'"],
  ['text-embedding-3-big', "'text-embedding-3-"],
  ['gpt-oss', "'gpt-oss-120b' or 'gpt-oss-20b'"],
  ['codex-mini', "'codex-mini-latest'?"],
] as const) {
  test(`${model} is no model; near names are listed`, (t) => {
    const { message } = t.throws(() => encodingForModel(model), {
      instanceOf: TokenmillError,
      code: 'ERR_INVALID_ARGUMENT',
    })
    t.true(message.startsWith(`no encoding is known for the model "${model}"; did you mean `), message)
    t.true(message.includes(near), message)
    t.notRegex(message, /-'/, 'no starts of names')
    t.true(message.endsWith('To choose one yourself, use getEncoding'))
  })
}

for (const model of ['', '__proto__', 'constructor', 'claude', 'o200k_base', ' gpt-4o', 'gpt-4o\0']) {
  test(`${JSON.stringify(model)} is no model`, (t) => {
    t.throws(() => encodingForModel(model), {
      instanceOf: TokenmillError,
      code: 'ERR_INVALID_ARGUMENT',
      message: /^no encoding is known for the model/,
    })
  })
}

test('what is not a string is no model', (t) => {
  for (const model of [undefined, null, 1, {}, ['gpt-4o'], Symbol('gpt-4o')] as string[]) {
    t.throws(() => encodingForModel(model), {
      instanceOf: TokenmillError,
      code: 'ERR_INVALID_ARGUMENT',
      message: /^expected the name of a model for model, received/,
    })
  }
})
