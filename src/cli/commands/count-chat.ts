import { countChat } from '../../tokenizer/chat/chat.ts'
import type { ChatTool } from '../../tokenizer/chat/function-text.ts'
import type { ChatMessage } from '../../tokenizer/chat/message.ts'
import { CliFailure, usageFailure } from '../failure.ts'
import { readInput } from '../input.ts'
import { write, writeJson } from '../output.ts'

export interface CountChatFlags {
  readonly chat: string
  readonly model?: string
  readonly json?: boolean
}

/** `tokenmill count --chat FILE`: the messages of FILE, or the body of a request that has `messages` and maybe `tools`. */
export const countChatFile = async ({ chat, model, json }: CountChatFlags): Promise<void> => {
  if (model === undefined) throw usageFailure('pass --model with --chat: formats of chats differ')
  const { name, bytes } = await readInput(chat)
  let body: unknown
  try {
    body = JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw new CliFailure('ERR_INPUT', `${name} is not JSON: ${(error as Error).message}`, { cause: error })
  }
  const { messages, tools = undefined } = Array.isArray(body) ? { messages: body } : ((body ?? {}) as Body)
  const tokens = countChat(messages as ChatMessage[], { model, ...(tools && { tools }) })
  return json ? writeJson({ model, tokens, messages: (messages as unknown[]).length }) : write(`${tokens}\n`)
}

interface Body {
  readonly messages?: unknown
  readonly tools?: readonly ChatTool[]
}
