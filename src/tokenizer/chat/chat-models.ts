import { TokenmillError } from '../../errors.ts'
import { invalid, received } from '../../validate.ts'
import { encodingForModel, encodingNameFor, modelNames } from '../models.ts'
import { didYouMean } from '../near-names.ts'
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
  const format = formatOf(model)
  if (format !== undefined) return { tokenizer: encodingForModel(model), format }
  const chatModels = modelNames.filter((name) => formatOf(name) !== undefined)
  throw new TokenmillError(
    'ERR_INVALID_ARGUMENT',
    `expected a chat model of OpenAI for options.model, received ${received(model)}${didYouMean(model, chatModels)} Known are: ${chatModels.join(', ')}. ` +
      'For the chats of another model, pass { template, tokenizer }: loadChatTemplate reads the template of a model',
  )
}

/** How the chats of a model are written; `undefined` when it is not known, or is none for chats. */
const formatOf = (model: string): ChatFormat | undefined => {
  const encoding = encodingNameFor(model)
  if (encoding === 'o200k_harmony') return 'harmony'
  if (completes.test(model) || (encoding !== 'cl100k_base' && encoding !== 'o200k_base')) return undefined
  return /^gpt-(3\.5|35)-turbo-0301$/.test(model) ? 'chatml-0301' : 'chatml'
}

/** Models of the same encodings that complete or embed text. */
const completes = /^(ft:)?(davinci|babbage|text-embedding)|-instruct/
