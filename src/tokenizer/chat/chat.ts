import type { NonSharedUint32Array } from '../../non-shared.ts'
import { boolean, invalid, options as checkedOptions } from '../../validate.ts'
import type { Tokenizer } from '../tokenizer.ts'
import { billedTokens, checkedChoice, type ToolChoice } from './billing.ts'
import { chatModel } from './chat-models.ts'
import { ChatTemplate, renderOptionNames, type RenderOptions } from './chat-template.ts'
import { encodeChatml } from './chatml.ts'
import { checkedFunctions, type ChatTool } from './function-text.ts'
import { encodeHarmony } from './harmony.ts'
import { checkedMessages, isObject, plainMessage, type ChatMessage } from './message.ts'

/** How {@link encodeChat} writes a chat for a model of OpenAI. */
export interface ModelChatOptions {
  /** The model, as in `gpt-4o`. */
  readonly model: string
  /**
   * Whether the head of the answer follows the messages, as in the prompt that a model completes.
   * @default true
   */
  readonly addGenerationPrompt?: boolean | undefined
}

/** How {@link countChat} counts a chat for a model of OpenAI. */
export interface ModelCountOptions {
  /** The model, as in `gpt-4o`. */
  readonly model: string
  /**
   * Functions that the model may call: what they add is an estimate.
   * @default none
   */
  readonly tools?: readonly ChatTool[] | undefined
  /**
   * Whether, and which, function the model is told to call.
   * @default 'auto'
   */
  readonly toolChoice?: ToolChoice | undefined
}

/** How {@link encodeChat} and {@link countChat} write a chat in the harmony format, for gpt-oss. */
export interface HarmonyChatOptions {
  /** The model, as in `gpt-oss-120b`. */
  readonly model: string
  /**
   * Whether `<|start|>assistant` follows the messages, as in the prompt that a model completes.
   * @default true, and false for `training`
   */
  readonly addGenerationPrompt?: boolean | undefined
  /**
   * Whether messages of the channel `analysis` before the first of the channel `final` stay, although the last message of the assistant is of `final`.
   * @default false
   */
  readonly keepAnalysis?: boolean | undefined
  /**
   * Whether a message of the channel `final` at the end ends in `<|return|>`, as the model learns to end it, and not in `<|end|>`.
   * @default false
   */
  readonly training?: boolean | undefined
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
 * `<|im_end|>` and `<|im_sep|>` are gpt-tokenizer's, for they are not published. They are no ids of the encoding: its `decode` refuses them. For gpt-oss,
 * the ids are those of openai-harmony, and messages have a `channel`, a `recipient` and a `content_type` as there.
 *
 * @throws `ERR_INVALID_ARGUMENT` when the model is not known or is none for chats, or a message has what its format has no place for.
 * @throws whatever {@link ChatTemplate.render} does.
 */
export const encodeChat = (
  messages: readonly ChatMessage[],
  options: ModelChatOptions | HarmonyChatOptions | TemplateChatOptions,
): NonSharedUint32Array => {
  if (isObject(options) && 'template' in options) return encodeByTemplate(messages, options)
  const { tokenizer, format } = modelOf(options)
  if (format === 'harmony') return encodeForHarmony(tokenizer, messages, options)
  const checked = checkedOptions('options', options as ModelChatOptions, ['model', 'addGenerationPrompt'])
  const { addGenerationPrompt = true } = checked
  const prompt = boolean('options.addGenerationPrompt', addGenerationPrompt)
  return encodeChatml(tokenizer, checkedMessages(messages).map(plainMessage), {
    lines: format === 'chatml-0301',
    prompt,
  })
}

/**
 * How many tokens a chat is. For a `model` of OpenAI, as many as it is billed as, the head of the answer included: the rule of OpenAI's cookbook; for
 * messages of text without names, calls and tools that is the length of {@link encodeChat}. With a `template`, and for gpt-oss, it always is.
 *
 * @throws what {@link encodeChat} does.
 */
export const countChat = (
  messages: readonly ChatMessage[],
  options: ModelCountOptions | HarmonyChatOptions | TemplateChatOptions,
): number => {
  if (isObject(options) && 'template' in options) return encodeByTemplate(messages, options).length
  const { tokenizer, format } = modelOf(options)
  if (format === 'harmony') return encodeForHarmony(tokenizer, messages, options).length
  const checked = checkedOptions('options', options as ModelCountOptions, ['model', 'tools', 'toolChoice'])
  const { tools = [], toolChoice } = checked
  const plain = checkedMessages(messages).map(plainMessage)
  return billedTokens(tokenizer, plain, format, {
    functions: checkedFunctions('options.tools', tools),
    choice: checkedChoice('options.toolChoice', toolChoice),
  })
}

/** The tokenizer and the format of the model that options name. */
const modelOf = (given: object = {}): ReturnType<typeof chatModel> => {
  if (!isObject(given)) throw invalid('options', 'an object', given)
  return chatModel(given['model'])
}

const encodeForHarmony = (
  tokenizer: Tokenizer,
  messages: readonly ChatMessage[],
  options: object,
): NonSharedUint32Array => {
  const checked = checkedOptions('options', options as HarmonyChatOptions, [
    'model',
    'addGenerationPrompt',
    'keepAnalysis',
    'training',
  ])
  const { training = false, addGenerationPrompt = training !== true, keepAnalysis = false } = checked
  const settings = {
    prompt: boolean('options.addGenerationPrompt', addGenerationPrompt),
    keepAnalysis: boolean('options.keepAnalysis', keepAnalysis),
    training: boolean('options.training', training),
  }
  if (training && addGenerationPrompt) {
    throw invalid('options.addGenerationPrompt', 'false, since options.training is true,', addGenerationPrompt)
  }
  return encodeHarmony(tokenizer, checkedMessages(messages), settings)
}

const encodeByTemplate = (messages: readonly ChatMessage[], options: object): NonSharedUint32Array => {
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
