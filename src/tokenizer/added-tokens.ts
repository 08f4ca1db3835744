import { invalid } from '../validate.ts'
import type { SpecialToken } from '../native-binding.d.ts'

/** What is read of a tokenizer.json with a BPE model, which was loaded before. */
interface BpeFile {
  readonly added_tokens?: readonly { readonly content: string; readonly id: number }[] | null
  readonly model: { readonly vocab: Readonly<Record<string, number>> }
}

/**
 * The bytes of the tokenizer.json that has these special tokens besides: as added tokens, and in the vocabulary, so that they get these ids and no others.
 * So are those that the file added: Hugging Face's tokenizers gives what is not in the vocabulary ids from its size on, which is another one now.
 *
 * @throws `ERR_INVALID_ARGUMENT` when the vocabulary has another token that is written like one of them
 */
export const withAddedTokens = (file: Uint8Array, tokens: readonly SpecialToken[]): Uint8Array => {
  const json = JSON.parse(new TextDecoder().decode(file)) as BpeFile
  const { vocab } = json.model
  const taken = tokens.find(({ token }) => Object.hasOwn(vocab, token))?.token
  if (taken !== undefined) throw invalid('tokens', 'tokens that no other is written like in a tokenizer.json,', taken)
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
  const outside = all.filter(({ content }) => !Object.hasOwn(vocab, content))
  const entries = [...Object.entries(vocab), ...outside.map(({ content, id }) => [content, id] as const)]
  const whole = {
    ...json,
    added_tokens: all,
    model: { ...json.model, vocab: Object.fromEntries(entries) },
  }
  return new TextEncoder().encode(JSON.stringify(whole))
}
