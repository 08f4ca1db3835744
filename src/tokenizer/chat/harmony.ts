import { TokenmillError } from '../../errors.ts'
import { invalid, isArray, oneOf } from '../../validate.ts'
import type { Tokenizer } from '../tokenizer.ts'
import { harmonyPart, plainPart, type HarmonyPart } from './harmony-content.ts'
import { joinIds } from '../../join-ids.ts'
import type { NonSharedUint32Array } from '../../non-shared.ts'
import { isNothing, type ChatMessage } from './message.ts'

/*
 * Harmony, the format of gpt-oss:
 *
 *     <|start|>assistant to=functions.weather<|channel|>commentary <|constrain|>json<|message|>{"city":"Oslo"}<|call|>
 *
 * The ids are those of openai-harmony 0.0.8 for the same messages. Each special token is put down as an id; all else is encoded as plain text, part by
 * part, and no text can become one.
 */

/** What is left open by the messages. */
export interface HarmonySettings {
  /** Whether `<|start|>assistant` follows. */
  readonly prompt: boolean
  /** Whether what was thought before the first answer stays, once the last message of the assistant is an answer. */
  readonly keepAnalysis: boolean
  /** Whether an answer at the end ends in `<|return|>`, as the model writes it. */
  readonly training: boolean
}

/** The ids of a chat. */
export const encodeHarmony = (
  tokenizer: Tokenizer,
  given: readonly ChatMessage[],
  { prompt, keepAnalysis, training }: HarmonySettings,
): NonSharedUint32Array => {
  const special = (token: string) => [tokenizer.specialTokens.get(token) as number]
  const plain = (text: string) => tokenizer.encodeOrdinary(text)
  const messages = given.map(harmonyMessage)
  const functions = messages.some(({ parts }) => parts.some((part) => part.functions))
  const rows: ArrayLike<number>[] = []
  for (const { author, recipient, channel, contentType, parts, calls } of keepAnalysis ? messages : current(messages)) {
    rows.push(special('<|start|>'))
    for (const text of author) rows.push(plain(text))
    if (recipient !== undefined && recipient !== 'all') rows.push(plain(` to=${recipient}`))
    if (channel !== undefined) rows.push(special('<|channel|>'), plain(channel))
    if (contentType?.startsWith(constrain)) {
      rows.push(plain(' '), special(constrain), plain(contentType.slice(constrain.length)))
    } else if (contentType !== undefined) rows.push(plain(` ${contentType}`))
    rows.push(special('<|message|>'))
    for (const part of parts) rows.push(plain(part.text(functions)))
    rows.push(special(calls ? '<|call|>' : '<|end|>'))
  }
  const last = messages.at(-1)
  if (training && last?.role === 'assistant' && last.channel === 'final') rows[rows.length - 1] = special('<|return|>')
  if (prompt) rows.push(special('<|start|>'), plain('assistant'))
  return joinIds(rows)
}

const constrain = '<|constrain|>'
const roles = ['system', 'developer', 'user', 'assistant', 'tool'] as const

interface HarmonyMessage {
  readonly role: (typeof roles)[number]
  /** Who writes, in the parts that are encoded each for itself. */
  readonly author: readonly string[]
  readonly recipient: string | undefined
  readonly channel: string | undefined
  readonly contentType: string | undefined
  readonly parts: readonly HarmonyPart[]
  /** Whether the assistant calls a tool. */
  readonly calls: boolean
}

/** The messages without what was thought before the first answer, when the last message of the assistant is an answer. */
const current = (messages: readonly HarmonyMessage[]): readonly HarmonyMessage[] => {
  if (messages.findLast(({ role }) => role === 'assistant')?.channel !== 'final') return messages
  const answer = messages.findIndex(({ channel }) => channel === 'final')
  return messages.filter(({ channel }, index) => index >= answer || channel !== 'analysis')
}

const known = ['role', 'name', 'content', 'channel', 'recipient', 'content_type']

const harmonyMessage = (message: ChatMessage, index: number): HarmonyMessage => {
  const place = `messages[${index}]`
  for (const [key, value] of Object.entries(message)) {
    if (known.includes(key) || isNothing(value)) continue
    const hint = key === 'tool_calls' || key === 'function_call' ? ': a call is a message with a recipient' : ''
    throw new TokenmillError(
      'ERR_INVALID_ARGUMENT',
      `expected only ${known.join(', ')} in ${place}, received ${key}${hint}`,
    )
  }
  const optional = (key: 'name' | 'recipient' | 'channel' | 'content_type'): string | undefined => {
    const value: unknown = message[key] ?? undefined
    if (value !== undefined && typeof value !== 'string') throw invalid(`${place}.${key}`, 'a string', value)
    return value
  }
  const role = oneOf(`${place}.role`, message.role, roles)
  const name = optional('name')
  const recipient = optional('recipient')
  if (role === 'tool' && name === undefined) {
    throw invalid(`${place}.name`, 'the name of the tool, as in functions.weather,', name)
  }
  return {
    role,
    author: role === 'tool' ? [name as string] : name === undefined ? [role] : [role, `:${name}`],
    recipient,
    channel: optional('channel'),
    contentType: optional('content_type'),
    parts: partsOf(`${place}.content`, message.content, role),
    calls: role === 'assistant' && recipient !== undefined,
  }
}

const partsOf = (place: string, content: unknown, role: string): HarmonyPart[] => {
  if (typeof content === 'string') return [plainPart(content)]
  if (!isArray(content)) throw invalid(place, 'a string or an array of parts', content)
  return Array.from(content as readonly unknown[], (part, index) => harmonyPart(`${place}[${index}]`, part, role))
}
