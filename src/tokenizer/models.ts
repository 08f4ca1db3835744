import { TokenmillError } from '../errors.ts'
import { invalid, received } from '../validate.ts'
import { getEncoding, type EncodingName } from './encodings.ts'
import { didYouMean } from './near-names.ts'
import type { BpeTokenizer } from './bpe-tokenizer.ts'

/* Which encoding a model takes: the catalogue of tiktoken 0.14.0, and models that it does not know, as of November 2026. */

/** Models by name. */
const models: Readonly<Record<EncodingName, readonly string[]>> = {
  // By their family alone in tiktoken's.
  o200k_harmony: ['gpt-oss-120b', 'gpt-oss-20b'],
  o200k_base: [
    'o1',
    'o3',
    'o4-mini',
    'gpt-5',
    'gpt-4.1',
    'gpt-4o',
    // Since tiktoken's.
    'chat-latest',
    'codex-mini-latest',
    'computer-use-preview',
    'gpt-audio',
    'gpt-audio-mini',
    'gpt-realtime',
    'gpt-realtime-mini',
  ],
  cl100k_base: [
    'gpt-4',
    'gpt-3.5-turbo',
    'gpt-3.5',
    'gpt-35-turbo',
    'davinci-002',
    'babbage-002',
    'text-embedding-ada-002',
    'text-embedding-3-small',
    'text-embedding-3-large',
  ],
  p50k_base: [
    'text-davinci-003',
    'text-davinci-002',
    'code-davinci-002',
    'code-davinci-001',
    'code-cushman-002',
    'code-cushman-001',
    'davinci-codex',
    'cushman-codex',
  ],
  p50k_edit: ['text-davinci-edit-001', 'code-davinci-edit-001'],
  r50k_base: [
    'text-davinci-001',
    'text-curie-001',
    'text-babbage-001',
    'text-ada-001',
    'davinci',
    'curie',
    'babbage',
    'ada',
    'text-similarity-davinci-001',
    'text-similarity-curie-001',
    'text-similarity-babbage-001',
    'text-similarity-ada-001',
    'text-search-davinci-doc-001',
    'text-search-curie-doc-001',
    'text-search-babbage-doc-001',
    'text-search-ada-doc-001',
    'code-search-babbage-code-001',
    'code-search-ada-code-001',
    // Those that answer the documents above.
    'text-search-davinci-query-001',
    'text-search-curie-query-001',
    'text-search-babbage-query-001',
    'text-search-ada-query-001',
    'code-search-babbage-text-001',
    'code-search-ada-text-001',
  ],
  gpt2: ['gpt2', 'gpt-2'],
}

/** Families of models by how their names start, for dated and fine-tuned ones; the first that fits counts. */
const prefixes: readonly (readonly [string, EncodingName])[] = [
  ['o1-', 'o200k_base'],
  ['o3-', 'o200k_base'],
  ['o4-mini-', 'o200k_base'],
  ['gpt-5', 'o200k_base'],
  ['gpt-4.5-', 'o200k_base'],
  ['gpt-4.1-', 'o200k_base'],
  ['chatgpt-4o-', 'o200k_base'],
  ['gpt-4o-', 'o200k_base'],
  ['gpt-4-', 'cl100k_base'],
  ['gpt-3.5-turbo-', 'cl100k_base'],
  ['gpt-35-turbo-', 'cl100k_base'],
  ['gpt-oss-', 'o200k_harmony'],
  // Since tiktoken's. Speech to text and images are not here: what their tokens are is not published.
  ['o4-', 'o200k_base'],
  ['codex-mini-', 'o200k_base'],
  ['computer-use-preview-', 'o200k_base'],
  ['gpt-audio-', 'o200k_base'],
  ['gpt-realtime-', 'o200k_base'],
  ['ft:o4-mini', 'o200k_base'],
  ['ft:gpt-4o', 'o200k_base'],
  ['ft:gpt-4', 'cl100k_base'],
  ['ft:gpt-3.5-turbo', 'cl100k_base'],
  ['ft:davinci-002', 'cl100k_base'],
  ['ft:babbage-002', 'cl100k_base'],
]

const byName = new Map(
  (Object.keys(models) as EncodingName[]).flatMap((encoding) =>
    models[encoding].map((model) => [model, encoding] as const),
  ),
)

/** All models that {@link encodingForModel} knows by name; it knows families of dated and fine-tuned models besides. */
export const modelNames: readonly string[] = Object.freeze([...byName.keys()])

/** The name of the encoding of a model; `undefined` when it is not known. */
export const encodingNameFor = (model: string): EncodingName | undefined =>
  byName.get(model) ?? prefixes.find(([prefix]) => model.startsWith(prefix))?.[1]

/**
 * The tokenizer of a model of OpenAI, as tiktoken's `encoding_for_model`.
 *
 * ```ts
 * encodingForModel('gpt-4o').name // 'o200k_base'
 * ```
 *
 * @throws `ERR_INVALID_ARGUMENT` when the model is not known; the message lists near names. No encoding is guessed.
 */
export const encodingForModel = (model: string): BpeTokenizer => {
  if (typeof model !== 'string') throw invalid('model', 'the name of a model', model)
  const encoding = encodingNameFor(model)
  if (encoding !== undefined) return getEncoding(encoding)
  throw new TokenmillError(
    'ERR_INVALID_ARGUMENT',
    `no encoding is known for the model ${received(model)}${didYouMean(model, modelNames)} To choose one yourself, use getEncoding`,
  )
}
