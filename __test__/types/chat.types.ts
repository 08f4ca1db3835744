import { type ChatMessage, ChatTemplate, countChat, encodeChat } from 'tokenmill'

/* The types of chat APIs are interfaces and unions of them, without index signatures. */
interface TextPart {
  type: 'text'
  text: string
}
interface ImagePart {
  type: 'image_url'
  image_url: { url: string; detail?: 'low' | 'high' }
}
interface UserMessage {
  role: 'user'
  content: string | TextPart[] | (TextPart | ImagePart)[]
  name?: string
}
interface FunctionCall {
  id: string
  type: 'function'
  function: { name: string; arguments: string }
}
interface CustomCall {
  id: string
  type: 'custom'
  custom: { name: string; input: string }
}
interface AssistantMessage {
  role: 'assistant'
  content: string | null
  refusal: string | null
  audio?: { id: string; expires_at: number } | null
  tool_calls?: (FunctionCall | CustomCall)[]
}
interface ToolMessage {
  role: 'tool'
  content: string | TextPart[]
  tool_call_id: string
}

declare const request: (UserMessage | AssistantMessage | ToolMessage)[]
declare const answer: AssistantMessage
countChat(request, { model: 'gpt-4o', toolChoice: 'required' })
encodeChat([...request, answer], { model: 'gpt-4o' })
declare const template: ChatTemplate
template.render(request)

interface Plain {
  role: string
  content: string
}
declare const plain: readonly Plain[]
countChat(plain, { model: 'gpt-4o' })

// A template reads whatever a message has.
const thinking: ChatMessage = { role: 'assistant', content: '4', thinking: 'two and two' }
template.render([thinking, { role: 'tool', content: [{ type: 'audio', seconds: 3 }], citations: [1, 2] }])
thinking.role satisfies string

// @ts-expect-error somebody speaks
countChat([{ content: 'Hello' }], { model: 'gpt-4o' })
// @ts-expect-error content is no number
countChat([{ role: 'user', content: 4 }], { model: 'gpt-4o' })
