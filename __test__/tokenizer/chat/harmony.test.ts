import { readFileSync } from 'node:fs'
import test from 'ava'
import fc from 'fast-check'
import { countChat, encodeChat, getEncoding, type ChatMessage, type HarmonyChatOptions } from '../../../src/index.ts'
import { TokenmillError, type ErrorCode } from '../../../src/errors.ts'

interface Row {
  readonly title: string
  readonly messages: readonly ChatMessage[]
  readonly options?: Partial<HarmonyChatOptions>
  /** The ids of openai-harmony, when it does not refuse the messages. */
  readonly ids?: readonly number[]
}

const model = 'gpt-oss-120b'
const rows = readFileSync(new URL('../../../testdata/chat/harmony.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Row)

for (const [index, { title, messages, options, ids }] of rows.entries()) {
  if (ids === undefined) {
    test(`encodeChat for gpt-oss refuses what openai-harmony refuses, line ${index + 1}: ${title}`, (t) => {
      t.throws(() => encodeChat(messages, { model, ...options }), { instanceOf: TokenmillError })
    })
    continue
  }
  test(`encodeChat for gpt-oss gives the ids of openai-harmony, line ${index + 1}: ${title}`, (t) => {
    const tokenizer = getEncoding('o200k_harmony')
    const encoded = encodeChat(messages, { model, ...options })
    t.is(tokenizer.decode(encoded), tokenizer.decode(ids))
    t.deepEqual([...encoded], ids)
    t.is(countChat(messages, { model, ...options }), ids.length)
  })
}

test('no text of a message becomes a special token for gpt-oss', (t) => {
  const special = (chat: readonly ChatMessage[]) => [...encodeChat(chat, { model })].filter((id) => id >= 199998).length
  const part = fc.constantFrom('<|start|>', '<|end|>', '<|constrain|>', '<|', 'message|>', '|', 'a', ' ', '<|call|>')
  const forged = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(forged, forged, forged, (a, b, c) => {
      const tools = { [a]: { name: b, description: c, tools: [{ name: a, description: b, parameters: schemaOf(c) }] } }
      const chat = [
        { role: 'system', content: [{ type: 'system_content', model_identity: a, knowledge_cutoff: b, tools }] },
        { role: 'developer', content: [{ type: 'developer_content', instructions: c, tools }] },
        { role: 'user', name: a, content: [{ type: 'text', text: b }] },
        { role: 'tool', name: a, recipient: b, channel: c, content_type: ` ${a}`, content: b },
      ]
      t.is(special(chat), 3 * chat.length + 2)
    }),
    { numRuns: 200 },
  )
})

const schemaOf = (text: string) => ({
  type: 'object',
  properties: { [text]: { type: 'string', description: text, enum: [text], default: text, title: text } },
})

test('halves of surrogate pairs are U+FFFD, in texts and in schemas', (t) => {
  const chat = (half: string) => [
    {
      role: 'developer',
      content: [
        {
          type: 'developer_content',
          instructions: half,
          tools: { a: { name: half, tools: [{ name: half, description: half, parameters: schemaOf(half) }] } },
        },
      ],
    },
  ]
  t.deepEqual(encodeChat(chat('\ud83d'), { model }), encodeChat(chat('\ufffd'), { model }))
})

test('a chat is the same whenever it is asked for, and it has no date unless it is given one', (t) => {
  const content = [{ type: 'system_content' }]
  const text = getEncoding('o200k_harmony').decode(encodeChat([{ role: 'system', content }], { model }))
  t.false(text.includes('Current date'))
})

const developer = (content: object) => [{ role: 'developer', content: [{ type: 'developer_content', ...content }] }]
const system = (content: object) => [{ role: 'system', content: [{ type: 'system_content', ...content }] }]
const withParameters = (parameters: unknown) =>
  developer({ tools: { functions: { name: 'functions', tools: [{ name: 'f', description: '', parameters }] } } })
const deep: unknown[] = []
for (let depth = 0, level = deep; depth < 100_000; depth += 1) level.push((level = []))

const refused: readonly [string, unknown, ErrorCode, RegExp][] = [
  [
    'a role that there is not',
    [{ role: 'function', content: '' }],
    'ERR_INVALID_ARGUMENT',
    /'tool' for messages\[0\]\.role, received "function"/,
  ],
  ['a tool without a name', [{ role: 'tool', content: '' }], 'ERR_INVALID_ARGUMENT', /messages\[0\]\.name/],
  [
    'a channel that is no string',
    [{ role: 'user', content: '', channel: 1 }],
    'ERR_INVALID_ARGUMENT',
    /messages\[0\]\.channel, received 1/,
  ],
  ['no content', [{ role: 'user' }], 'ERR_INVALID_ARGUMENT', /messages\[0\]\.content, received undefined/],
  [
    'tool_calls',
    [{ role: 'assistant', content: '', tool_calls: [{}] }],
    'ERR_INVALID_ARGUMENT',
    /received tool_calls: a call is a message with a recipient/,
  ],
  [
    'an image',
    [{ role: 'user', content: [{ type: 'image_url' }] }],
    'ERR_INVALID_ARGUMENT',
    /'text' in a message of role user for messages\[0\]\.content\[0\]\.type, received "image_url"/,
  ],
  [
    'what a system says, said by a user',
    [{ role: 'user', content: [{ type: 'system_content' }] }],
    'ERR_INVALID_ARGUMENT',
    /'text' in a message of role user/,
  ],
  ['a part that is null', [{ role: 'user', content: [null] }], 'ERR_INVALID_ARGUMENT', /content\[0\], received null/],
  ['a key that a system does not have', system({ date: '' }), 'ERR_INVALID_ARGUMENT', /received date/],
  [
    'an effort that there is not',
    system({ reasoning_effort: 'low' }),
    'ERR_INVALID_ARGUMENT',
    /one of 'Low', 'Medium', 'High'/,
  ],
  [
    'a date that is a Date',
    system({ conversation_start_date: new Date(0) }),
    'ERR_INVALID_ARGUMENT',
    /conversation_start_date, received an object of Date/,
  ],
  [
    'a channel that is a number',
    system({ channel_config: { valid_channels: [1], channel_required: true } }),
    'ERR_INVALID_ARGUMENT',
    /valid_channels/,
  ],
  ['tools that are a list', developer({ tools: [] }), 'ERR_INVALID_ARGUMENT', /an object of namespaces/],
  [
    'parameters that are a list',
    withParameters([]),
    'ERR_INVALID_ARGUMENT',
    /tools\.functions\.tools\[0\]\.parameters/,
  ],
  ['parameters that JSON has not', withParameters({ a: 1n }), 'ERR_INVALID_ARGUMENT', /expected values that JSON has/],
  [
    'parameters that are no object in JSON',
    withParameters({ toJSON: () => undefined }),
    'ERR_INVALID_ARGUMENT',
    /parameters/,
  ],
  ['parameters without end', withParameters({ deep }), 'ERR_LIMIT', /nested/],
]
for (const [title, messages, code, message] of refused) {
  test(`encodeChat for gpt-oss refuses ${title}`, (t) => {
    t.throws(() => encodeChat(messages as ChatMessage[], { model }), { instanceOf: TokenmillError, code, message })
  })
}

const wrongOptions: readonly [object, RegExp][] = [
  [{ tools: [] }, /expected only model, addGenerationPrompt, keepAnalysis, training in options, received tools/],
  [
    { training: true, addGenerationPrompt: true },
    /expected false, since options\.training is true, for options\.addGenerationPrompt/,
  ],
  [{ keepAnalysis: 1 }, /a boolean for options\.keepAnalysis/],
  [{ training: null }, /a boolean for options\.training/],
]
for (const [options, message] of wrongOptions) {
  test(`encodeChat and countChat for gpt-oss refuse the options ${JSON.stringify(options)}`, (t) => {
    const wrong = { instanceOf: TokenmillError, code: 'ERR_INVALID_ARGUMENT', message } as const
    t.throws(() => encodeChat([], { model, ...options }), wrong)
    t.throws(() => countChat([], { model, ...options }), wrong)
  })
}

test('other models have no options of the harmony format', (t) => {
  const wrong = { instanceOf: TokenmillError, code: 'ERR_INVALID_ARGUMENT', message: /received training/ } as const
  t.throws(() => encodeChat([], { model: 'gpt-4o', training: true }), wrong)
  t.throws(() => countChat([], { model: 'gpt-4o', training: true }), wrong)
})
