import { TokenmillError } from '../../errors.ts'
import { invalid, isArray, isRevoked, received } from '../../validate.ts'

/*
 * A message may have more fields than are named here. Where that is said by an index signature alone, no interface is such a message, as
 * those of OpenAI's package: so each type is one without, or one with it.
 */

/** The fields of a {@link ChatContentPart} that are read here. */
export interface ChatContentPartFields {
  /** What the part is: `text`, `image_url`, … */
  readonly type: string
  /** What a part of type `text` says. */
  readonly text?: string | undefined
}

/** One part of the content of a message. */
export type ChatContentPart = ChatContentPartFields | (ChatContentPartFields & { readonly [field: string]: unknown })

/** A call of a function, as the assistant asked for it. */
export interface ChatFunctionCall {
  /** The name of the function. */
  readonly name: string
  /** The arguments: JSON as text (OpenAI), or a value (templates). */
  readonly arguments?: unknown
}

/** The fields of a {@link ChatToolCall} that are read here. */
export interface ChatToolCallFields {
  /** Which call it is. */
  readonly id?: string | undefined
  /** What is called: `function`, … */
  readonly type?: string | undefined
  /** The function, where it is one. */
  readonly function?: ChatFunctionCall | undefined
}

/** A call of a tool, as the assistant asked for it. */
export type ChatToolCall = ChatToolCallFields | (ChatToolCallFields & { readonly [field: string]: unknown })

/** The fields of a {@link ChatMessage} that are read here. */
export interface ChatMessageFields {
  /** Who speaks: `system`, `developer`, `user`, `assistant`, `tool`, … */
  readonly role: string
  /** What is said: a string, or parts. */
  readonly content?: string | readonly ChatContentPart[] | null | undefined
  /** The name of the speaker. */
  readonly name?: string | undefined
  /** The function that the assistant asks to call. */
  readonly function_call?: ChatFunctionCall | null | undefined
  /** The functions that the assistant asks to call. */
  readonly tool_calls?: readonly ChatToolCall[] | null | undefined
  /** Which call a message of role `tool` answers. */
  readonly tool_call_id?: string | undefined
  /** Harmony: what the message is of, as in `analysis`, `commentary` and `final`. */
  readonly channel?: string | null | undefined
  /** Harmony: who the message is to, as in `functions.get_weather`. */
  readonly recipient?: string | null | undefined
  /** Harmony: what the content is, as in `<|constrain|>json`. */
  readonly content_type?: string | null | undefined
}

/**
 * One message of a chat, in the form of the chat APIs, whose own types are of this one. Formats read the fields that they have a place for and refuse
 * those that they have none for; a template reads whatever it likes.
 */
export type ChatMessage = ChatMessageFields | (ChatMessageFields & { readonly [field: string]: unknown })

/** A message as the formats of OpenAI read it. */
export interface PlainMessage {
  readonly role: string
  readonly content: string
  readonly name: string | undefined
  readonly calls: readonly { readonly name: string; readonly arguments: string }[]
}

/** `messages` as an array of objects that have a role. */
export const checkedMessages = (messages: unknown): ChatMessage[] => {
  if (!isArray(messages)) throw invalid('messages', 'an array', messages)
  return Array.from(messages as readonly unknown[], (message, index) => {
    const name = `messages[${index}]`
    if (!isObject(message)) throw invalid(name, 'an object', message)
    const { role } = message
    if (typeof role !== 'string' || role === '') throw invalid(`${name}.role`, 'a string that is not empty', role)
    return message as ChatMessage
  })
}

/**
 * `message` with its content as one string and its calls as one list.
 *
 * @throws `ERR_INVALID_ARGUMENT` for content that is not text, and for fields that would be lost.
 */
export const plainMessage = (message: ChatMessage, index: number): PlainMessage => {
  const name = `messages[${index}]`
  for (const [key, value] of Object.entries(message)) {
    if (!known.has(key) && !isNothing(value)) {
      throw new TokenmillError(
        'ERR_INVALID_ARGUMENT',
        `expected only ${[...known].join(', ')} in ${name}, received ${key}`,
      )
    }
  }
  const speaker = message.name ?? undefined
  if (speaker !== undefined && typeof speaker !== 'string') throw invalid(`${name}.name`, 'a string', speaker)
  const calls =
    (message.function_call ?? null) === null ? [] : [checkedCall(`${name}.function_call`, message.function_call)]
  if ((message.tool_calls ?? null) !== null) {
    if (!isArray(message.tool_calls)) throw invalid(`${name}.tool_calls`, 'an array', message.tool_calls)
    for (const [call, { function: called } = {} as { function?: unknown }] of message.tool_calls.entries()) {
      calls.push(checkedCall(`${name}.tool_calls[${call}].function`, called))
    }
  }
  return { role: message.role, content: textOf(`${name}.content`, message.content), name: speaker, calls }
}

const known = new Set(['role', 'content', 'name', 'function_call', 'tool_calls', 'tool_call_id'])

/**
 * Whether an answer of the API says nothing by this field, as in `refusal: null` and `annotations: []`.
 * @internal
 */
export const isNothing = (value: unknown): boolean => (value ?? null) === null || (isArray(value) && value.length === 0)

const textOf = (name: string, content: unknown): string => {
  if (typeof content === 'string') return content
  if ((content ?? null) === null) return ''
  if (!isArray(content)) throw invalid(name, 'a string, an array of parts or null', content)
  return Array.from(content as readonly unknown[], (part, index) => {
    if (!isObject(part) || part['type'] !== 'text' || typeof part['text'] !== 'string') {
      const what = isObject(part) ? `{ type: ${received(part['type'])} }` : received(part)
      throw new TokenmillError(
        'ERR_INVALID_ARGUMENT',
        `expected { type: 'text', text: string } for ${name}[${index}], received ${what}; what is not text has no token count`,
      )
    }
    return part['text']
  }).join('')
}

const checkedCall = (name: string, call: unknown): { name: string; arguments: string } => {
  if (!isObject(call)) throw invalid(name, 'an object', call)
  const { name: called = '', arguments: given = '' } = call
  if (typeof called !== 'string') throw invalid(`${name}.name`, 'a string', called)
  if (typeof given !== 'string') throw invalid(`${name}.arguments`, 'a string of JSON', given)
  return { name: called, arguments: given }
}

/** @internal */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !isRevoked(value) && !isArray(value)
