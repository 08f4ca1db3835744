import { invalid } from '../../validate.ts'
import type { Tokenizer } from '../tokenizer.ts'
import { functionText, type ChatFunction } from './function-text.ts'
import { isObject, type PlainMessage } from './message.ts'

/*
 * What a chat is billed as. Messages: the rule of OpenAI's cookbook, exact for text. Functions and calls: what others found by trying, and an
 * estimate (the numbers are those of gpt-tokenizer's countChatCompletionTokens).
 */

/** `<|im_start|>`, `<|im_sep|>` and `<|im_end|>`; two line ends in the snapshots of March 2023. */
const perMessage = { chatml: 3, 'chatml-0301': 4 } as const
/** A name is one token more; in the snapshots of March 2023, it takes the place of the role. */
const perName = { chatml: 1, 'chatml-0301': -1 } as const
/** The answer begins with `<|im_start|>assistant<|im_sep|>`. */
const perAnswer = 3
const perCall = 3
const perFunctions = 9
/** A system message and functions share a head. */
const systemAndFunctions = -4
/** A message of role `function` has a shorter head. */
const functionRole = -2

/**
 * Whether, and which, function the model is told to call. What `'required'` adds is not known: it counts as `'auto'` does. Nor is how
 * a choice of several functions, OpenAI's `allowed_tools`, is written: it is none here.
 */
export type ToolChoice =
  | 'auto'
  | 'none'
  | 'required'
  | { readonly name: string }
  | { readonly type: 'function'; readonly function: { readonly name: string } }

/** The tokens that a chat is billed as. */
export const billedTokens = (
  tokenizer: Tokenizer,
  messages: readonly PlainMessage[],
  format: 'chatml' | 'chatml-0301',
  { functions, choice }: { readonly functions: readonly ChatFunction[]; readonly choice: ToolChoice | undefined },
): number => {
  const count = (text: string) => (text === '' ? 0 : tokenizer.count(text))
  const firstSystem = messages.findIndex(({ role }) => role === 'system')
  let total = perAnswer
  for (const [index, { role, content, name, calls }] of messages.entries()) {
    // The head of the functions is joined to the first system message by a line end.
    const joined = functions.length > 0 && index === firstSystem && content !== '' && !content.endsWith('\n')
    total += perMessage[format] + count(role) + count(joined ? `${content}\n` : content)
    if (name !== undefined && name !== '') total += perName[format] + count(name)
    for (const call of calls) total += perCall + count(call.name) + count(call.arguments)
    if (role === 'function') total += functionRole
  }
  if (functions.length > 0) {
    total += perFunctions + count(functionText(functions))
    if (firstSystem >= 0) total += systemAndFunctions
  }
  if (choice === 'none') total += 1
  else if (typeof choice === 'object') total += 4 + count('function' in choice ? choice.function.name : choice.name)
  return total
}

/** `choice` when it is a {@link ToolChoice}. */
export const checkedChoice = (name: string, choice: unknown): ToolChoice | undefined => {
  if (choice === undefined || choice === 'auto' || choice === 'none' || choice === 'required') return choice
  const named = isObject(choice) && isObject(choice['function']) ? choice['function'] : choice
  if (isObject(named) && typeof named['name'] === 'string') return choice as ToolChoice
  throw invalid(
    name,
    "'auto', 'none', 'required', { name: string } or { type: 'function', function: { name: string } }",
    choice,
  )
}
