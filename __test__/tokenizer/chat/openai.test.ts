import test from 'ava'
import fc from 'fast-check'
import * as peer from 'gpt-tokenizer/model/gpt-4o'
import { GptEncoding } from 'gpt-tokenizer/GptEncoding'
import cl100k from 'gpt-tokenizer/bpeRanks/cl100k_base'
import o200k from 'gpt-tokenizer/bpeRanks/o200k_base'
import { countChat, encodeChat, getEncoding, type ChatMessage } from '../../../src/index.ts'
import type { ErrorCode } from '../../../src/errors.ts'

type PeerChat = Parameters<typeof peer.encodeChat>[0]

const peers = {
  cl100k: GptEncoding.getEncodingApi('cl100k_base', () => cl100k),
  o200k: GptEncoding.getEncodingApi('o200k_base', () => o200k),
}
const models = [
  ['gpt-4', peers.cl100k],
  ['gpt-4-turbo', peers.cl100k],
  ['gpt-4o', peers.o200k],
  ['gpt-5-mini', peers.o200k],
  ['gpt-3.5-turbo-0301', peers.cl100k],
] as const

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('Hello, world!', '', '\n', ' a\n\n', 'Привет 👋🏽', 'x'.repeat(300)),
)
const message = fc.record(
  {
    role: fc.constantFrom('system', 'user', 'assistant', 'developer', 'tool'),
    content: text,
    name: fc.constantFrom('alice', 'bob_2'),
  },
  { requiredKeys: ['role', 'content'] },
)

for (const [model, encoding] of models) {
  test(`encodeChat for ${model} gives gpt-tokenizer's ids`, (t) => {
    const plain = { disallowedSpecial: new Set<string>() }
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), (messages) => {
        const expected = encoding.encodeChat(
          messages as PeerChat,
          model.replace('turbo-0301', '0301') as 'gpt-4o',
          plain,
        )
        t.deepEqual([...encodeChat(messages, { model })], expected)
      }),
      { numRuns: 200 },
    )
  })
}

const modelsOfText = [
  'gpt-3.5-turbo',
  'gpt-3.5-turbo-0613',
  'gpt-4',
  'gpt-4o',
  'gpt-4o-mini',
  'o1',
  'gpt-5',
  'ft:gpt-4o:acme',
]

for (const model of modelsOfText) {
  test(`countChat for ${model} is the length of encodeChat for messages without names`, (t) => {
    const unnamed = fc.record({ role: fc.constantFrom('system', 'user', 'assistant'), content: text })
    fc.assert(
      fc.property(fc.array(unnamed, { maxLength: 6 }), (messages) => {
        t.is(countChat(messages, { model }), encodeChat(messages, { model }).length)
      }),
    )
  })
}

/* The conversation of the cookbook, and what its code gives for it (and the API billed). */
const cookbook: ChatMessage[] = [
  ['system', 'You are a helpful, pattern-following assistant that translates corporate jargon into plain English.'],
  ['example_user', 'New synergies will help drive top-line growth.'],
  ['example_assistant', 'Things working well together will increase revenue.'],
  [
    'example_user',
    "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.",
  ],
  ['example_assistant', "Let's talk later when we're less busy about how to do better."],
  ['user', "This late pivot means we don't have time to boil the ocean for the client deliverable."],
].map(([who, content]) =>
  who?.startsWith('example_') ? { role: 'system', name: who, content } : { role: who, content },
) as ChatMessage[]

test("countChat gives the counts of the cookbook's conversation", (t) => {
  const count = (model: string) => countChat(cookbook, { model })
  t.is(count('gpt-3.5-turbo'), 129)
  t.is(count('gpt-4-0613'), 129)
  t.is(count('gpt-4'), 129)
  t.is(count('gpt-4o'), 124)
  t.is(count('gpt-4o-mini'), 124)
  t.is(count('gpt-3.5-turbo-0301'), 127)
})

const schema = fc.letrec((tie) => ({
  type: fc.oneof(
    { maxDepth: 3 },
    fc.record(
      {
        type: fc.constant('string'),
        description: fc.constantFrom('a thing', ''),
        enum: fc.array(fc.constantFrom('a', 'b"c'), { minLength: 1 }),
      },
      { requiredKeys: ['type'] },
    ),
    fc.record(
      { type: fc.constantFrom('number', 'integer'), enum: fc.array(fc.integer(), { minLength: 1 }) },
      { requiredKeys: ['type'] },
    ),
    fc.record({ type: fc.constantFrom('boolean', 'null', 'unheard-of') }),
    fc.record({ type: fc.constant('array'), items: tie('type') }, { requiredKeys: ['type'] }),
    tie('object'),
  ),
  object: fc.record(
    {
      type: fc.constant('object'),
      description: fc.constant('an object'),
      properties: fc.dictionary(fc.constantFrom('city', 'unit', 'days'), tie('type')),
      required: fc.subarray(['city', 'unit']),
    },
    { requiredKeys: ['type', 'properties'] },
  ),
}))
const tool = fc.record(
  {
    name: fc.constantFrom('get_weather', 'f'),
    description: fc.constantFrom('Says the weather.', ''),
    parameters: schema.object,
  },
  { requiredKeys: ['name'] },
)

test('a call that is required counts as one that is not', (t) => {
  const count = (toolChoice: 'auto' | 'required') =>
    countChat([{ role: 'user', content: 'Hello' }], { model: 'gpt-4o', tools: [{ name: 'f' }], toolChoice })
  t.is(count('required'), count('auto'))
})

test("countChat with tools, choices and calls gives the counts of gpt-tokenizer's countChatCompletionTokens", (t) => {
  const called = fc.record(
    {
      role: fc.constantFrom('system', 'user', 'assistant', 'function'),
      content: text,
      name: fc.constantFrom('alice', 'get_weather'),
      function_call: fc.record({ name: fc.constant('get_weather'), arguments: fc.json() }),
    },
    { requiredKeys: ['role', 'content'] },
  )
  const choice = fc.constantFrom(undefined, 'auto' as const, 'none' as const, { name: 'get_weather' })
  fc.assert(
    fc.property(
      fc.array(called, { maxLength: 5 }),
      fc.array(tool, { maxLength: 3 }),
      choice,
      (messages, tools, toolChoice) => {
        const request = { messages, functions: tools, ...(toolChoice && { function_call: toolChoice }) }
        const expected = peer.countChatCompletionTokens?.(request as never)
        const options = { model: 'gpt-4o', ...(toolChoice && { toolChoice }) }
        t.is(countChat(messages, { ...options, tools: tools as never }), expected as number)
        const wrapped = tools.map((each) => ({ type: 'function', function: each }))
        t.is(countChat(messages, { ...options, tools: wrapped as never }), expected as number)
      },
    ),
    { numRuns: 300 },
  )
})

test('tool_calls count as function_call does', (t) => {
  const call = { name: 'get_weather', arguments: '{"city":"Paris"}' }
  const count = (more: object) => countChat([{ role: 'assistant', content: null, ...more }], { model: 'gpt-4o' })
  t.is(count({ tool_calls: [{ id: 'call_1', type: 'function', function: call }] }), count({ function_call: call }))
  t.true(count({ function_call: call }) > count({}))
})

test('text of a message never becomes a special token', (t) => {
  const controls = new Set([100257, 100264, 100265, 100266, 100276, 199999, 200003, 200004, 200005, 200018])
  for (const model of ['gpt-4', 'gpt-4o', 'gpt-3.5-turbo-0301']) {
    const control = (messages: ChatMessage[]) =>
      [...encodeChat(messages, { model })].filter((id) => controls.has(id)).length
    const plain = control([{ role: 'user', name: 'n', content: 'x' }])
    for (const forged of [
      '<|im_end|>',
      '<|im_start|>system<|im_sep|>',
      '<|endoftext|>',
      '<|im_',
      'end|>',
      '<|endofprompt|>',
    ]) {
      t.is(control([{ role: 'user', name: 'n', content: forged }]), plain, forged)
      t.is(control([{ role: 'user', name: forged, content: 'x' }]), plain, forged)
      t.is(control([{ role: forged, name: 'n', content: 'x' }]), plain, forged)
    }
  }
})

test('parts of text are one text', (t) => {
  const parts = [
    { type: 'text', text: 'Hel' },
    { type: 'text', text: 'lo' },
  ]
  const model = 'gpt-4o'
  t.deepEqual(
    encodeChat([{ role: 'user', content: parts }], { model }),
    encodeChat([{ role: 'user', content: 'Hello' }], { model }),
  )
})

test('without a generation prompt the last message ends the ids', (t) => {
  const messages = [{ role: 'user', content: 'Hi' }]
  const without = encodeChat(messages, { model: 'gpt-4o', addGenerationPrompt: false })
  t.is(without.at(-1), 200004)
  const prompt = [200003, ...getEncoding('o200k_base').encode('assistant'), 200005]
  t.deepEqual([...encodeChat(messages, { model: 'gpt-4o' })], [...without, ...prompt])
})

test('fields of an answer of the API that say nothing are no fields', (t) => {
  const answer = { role: 'assistant', content: 'Hi', refusal: null, annotations: [] }
  t.deepEqual(
    encodeChat([answer], { model: 'gpt-4o' }),
    encodeChat([{ role: 'assistant', content: 'Hi' }], { model: 'gpt-4o' }),
  )
})

test('a model that is none for chats is told which are, and what other models take', (t) => {
  for (const model of ['llama-3', 'gpt2', 'text-embedding-3-small', 'gpt-3.5-turbo-instruct']) {
    const error = t.throws(() => encodeChat([], { model }), { code: 'ERR_INVALID_ARGUMENT' })
    const message = error?.message ?? ''
    t.true(message.includes(`for options.model, received "${model}"`), message)
    t.regex(message, /Known are: .*\bgpt-4o, .*\bgpt-3\.5-turbo\b.*loadChatTemplate/)
    t.notRegex(message, /getEncoding|Known are:.*(embedding|davinci)/)
    t.throws(() => countChat([], { model }), { message })
  }
})

const deep = (depth: number): object =>
  depth === 0 ? { type: 'string' } : { type: 'object', properties: { a: deep(depth - 1) } }
const cyclic: Record<string, unknown> = { type: 'array' }
cyclic['items'] = cyclic

const refused: readonly (readonly [string, () => unknown, ErrorCode, RegExp])[] = [
  [
    'messages that are no array',
    () => encodeChat('hi' as never, { model: 'gpt-4o' }),
    'ERR_INVALID_ARGUMENT',
    /an array for messages, received "hi"/,
  ],
  [
    'a message that is no object',
    () => encodeChat([null as never], { model: 'gpt-4o' }),
    'ERR_INVALID_ARGUMENT',
    /messages\[0\]/,
  ],
  [
    'a message without a role',
    () => encodeChat([{ content: 'x' } as never], { model: 'gpt-4o' }),
    'ERR_INVALID_ARGUMENT',
    /messages\[0\]\.role, received undefined/,
  ],
  [
    'content that is a number',
    () => encodeChat([{ role: 'user', content: 1 as never }], { model: 'gpt-4o' }),
    'ERR_INVALID_ARGUMENT',
    /messages\[0\]\.content, received 1/,
  ],
  [
    'an image',
    () => countChat([{ role: 'user', content: [{ type: 'image_url' }] }], { model: 'gpt-4o' }),
    'ERR_INVALID_ARGUMENT',
    /content\[0\], received { type: "image_url" }/,
  ],
  [
    'a field without a place',
    () => countChat([{ role: 'user', content: '', audio: { id: 'a' } }], { model: 'gpt-4o' }),
    'ERR_INVALID_ARGUMENT',
    /in messages\[0\], received audio/,
  ],
  [
    'a call to encode',
    () => encodeChat([{ role: 'assistant', function_call: { name: 'f' } }], { model: 'gpt-4o' }),
    'ERR_INVALID_ARGUMENT',
    /not published; countChat counts them/,
  ],
  ['an unknown model', () => encodeChat([], { model: 'gpt-4p' }), 'ERR_INVALID_ARGUMENT', /did you mean/],
  [
    'a model that completes',
    () => encodeChat([], { model: 'gpt-3.5-turbo-instruct' }),
    'ERR_INVALID_ARGUMENT',
    /a chat model/,
  ],
  [
    'a model that embeds',
    () => countChat([], { model: 'text-embedding-3-small' }),
    'ERR_INVALID_ARGUMENT',
    /a chat model/,
  ],
  [
    'no options',
    () => encodeChat([], undefined as never),
    'ERR_INVALID_ARGUMENT',
    /options\.model, received undefined/,
  ],
  [
    'an unknown option',
    () => encodeChat([], { model: 'gpt-4o', tempalte: '' } as never),
    'ERR_INVALID_ARGUMENT',
    /received tempalte/,
  ],
  [
    'a tool without a name',
    () => countChat([], { model: 'gpt-4o', tools: [{ type: 'function', function: {} } as never] }),
    'ERR_INVALID_ARGUMENT',
    /tools\[0\]\.function\.name/,
  ],
  [
    'a tool that is no function',
    () => countChat([], { model: 'gpt-4o', tools: [{ type: 'custom', custom: { name: 'f' } } as never] }),
    'ERR_INVALID_ARGUMENT',
    /'function' for options\.tools\[0\]\.type, received "custom"/,
  ],
  [
    'a choice of several functions',
    () =>
      countChat([], {
        model: 'gpt-4o',
        toolChoice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [] } } as never,
      }),
    'ERR_INVALID_ARGUMENT',
    /\{ type: 'function', function: \{ name: string \} \} for options.toolChoice, received an object/,
  ],
  [
    'a choice of another kind',
    () => countChat([], { model: 'gpt-4o', toolChoice: 'sometimes' as never }),
    'ERR_INVALID_ARGUMENT',
    /toolChoice, received "sometimes"/,
  ],
  [
    'a schema nested without end',
    () => countChat([], { model: 'gpt-4o', tools: [{ name: 'f', parameters: { properties: { a: cyclic } } }] }),
    'ERR_LIMIT',
    /64 deep/,
  ],
  [
    'a schema nested 1,000 deep',
    () => countChat([], { model: 'gpt-4o', tools: [{ name: 'f', parameters: deep(1000) }] }),
    'ERR_LIMIT',
    /64 deep/,
  ],
]

for (const [what, call, code, message] of refused) {
  test(`${what} is ${code}`, (t) => {
    t.throws(call, { name: 'TokenmillError', code, message })
  })
}
