import { TokenmillError } from '../errors.ts'
import { invalid, isArray, received } from '../validate.ts'
import type { SpecialToken } from '../native-binding.d.ts'
import type { NonSharedUint8Array } from '../non-shared.ts'

type Vocabulary = Readonly<Record<string, number>>

interface Added {
  readonly content: string
  readonly id: number
}

/** What is read of a model. */
interface Model {
  readonly type?: string
  /** Ids by token; of a Unigram model tokens and scores, whose ids are their places. */
  readonly vocab: Vocabulary | readonly (readonly [string, number])[]
  readonly merges?: unknown
  readonly ignore_merges?: boolean | null
  readonly continuing_subword_prefix?: string | null
  readonly end_of_word_suffix?: string | null
}

/** What is read of a tokenizer.json, which was loaded before. */
interface TokenizerFile {
  readonly added_tokens?: readonly Added[] | null
  readonly model: Model
}

const parsed = (file: Uint8Array): TokenizerFile => JSON.parse(new TextDecoder().decode(file)) as TokenizerFile

/**
 * The bytes of the tokenizer.json that has these special tokens besides. The vocabulary stays as it is where Hugging Face's tokenizers gives all added
 * tokens their ids: what is in the vocabulary a model may find in plain text. Else all get a place in it if it is of a model that makes them of no text;
 * what is left {@link refuseOtherIds} refuses.
 *
 * @throws `ERR_INVALID_ARGUMENT` when the vocabulary has another token that is written like one of them
 */
export const withAddedTokens = (file: Uint8Array, tokens: readonly SpecialToken[]): NonSharedUint8Array => {
  const json = parsed(file)
  // The order is that in which they are counted.
  const added = [...tokens]
    .sort((a, b) => a.id - b.id)
    .map(({ token: content, id }) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    }))
  const all: readonly Added[] = [...(json.added_tokens ?? []), ...added]
  return new TextEncoder().encode(
    JSON.stringify({ ...json, added_tokens: all, model: withPlaces(json.model, all, added) }),
  )
}

/**
 * Refuses a tokenizer.json with tokens of {@link withAddedTokens} that Hugging Face's tokenizers gives other ids.
 *
 * @throws `ERR_INVALID_ARGUMENT`, which names the first
 */
export const refuseOtherIds = (file: Uint8Array): void => {
  const { model, added_tokens: added } = parsed(file)
  const other = otherId(model.vocab, added ?? [])
  if (other === undefined) return
  const { content, id, given } = other
  throw new TokenmillError(
    'ERR_INVALID_ARGUMENT',
    `expected special tokens whose ids follow the others without a hole, for a tokenizer.json with this model, received ${received(content)} ` +
      `with the id ${id}, which Hugging Face's tokenizers would give ${given}`,
  )
}

/** The first of the added tokens that Hugging Face's tokenizers gives another id: it counts what the vocabulary lacks from its size on, whatever the file says. */
const otherId = (vocab: Model['vocab'], added: readonly Added[]): (Added & { readonly given: number }) | undefined => {
  const ids = isList(vocab) ? new Map(vocab.map(([token], id) => [token, id])) : new Map(Object.entries(vocab))
  let next = isList(vocab) ? vocab.length : ids.size
  for (const { content, id } of added) {
    if (content === '') continue
    const given = ids.get(content) ?? next++
    if (given !== id) return { content, id, given }
    ids.set(content, id)
  }
  return undefined
}

const isList = (vocab: Model['vocab']): vocab is readonly (readonly [string, number])[] => isArray(vocab)

/** `model` with the places that `all` need, of which `added` are new. */
const withPlaces = (model: Model, all: readonly Added[], added: readonly Added[]): Model => {
  const { vocab } = model
  if (isList(vocab)) return model
  const taken = added.find(({ content, id }) => Object.hasOwn(vocab, content) && vocab[content] !== id)?.content
  if (taken !== undefined) throw invalid('tokens', 'tokens that no other is written like in a tokenizer.json,', taken)
  if (otherId(vocab, all) === undefined) return model
  const outside = all.filter(({ content }) => !Object.hasOwn(vocab, content))
  if (outside.some(({ content }) => isFoundInText(model, content))) return model
  const more = outside.map(({ content, id }) => [content, id] as const)
  return { ...model, vocab: Object.fromEntries([...Object.entries(vocab), ...more]) }
}

/** Whether `model` might make plain text `token`, which no merge makes, if its vocabulary had it. */
const isFoundInText = (model: Model, token: string): boolean => {
  const { type = model.merges === undefined ? '' : 'BPE', ignore_merges: takesWords } = model
  // WordPiece looks for parts of words, WordLevel for words.
  if (type !== 'BPE' || takesWords === true) return true
  const [prefix, suffix] = [model.continuing_subword_prefix ?? '', model.end_of_word_suffix ?? '']
  const start = token.startsWith(prefix) ? prefix.length : 0
  const end = token.length - (token.endsWith(suffix) ? suffix.length : 0)
  // Merges begin with characters, and bytes in place of them.
  return Array.from(token.slice(start, Math.max(start, end))).length <= 1 || /^<0x[0-9A-F]{2}>$/.test(token)
}
