import { TokenmillError } from '../errors.ts'
import {
  ChatTemplate,
  checkedRender,
  type RenderedChat,
  renderOptionNames,
  type RenderOptions,
} from '../tokenizer/chat/chat-template.ts'
import type { ChatMessage } from '../tokenizer/chat/message.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { invalid, isArray, options as checkedOptions } from '../validate.ts'
import type { ExampleObjective, ExamplePart } from './example-objective.ts'

/** How {@link chat} reads records. */
export interface ChatObjectiveOptions<Record> {
  /** How a chat is written: a template, or its text. */
  readonly template: ChatTemplate | string
  /**
   * The messages of a record: the name of a field, or what makes them.
   * @default 'messages'
   */
  readonly messages?: (string | ((record: Record) => readonly ChatMessage[])) | undefined
  /**
   * What the template is given besides the messages.
   * @default none
   */
  readonly render?: Omit<RenderOptions, 'addGenerationPrompt'> | undefined
}

const besidesMessages = renderOptionNames.filter((name) => name !== 'addGenerationPrompt')

/** A stretch of a rendered chat that the assistant wrote. */
type Stretch = RenderedChat['generations'][number]

/**
 * Answer as the assistant: the loss is of what the assistant wrote, all else is -100 in the targets. That is what stands in the
 * `{% generation %}` blocks of the template; without any, all that follows the head of an answer up to the next message, for which the chat is
 * written once more up to each answer and up to the end of each: blocks take time in proportion to a long chat, this by its square. No text of a
 * message becomes a special token.
 *
 * An answer starts with a new token, as it does when a model writes it (but for a tokenizer.json that only Hugging Face's crate runs, whose tokens may
 * have parts of both sides).
 */
export const chat = <Record = unknown>(options: ChatObjectiveOptions<Record>): ExampleObjective<Record> => {
  const {
    template,
    messages = 'messages',
    render = {},
  } = checkedOptions('options', options, ['template', 'messages', 'render'])
  if (typeof template !== 'string' && !(template instanceof ChatTemplate))
    throw invalid('options.template', 'a ChatTemplate or a string', template)
  if (typeof messages !== 'string' && typeof messages !== 'function')
    throw invalid('options.messages', 'the name of a field or a function', messages)
  checkedRender('options.render', render, besidesMessages)
  const read = typeof template === 'string' ? new ChatTemplate(template) : template
  const messagesOf = (record: Record, index: number): readonly ChatMessage[] => {
    if (typeof messages === 'function')
      return checkedMessages(`what options.messages makes of records[${index}]`, messages(record))
    if (typeof record !== 'object' || record === null) throw invalid(`records[${index}]`, 'an object', record)
    const list = (record as { readonly [key: string]: unknown })[messages]
    return checkedMessages(`records[${index}].${messages}`, list)
  }
  return {
    name: 'chat',
    example: (record, index, tokenizer) => {
      const list = messagesOf(record, index)
      const special = [...tokenizer.specialTokens.keys()]
      const write = (some: readonly ChatMessage[], addGenerationPrompt: boolean) =>
        ofRecord(index, () => read.render(some, { ...render, addGenerationPrompt }, special))
      const rendered = write(list, false)
      const answers =
        rendered.generations.length > 0 ? rendered.generations : answersOf(list, rendered.text, write, index)
      return { parts: partsOf(rendered, answers, tokenizer) }
    },
  }
}

const checkedMessages = (name: string, list: unknown): readonly ChatMessage[] => {
  if (!isArray(list)) throw invalid(name, 'an array of messages', list)
  return list as readonly ChatMessage[]
}

/** What `render` gives. Its errors name messages: of which record they are is said before. */
const ofRecord = <T>(index: number, render: () => T): T => {
  try {
    return render()
  } catch (cause) {
    if (!(cause instanceof TokenmillError)) throw cause
    throw new TokenmillError(cause.code, `records[${index}]: ${cause.message}`, { cause })
  }
}

/** Where answers are, by writing the chat up to each of them, with the head of an answer, and up to its end. */
const answersOf = (
  messages: readonly ChatMessage[],
  text: string,
  write: (messages: readonly ChatMessage[], addGenerationPrompt: boolean) => RenderedChat,
  index: number,
): readonly Stretch[] => {
  const answers: Stretch[] = []
  for (const [place, { role }] of messages.entries()) {
    if (role !== 'assistant') continue
    const before = write(messages.slice(0, place), true).text
    const after = place + 1 === messages.length ? text : write(messages.slice(0, place + 1), false).text
    if (!text.startsWith(before) || !text.startsWith(after) || after.length < before.length)
      throw new TokenmillError(
        'ERR_INVALID_ARGUMENT',
        `expected a template that writes the start of a chat as it writes the whole, or has {% generation %} blocks, for options.template: ` +
          `it writes messages[${place}] of records[${index}] in another way`,
      )
    answers.push({ start: before.length, end: after.length })
  }
  return answers
}

/** The segments of a chat, cut where an answer starts or ends. */
const partsOf = ({ segments }: RenderedChat, answers: readonly Stretch[], tokenizer: Tokenizer): ExamplePart[] => {
  const parts: ExamplePart[] = []
  const cuts = answers
    .flatMap(
      ({ start, end }) =>
        [
          { place: start, by: 1 },
          { place: end, by: -1 },
        ] as const,
    )
    .sort((a, b) => a.place - b.place)
  let [next, depth] = [0, 0]
  /** Whether `place` is in an answer; none is asked for that is before the last one. */
  const isScored = (place: number): boolean => {
    for (let cut = cuts[next]; cut !== undefined && cut.place <= place; cut = cuts[++next]) depth += cut.by
    return depth > 0
  }
  let start = 0
  for (const { text, trusted } of segments) {
    const end = start + text.length
    const id = trusted ? tokenizer.specialTokens.get(text) : undefined
    if (id !== undefined) parts.push({ ids: [id], scored: isScored(start) })
    else
      for (let from = start; from < end;) {
        const scored = isScored(from)
        const to = Math.min(end, cuts[next]?.place ?? end)
        parts.push({ text: text.slice(from - start, to - start), scored })
        from = to
      }
    start = end
  }
  return parts
}
