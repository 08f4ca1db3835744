import { types } from 'node:util'
import { callNative, TokenmillError } from '../../errors.ts'
import { native } from '../../native.ts'
import type { ChatTemplateHandle } from '../../native-binding.d.ts'
import {
  boolean,
  invalid,
  isArray,
  isPlain,
  iterable,
  options as checkedOptions,
  received,
  string,
} from '../../validate.ts'
import type { Segment } from '../tokenizer.ts'
import { didYouMean } from '../near-names.ts'
import { jsonText } from './json-text.ts'
import { checkedMessages, isObject, type ChatMessage } from './message.ts'

/** Special tokens by the names that a template has for them, as in `{ bos_token: '<s>' }`. */
export type NamedTokens = Readonly<Record<string, string | readonly string[]>>

/** What a template comes with. */
export interface ChatTemplateOptions {
  /**
   * Special tokens by the names that the template has for them. They are trusted, as the template is.
   * @default none
   */
  readonly tokens?: NamedTokens | ReadonlyMap<string, string | readonly string[]> | undefined
}

/** What a template is given besides the messages. */
export interface RenderOptions {
  /**
   * Whether the head of the answer follows the messages, as in the prompt that a model completes.
   * @default true
   */
  readonly addGenerationPrompt?: boolean | undefined
  /**
   * Functions that the model may call, as the template wants them.
   * @default none
   */
  readonly tools?: readonly object[] | undefined
  /**
   * Documents to answer from, as the template wants them.
   * @default none
   */
  readonly documents?: readonly object[] | undefined
  /**
   * Other values that the template reads, as in `{ enable_thinking: false }`. They are plain text, as messages are.
   * @default none
   */
  readonly variables?: Readonly<Record<string, unknown>> | undefined
  /**
   * The time that `strftime_now` tells, in the zone of this machine. Without it there is no `strftime_now`: what a template writes does not depend
   * on when it is asked.
   * @default none
   */
  readonly now?: Date | undefined
  /**
   * Which template, when there are several.
   * @default 'tool_use' when there are tools and it is there, else 'default'
   */
  readonly name?: string | undefined
}

/** A chat that a template wrote. */
export interface RenderedChat {
  /** The text, as `apply_chat_template` of transformers gives it. */
  readonly text: string
  /** The text in parts, for `encodeSegments`: each special token that the template wrote, and the text between them. */
  readonly segments: readonly Segment[]
  /** What stands in `{% generation %}` blocks, which is what an assistant learns to write: start and end in `text`. */
  readonly generations: readonly { readonly start: number; readonly end: number }[]
}

/** @internal */
export const renderOptionNames = [
  'addGenerationPrompt',
  'tools',
  'documents',
  'variables',
  'now',
  'name',
] as const satisfies readonly (keyof RenderOptions)[]

/**
 * The chat template of a model, in Jinja as transformers has it. What it writes is traced back to where it comes from: a special token is one only
 * when the template itself wrote it, never when a message, a tool or another value did, whatever the template does with them.
 *
 * ```ts
 * const template = new ChatTemplate("{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}")
 * template.render([{ role: 'user', content: 'Hi' }]).text // '<|user|>Hi<|end|>'
 * ```
 */
export class ChatTemplate {
  /** The names of the templates that there are. */
  readonly names: readonly string[]
  /** Special tokens by name. */
  readonly tokens: NamedTokens
  readonly #sources: ReadonlyMap<string, string>
  /** The last set of special tokens, and the templates read for it. */
  #special = '[]'
  #handles = new Map<string, ChatTemplateHandle>()

  /**
   * @param source the template, or several by name
   * @throws `ERR_INVALID_FILE` when a template cannot be read; the message says in which line.
   * @throws `ERR_LIMIT` when a template is longer than 128 KiB.
   */
  constructor(source: string | Readonly<Record<string, string>>, options?: ChatTemplateOptions) {
    const { tokens = {} } = checkedOptions('options', options, ['tokens'])
    if (typeof source !== 'string' && !isObject(source))
      throw invalid('source', 'a string or an object of strings', source)
    const sources = new Map(Object.entries(typeof source === 'string' ? { default: source } : source))
    if (sources.size === 0) throw invalid('source', 'at least one template', source)
    for (const [name, text] of sources) if (typeof text !== 'string') throw invalid(`source.${name}`, 'a string', text)
    this.#sources = sources
    this.names = Object.freeze([...sources.keys()])
    this.tokens = checkedTokens('options.tokens', tokens)
    for (const name of sources.keys()) this.#handle(name, [])
  }

  /**
   * Writes a chat. `specialTokens` are those that the segments tell apart.
   *
   * @param specialTokens special tokens of a tokenizer
   * @throws `ERR_INVALID_ARGUMENT` when the template refuses the messages, or a value is none of JSON.
   * @throws `ERR_INVALID_FILE` when the template fails; the message says in which line.
   * @throws `ERR_LIMIT` when the template works too long, writes too much or nests too deep.
   */
  render(
    messages: readonly ChatMessage[],
    options?: RenderOptions,
    specialTokens: Iterable<string> = [],
  ): RenderedChat {
    const given = checkedRender('options', options, renderOptionNames)
    const { addGenerationPrompt, tools, documents, variables, now, name } = given
    const values = jsonText(
      {
        messages: checkedMessages(messages),
        tools,
        documents,
        add_generation_prompt: addGenerationPrompt,
        ...variables,
      },
      'a chat template',
    )
    const handle = this.#handle(this.#chosen(name, tools !== null), checkedNames(specialTokens))
    const rendered = callNative(() =>
      handle.render(values, jsonText(this.tokens, 'a chat template'), now && localTime(now)),
    )
    return {
      text: rendered.text,
      segments: segmentsOf(rendered.text, rendered.special),
      generations: pairs(rendered.generations),
    }
  }

  #chosen(name: string | undefined, tools: boolean): string {
    const byDefault = tools && this.#sources.has('tool_use') ? 'tool_use' : 'default'
    const chosen = name ?? (this.#sources.size === 1 ? (this.names[0] as string) : byDefault)
    if (typeof chosen === 'string' && this.#sources.has(chosen)) return chosen
    throw new TokenmillError(
      'ERR_INVALID_ARGUMENT',
      `there is no template called ${received(chosen)}${didYouMean(String(chosen), this.names)} Known templates: ${this.names.join(', ')}`,
    )
  }

  #handle(name: string, special: string[]): ChatTemplateHandle {
    const key = JSON.stringify(special)
    if (key !== this.#special) {
      this.#special = key
      this.#handles = new Map()
    }
    const known = this.#handles.get(name)
    if (known !== undefined) return known
    const source = this.#sources.get(name) as string
    const handle = callNative(() => new (native().ChatTemplateHandle)(source, special))
    this.#handles.set(name, handle)
    return handle
  }
}

/** `tokens` as strings, and arrays of them, by name. */
export const checkedTokens = (name: string, tokens: unknown): NamedTokens => {
  const isMap = types.isMap(tokens)
  // Of a Set nothing would be found.
  if (!isMap && !(isObject(tokens) && isPlain(tokens)))
    throw invalid(name, 'an object of tokens by name or a Map', tokens)
  const entries = [...(isMap ? tokens : Object.entries(tokens))]
  for (const [key, value] of entries) {
    const all: readonly unknown[] = isArray(value) ? value : [value]
    if (typeof key !== 'string') throw invalid(name, 'names that are strings', key)
    if (!all.every((token) => typeof token === 'string'))
      throw invalid(`${name}.${key}`, 'a string or an array of strings', value)
  }
  return Object.freeze(Object.fromEntries(entries)) as NamedTokens
}

/** What a template is given besides the messages, of which only `known` may be there. Whether there is a template of that name is found by who has it. */
export const checkedRender = (
  what: string,
  options: RenderOptions | undefined,
  known: readonly (keyof RenderOptions)[],
) => {
  const given = checkedOptions(what, options, known)
  const { addGenerationPrompt = true, tools, documents, variables = {}, now, name } = given
  if (!isObject(variables) || !isPlain(variables)) throw invalid(`${what}.variables`, 'an object', variables)
  if (now !== undefined && !(types.isDate(now) && now.getFullYear() >= 0 && now.getFullYear() <= 9999)) {
    throw invalid(`${what}.now`, 'a Date of the years 0 to 9999', now)
  }
  return {
    addGenerationPrompt: boolean(`${what}.addGenerationPrompt`, addGenerationPrompt),
    tools: checkedList(`${what}.tools`, tools),
    documents: checkedList(`${what}.documents`, documents),
    variables,
    now,
    name,
  }
}

const checkedNames = (specialTokens: unknown): string[] =>
  Array.from(iterable('specialTokens', 'an iterable of strings', specialTokens), (token, index) =>
    string(`specialTokens[${index}]`, token),
  )

const checkedList = (name: string, list: unknown): readonly unknown[] | null => {
  if (list === undefined) return null
  if (!isArray(list)) throw invalid(name, 'an array', list)
  return list
}

const segmentsOf = (text: string, special: Uint32Array): Segment[] => {
  const segments: Segment[] = []
  let end = 0
  const plain = (until: number) => {
    if (until > end) segments.push({ text: text.slice(end, until), trusted: false })
  }
  for (const token of pairs(special)) {
    plain(token.start)
    segments.push({ text: text.slice(token.start, token.end), trusted: true })
    end = token.end
  }
  plain(text.length)
  return segments
}

const pairs = (places: Uint32Array): { start: number; end: number }[] =>
  Array.from({ length: places.length / 2 }, (_, pair) => ({
    start: places[2 * pair] as number,
    end: places[2 * pair + 1] as number,
  }))

const localTime = (date: Date): string => {
  const padded = (number: number, width: number) => String(number).padStart(width, '0')
  const day = [padded(date.getFullYear(), 4), padded(date.getMonth() + 1, 2), padded(date.getDate(), 2)].join('-')
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map((number) => padded(number, 2)).join(':')
  return `${day}T${time}.${padded(date.getMilliseconds(), 3)}`
}
