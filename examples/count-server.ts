/*
 * A server that counts tokens: POST a text to /count?model=gpt-4o. Texts come from strangers, so special tokens in them are
 * plain text, and counting the worst of texts takes no longer than counting a good one of the same length.
 *
 * PORT=8080 node --import tsx examples/count-server.ts      (without PORT it asks itself once and stops)
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { encodingForModel, TokenmillError } from 'tokenmill'

const maxBytes = 1_000_000

class TooLong extends Error {}

const readBody = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBytes) throw new TooLong(`the text is longer than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const answer = async (request: IncomingMessage): Promise<[status: number, body: object]> => {
  const url = new URL(request.url ?? '/', 'http://localhost')
  if (request.method !== 'POST' || url.pathname !== '/count') return [404, { error: 'POST a text to /count' }]
  try {
    const tokenizer = encodingForModel(url.searchParams.get('model') ?? 'gpt-4o')
    return [200, { encoding: tokenizer.name, tokens: tokenizer.count(await readBody(request)) }]
  } catch (error) {
    if (error instanceof TooLong) return [413, { error: error.message }]
    if (error instanceof TokenmillError && error.code === 'ERR_INVALID_ARGUMENT') return [400, { error: error.message }]
    throw error
  }
}

const server = createServer((request: IncomingMessage, response: ServerResponse) => {
  const send = (status: number, body: object) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
  answer(request).then(
    ([status, body]) => send(status, body),
    (error: unknown) => {
      console.error(error)
      send(500, { error: 'internal error' })
    },
  )
})

server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1')
await once(server, 'listening')
const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/count`
console.log(`POST ${address}?model=gpt-4o`)

if (process.env['PORT'] === undefined) {
  for (const [model, body] of [
    ['gpt-4o', 'How many tokens is this? <|endoftext|>'],
    ['gpt-4', 'a'.repeat(500_000)],
    ['gpt-9o', 'a model that nobody made'],
    ['gpt-4o', 'x'.repeat(maxBytes + 1)],
  ] as const) {
    const response = await fetch(`${address}?model=${model}`, { method: 'POST', body })
    console.log(response.status, (await response.text()).trim())
  }
  server.close()
}
