import { invalid, isArray } from '../validate.ts'
import type { SpecialToken } from '../native-binding.d.ts'
import type { NonSharedUint8Array } from '../non-shared.ts'

type Vocabulary = Readonly<Record<string, number>>

/** What is read of a tokenizer.json, which was loaded before. */
interface TokenizerFile {
  readonly added_tokens?: readonly { readonly content: string; readonly id: number }[] | null
  /** Ids by token; of a Unigram model tokens and scores, whose ids are their places. */
  readonly model: { readonly vocab: Vocabulary | readonly unknown[] }
}

/**
 * The bytes of the tokenizer.json that has these special tokens besides: as added tokens, and in the vocabulary, so that they get these ids and no others.
 * So are those that the file added: Hugging Face's tokenizers gives what is not in the vocabulary ids from its size on, which is another one now. The
 * vocabulary of a Unigram model, which has no place for ids, stays as it is.
 *
 * @throws `ERR_INVALID_ARGUMENT` when the vocabulary has another token that is written like one of them
 */
export const withAddedTokens = (file: Uint8Array, tokens: readonly SpecialToken[]): NonSharedUint8Array => {
  const json = JSON.parse(new TextDecoder().decode(file)) as TokenizerFile
  const added = tokens.map(({ token: content, id }) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }))
  const all = [...(json.added_tokens ?? []), ...added]
  const { vocab } = json.model
  const model = { ...json.model, vocab: isList(vocab) ? vocab : withIds(vocab, tokens, all) }
  return new TextEncoder().encode(JSON.stringify({ ...json, added_tokens: all, model }))
}

const isList = (vocab: Vocabulary | readonly unknown[]): vocab is readonly unknown[] => isArray(vocab)

const withIds = (
  vocab: Vocabulary,
  tokens: readonly SpecialToken[],
  all: readonly { readonly content: string; readonly id: number }[],
): Vocabulary => {
  const taken = tokens.find(({ token, id }) => Object.hasOwn(vocab, token) && vocab[token] !== id)?.token
  if (taken !== undefined) throw invalid('tokens', 'tokens that no other is written like in a tokenizer.json,', taken)
  const outside = all.filter(({ content }) => !Object.hasOwn(vocab, content))
  return Object.fromEntries([...Object.entries(vocab), ...outside.map(({ content, id }) => [content, id] as const)])
}
