import { boolean, invalid, isArray, oneOf } from '../../validate.ts'
import { checkKeys, hasFunctions, toolsText, type HarmonyToolNamespace } from './harmony-tools.ts'
import { isObject, type ChatContentPartFields } from './message.ts'

/** What a system message tells a model of the harmony format. A field that is missing has its default, one that is `null` is left out. */
export interface HarmonySystemContent extends ChatContentPartFields {
  readonly type: 'system_content'
  /**
   * Who the model is.
   * @default 'You are ChatGPT, a large language model trained by OpenAI.'
   */
  readonly model_identity?: string | null | undefined
  /**
   * How much it thinks.
   * @default 'Medium'
   */
  readonly reasoning_effort?: 'Low' | 'Medium' | 'High' | null | undefined
  /**
   * The day on which the chat began, as in `'2026-02-03'`. It is never taken from the clock.
   * @default none
   */
  readonly conversation_start_date?: string | null | undefined
  /**
   * Until when the model knows the world.
   * @default '2024-06'
   */
  readonly knowledge_cutoff?: string | null | undefined
  /**
   * The channels that the model may write to, and whether every message has to name one.
   * @default { valid_channels: ['analysis', 'commentary', 'final'], channel_required: true }
   */
  readonly channel_config?:
    { readonly valid_channels: readonly string[]; readonly channel_required: boolean } | null | undefined
  /**
   * Tools that are built in, by their namespaces.
   * @default none
   */
  readonly tools?: Readonly<Record<string, HarmonyToolNamespace>> | null | undefined
}

/** What a developer message tells a model of the harmony format. */
export interface HarmonyDeveloperContent extends ChatContentPartFields {
  readonly type: 'developer_content'
  /**
   * What chat APIs call the system prompt.
   * @default none
   */
  readonly instructions?: string | null | undefined
  /**
   * Tools by their namespaces, as in `{ functions: { name: 'functions', tools: [] } }`.
   * @default none
   */
  readonly tools?: Readonly<Record<string, HarmonyToolNamespace>> | null | undefined
}

/** One part of a message: its text, once it is known whether any message of the chat has functions. */
export interface HarmonyPart {
  readonly functions: boolean
  readonly text: (functions: boolean) => string
}

/** `part` of a message of `role`. */
export const harmonyPart = (place: string, part: unknown, role: string): HarmonyPart => {
  const type = isObject(part) ? part['type'] : undefined
  if (!isObject(part)) throw invalid(place, 'an object', part)
  if (type === 'text') return textPart(place, part)
  if (type === 'system_content' && role === 'system') return systemPart(place, part)
  if (type === 'developer_content' && role === 'developer') return developerPart(place, part)
  const own = role === 'system' || role === 'developer' ? `'text' or '${role}_content'` : "'text'"
  throw invalid(`${place}.type`, `${own} in a message of role ${role}`, type)
}

/** A part that is `text`. */
export const plainPart = (text: string): HarmonyPart => ({ functions: false, text: () => text })

const textPart = (place: string, part: Record<string, unknown>): HarmonyPart => {
  checkKeys(place, part, ['type', 'text'])
  const { text } = part
  if (typeof text !== 'string') throw invalid(`${place}.text`, 'a string', text)
  return plainPart(text)
}

const systemKeys = [
  'type',
  'model_identity',
  'reasoning_effort',
  'conversation_start_date',
  'knowledge_cutoff',
  'channel_config',
  'tools',
] as const satisfies readonly (keyof HarmonySystemContent)[]

const systemPart = (place: string, part: Record<string, unknown>): HarmonyPart => {
  checkKeys(place, part, systemKeys)
  const about = [
    text(part, place, 'model_identity', 'You are ChatGPT, a large language model trained by OpenAI.'),
    headed('Knowledge cutoff', text(part, place, 'knowledge_cutoff', '2024-06')),
    headed('Current date', text(part, place, 'conversation_start_date', null)),
  ].filter((line) => line !== null)
  const { reasoning_effort: effort = 'Medium', tools = null } = part
  const sections: string[] = []
  if (about.length > 0) sections.push(about.join('\n'))
  if (effort !== null) {
    sections.push(`Reasoning: ${oneOf(`${place}.reasoning_effort`, effort, ['Low', 'Medium', 'High']).toLowerCase()}`)
  }
  const told = tools === null ? undefined : toolsText(`${place}.tools`, tools)
  if (told !== undefined) sections.push(told)
  const channels = channelsText(place, part)
  if (channels === undefined) return plainPart(sections.join('\n\n'))
  const forFunctions = "\nCalls to these tools must go to the commentary channel: 'functions'."
  return {
    functions: false,
    text: (functions) => [...sections, functions ? channels + forFunctions : channels].join('\n\n'),
  }
}

const channelsText = (place: string, part: Record<string, unknown>): string | undefined => {
  const { channel_config: given = { valid_channels: ['analysis', 'commentary', 'final'], channel_required: true } } =
    part
  if (given === null) return undefined
  const name = `${place}.channel_config`
  if (!isObject(given)) throw invalid(name, 'an object', given)
  checkKeys(name, given, ['valid_channels', 'channel_required'])
  const { valid_channels: channels, channel_required: required } = given
  if (!isArray(channels) || !Array.from(channels).every((channel) => typeof channel === 'string')) {
    throw invalid(`${name}.valid_channels`, 'an array of strings', channels)
  }
  const always = boolean(`${name}.channel_required`, required) ? ' Channel must be included for every message.' : ''
  return channels.length === 0 ? undefined : `# Valid channels: ${channels.join(', ')}.${always}`
}

const developerPart = (place: string, part: Record<string, unknown>): HarmonyPart => {
  checkKeys(place, part, ['type', 'instructions', 'tools'])
  const instructions = text(part, place, 'instructions', null)
  const { tools = null } = part
  const sections: string[] = []
  if (instructions !== null) sections.push('# Instructions', instructions)
  const told = tools === null ? undefined : toolsText(`${place}.tools`, tools)
  if (told !== undefined) sections.push(told)
  return { ...plainPart(sections.join('\n\n')), functions: hasFunctions(tools) }
}

const headed = (head: string, text: string | null): string | null => (text === null ? null : `${head}: ${text}`)

const text = (part: Record<string, unknown>, place: string, key: string, byDefault: string | null): string | null => {
  const value = part[key] === undefined ? byDefault : part[key]
  if (value !== null && typeof value !== 'string') throw invalid(`${place}.${key}`, 'a string or null', value)
  return value
}
