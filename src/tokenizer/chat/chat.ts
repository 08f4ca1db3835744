import { boolean, options as checkedOptions } from '../../validate.ts'
import { billedTokens, checkedChoice, type ToolChoice } from './billing.ts'
import { chatModel } from './chat-models.ts'
import { encodeChatml } from './chatml.ts'
import { checkedFunctions, type ChatTool } from './function-text.ts'
import { checkedMessages, plainMessage, type ChatMessage } from './message.ts'

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

/**
 * The ids of a chat, as a model is given it. No text of a message becomes a special token, whatever it says.
 *
 * ```ts
 * encodeChat([{ role: 'user', content: 'Hello' }], { model: 'gpt-4o' })
 * // <|im_start|>user<|im_sep|>Hello<|im_end|><|im_start|>assistant<|im_sep|>
 * ```
 *
 * The ids of `<|im_start|>`, `<|im_end|>` and `<|im_sep|>` are not published; these are gpt-tokenizer's. They are no ids of the encoding: its
 * `decode` refuses them.
 *
 * @throws `ERR_INVALID_ARGUMENT` when the model is not known or is none for chats, or a message has what its format has no place for.
 */
export const encodeChat = (messages: readonly ChatMessage[], options: ModelChatOptions): Uint32Array => {
  const { model, addGenerationPrompt = true } = checkedOptions('options', options, ['model', 'addGenerationPrompt'])
  const { tokenizer, format } = chatModel(model)
  const prompt = boolean('options.addGenerationPrompt', addGenerationPrompt)
  return encodeChatml(tokenizer, checkedMessages(messages).map(plainMessage), {
    lines: format === 'chatml-0301',
    prompt,
  })
}

/**
 * How many tokens a chat is billed as, the head of the answer included: the rule of OpenAI's cookbook. For messages of text without names, calls
 * and tools it is the length of {@link encodeChat}.
 *
 * @throws `ERR_INVALID_ARGUMENT` as {@link encodeChat}.
 */
export const countChat = (messages: readonly ChatMessage[], options: ModelCountOptions): number => {
  const { model, tools = [], toolChoice } = checkedOptions('options', options, ['model', 'tools', 'toolChoice'])
  const { tokenizer, format } = chatModel(model)
  const plain = checkedMessages(messages).map(plainMessage)
  return billedTokens(tokenizer, plain, format, {
    functions: checkedFunctions('options.tools', tools),
    choice: checkedChoice('options.toolChoice', toolChoice),
  })
}
