import { boolean, invalid, options as checkedOptions } from '../../validate.ts'
import type { Tokenizer } from '../tokenizer.ts'
import { billedTokens, checkedChoice, type ToolChoice } from './billing.ts'
import { chatModel } from './chat-models.ts'
import { ChatTemplate, renderOptionNames, type RenderOptions } from './chat-template.ts'
import { encodeChatml } from './chatml.ts'
import { checkedFunctions, type ChatTool } from './function-text.ts'
import { checkedMessages, isObject, plainMessage, type ChatMessage } from './message.ts'

/** How {@link encodeChat} writes a chat for a model of OpenAI. */
export interface ModelChatOptions {
  /** The model, as in `gpt-4o`. */
  readonly model: string
  /**
   * Whether the head of the answer follows the messages, as in the prompt that a model completes.
   * @default true
   */
  readonly addGenerationPrompt?: boolean
}

/** How {@link countChat} counts a chat for a model of OpenAI. */
export interface ModelCountOptions {
  /** The model, as in `gpt-4o`. */
  readonly model: string
  /**
   * Functions that the model may call: what they add is an estimate.
   * @default none
   */
  readonly tools?: readonly ChatTool[]
  /**
   * Whether, and which, function the model is told to call.
   * @default 'auto'
   */
  readonly toolChoice?: ToolChoice
}

/** How {@link encodeChat} and {@link countChat} write a chat by a template. */
export interface TemplateChatOptions extends RenderOptions {
  /** The template, read or as text. To write many chats, make a {@link ChatTemplate} once. */
  readonly template: ChatTemplate | string
  /** The tokenizer of the model. */
  readonly tokenizer: Tokenizer
}

/**
 * The ids of a chat, as a model is given it. No text of a message becomes a special token, whatever it says.
 *
 * ```ts
 * encodeChat([{ role: 'user', content: 'Hello' }], { model: 'gpt-4o' })
 * // <|im_start|>user<|im_sep|>Hello<|im_end|><|im_start|>assistant<|im_sep|>
 * ```
 *
 * With a `template`, the chat is what the template writes, by the rules of {@link ChatTemplate}. With a `model` of OpenAI, the ids of `<|im_start|>`,
 * `<|im_end|>` and `<|im_sep|>` are gpt-tokenizer's, for they are not published. They are no ids of the encoding: its `decode` refuses them.
 *
 * @throws `ERR_INVALID_ARGUMENT` when the model is not known or is none for chats, or a message has what its format has no place for.
 * @throws whatever {@link ChatTemplate.render} does.
 */
export const encodeChat = (
  messages: readonly ChatMessage[],
  options: ModelChatOptions | TemplateChatOptions,
): Uint32Array => {
  if (isObject(options) && 'template' in options) return encodeByTemplate(messages, options)
  const checked = checkedOptions('options', options as ModelChatOptions, ['model', 'addGenerationPrompt'])
  const { model, addGenerationPrompt = true } = checked
  const { tokenizer, format } = chatModel(model)
  const prompt = boolean('options.addGenerationPrompt', addGenerationPrompt)
  return encodeChatml(tokenizer, checkedMessages(messages).map(plainMessage), {
    lines: format === 'chatml-0301',
    prompt,
  })
}

/**
 * How many tokens a chat is. For a `model` of OpenAI, as many as it is billed as, the head of the answer included: the rule of OpenAI's cookbook; for
 * messages of text without names, calls and tools that is the length of {@link encodeChat}. With a `template`, it always is.
 *
 * @throws what {@link encodeChat} does.
 */
export const countChat = (
  messages: readonly ChatMessage[],
  options: ModelCountOptions | TemplateChatOptions,
): number => {
  if (isObject(options) && 'template' in options) return encodeByTemplate(messages, options).length
  const checked = checkedOptions('options', options as ModelCountOptions, ['model', 'tools', 'toolChoice'])
  const { model, tools = [], toolChoice } = checked
  const { tokenizer, format } = chatModel(model)
  const plain = checkedMessages(messages).map(plainMessage)
  return billedTokens(tokenizer, plain, format, {
    functions: checkedFunctions('options.tools', tools),
    choice: checkedChoice('options.toolChoice', toolChoice),
  })
}

const encodeByTemplate = (messages: readonly ChatMessage[], options: object): Uint32Array => {
  const { template, tokenizer, ...rest } = checkedOptions('options', options as TemplateChatOptions, [
    'template',
    'tokenizer',
    ...renderOptionNames,
  ])
  if (typeof template !== 'string' && !(template instanceof ChatTemplate)) {
    throw invalid('options.template', 'a ChatTemplate or a string', template)
  }
  if (typeof tokenizer?.encodeSegments !== 'function') throw invalid('options.tokenizer', 'a tokenizer', tokenizer)
  const read = typeof template === 'string' ? new ChatTemplate(template) : template
  return tokenizer.encodeSegments(read.render(messages, rest, tokenizer.specialTokens.keys()).segments)
}
