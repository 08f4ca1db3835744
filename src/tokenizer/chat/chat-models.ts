import { TokenmillError } from '../../errors.ts'
import { invalid, received } from '../../validate.ts'
import type { EncodingName } from '../encodings.ts'
import { encodingForModel } from '../models.ts'
import type { Tokenizer } from '../tokenizer.ts'

/** How the messages of a chat are written for a model. */
export type ChatFormat = 'chatml' | 'chatml-0301' | 'harmony'

/**
 * The tokenizer of a chat model and the format of its chats.
 *
 * @throws `ERR_INVALID_ARGUMENT` when the model is not known, or is none for chats.
 */
export const chatModel = (model: unknown): { readonly tokenizer: Tokenizer; readonly format: ChatFormat } => {
  if (typeof model !== 'string') throw invalid('options.model', 'the name of a model', model)
  const tokenizer = encodingForModel(model)
  const encoding = tokenizer.name as EncodingName
  if (encoding === 'o200k_harmony') return { tokenizer, format: 'harmony' }
  const chats = encoding === 'cl100k_base' || encoding === 'o200k_base'
  if (!chats || completes.test(model)) {
    throw new TokenmillError(
      'ERR_INVALID_ARGUMENT',
      `expected a chat model for options.model, received ${received(model)}`,
    )
  }
  return { tokenizer, format: /^gpt-(3\.5|35)-turbo-0301$/.test(model) ? 'chatml-0301' : 'chatml' }
}

/** Models of the same encodings that complete or embed text. */
const completes = /^(ft:)?(davinci|babbage|text-embedding)|-instruct/
