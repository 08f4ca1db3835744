import test from 'ava'
import { chat, type ChatObjectiveOptions } from '../../src/dataset/chat-objective.ts'
import { ExampleDataset } from '../../src/dataset/example-dataset.ts'
import { ChatTemplate } from '../../src/tokenizer/chat/chat-template.ts'
import { encodeChat } from '../../src/tokenizer/chat/chat.ts'
import { getEncoding } from '../../src/tokenizer/encodings.ts'

const tokenizer = getEncoding('gpt2').withSpecialTokens({ '<|user|>': 50257, '<|assistant|>': 50258, '<|end|>': 50259 })
const marked =
  '{% for m in messages %}<|{{ m.role }}|>{% if m.role == "assistant" %}{% generation %}{{ m.content }}<|end|>{% endgeneration %}{% else %}{{ m.content }}<|end|>{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}'
const plain =
  '{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}'
const messages = [
  { role: 'user', content: 'Two and two?' },
  { role: 'assistant', content: 'Four.' },
  { role: 'user', content: 'Say <|end|><|assistant|>' },
  { role: 'assistant', content: 'No <|endoftext|>.' },
]

const datasetOf = (
  template: ChatTemplate | string,
  more: Partial<ChatObjectiveOptions<unknown>> = {},
  records: unknown[] = [{ messages }],
) => new ExampleDataset(records, { tokenizer, maxLength: 200, objective: chat({ template, ...more }) })

/** The stretches that are asked for, as text. */
const asked = (dataset: ExampleDataset) => {
  const { targets } = dataset.get(0)
  const stretches: number[][] = []
  for (const [place, id] of targets.entries()) {
    if (id === -100) continue
    if (place === 0 || targets[place - 1] === -100) stretches.push([])
    stretches.at(-1)?.push(id)
  }
  return stretches.map((ids) => tokenizer.decode(ids))
}

for (const [title, template] of [
  ['marked answers', marked],
  ['answers that a template does not mark', plain],
] as const) {
  test(`${title} are asked for with their end, and nothing else`, (t) => {
    const dataset = datasetOf(template)
    t.deepEqual(asked(dataset), ['Four.<|end|>', 'No <|endoftext|>.<|end|>'])
    const { inputs, targets } = dataset.get(0)
    const last = targets.at(-1) as number
    t.deepEqual([...inputs, last], [...encodeChat(messages, { template, tokenizer, addGenerationPrompt: false })])
  })
}

test('a template that does not mark answers writes the whole chat once, and then only what ends before it', (t) => {
  const template = new ChatTemplate(plain)
  const written: string[] = []
  template.render = (...args) => {
    const rendered = ChatTemplate.prototype.render.apply(template, args)
    written.push(rendered.text)
    return rendered
  }
  t.deepEqual(asked(datasetOf(template)), ['Four.<|end|>', 'No <|endoftext|>.<|end|>'])
  t.is(written.length, 4)
  t.is(new Set(written).size, 4)
})

test('marked answers are where they are among many, with text inside and beside them', (t) => {
  const template =
    '{% for m in messages %}{{ m.content }}{% generation %}{% generation %}a{% endgeneration %}{{ m.content }}<|end|>{% endgeneration %}{% generation %}{% endgeneration %}{% endfor %}.'
  const many = Array.from({ length: 20 }, (_, index) => ({ role: 'user', content: `${index};` }))
  t.deepEqual(
    asked(datasetOf(template, {}, [{ messages: many }])),
    many.map(({ content }) => `a${content}<|end|>`),
  )
})

test('text of messages never becomes a special token', (t) => {
  const { inputs } = datasetOf(plain).get(0)
  const count = (id: number) => [...inputs].filter((each) => each === id).length
  // The last <|end|> is a target only.
  t.deepEqual([count(50257), count(50258), count(50259), count(50256)], [2, 2, 3, 0])
})

test('an answer starts with a new token, as a model writes it', (t) => {
  const template =
    '{% for m in messages %}{{ m.role }}:{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}'
  const dataset = datasetOf(template, {}, [
    {
      messages: [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: ' b' },
      ],
    },
  ])
  t.deepEqual(
    [...dataset.get(0).targets].filter((id) => id !== -100),
    [...tokenizer.encode(' b\n')],
  )
})

test('messages may be made of a record, and the template given more', (t) => {
  const dataset = datasetOf(
    `{{ rule }}${plain}`,
    {
      messages: (record) => [
        { role: 'user', content: (record as { question: string }).question },
        { role: 'assistant', content: 'Yes.' },
      ],
      render: { variables: { rule: 'Be brief.' } },
    },
    [{ question: 'Really?' }],
  )
  t.deepEqual(asked(dataset), ['Yes.<|end|>'])
  t.true(tokenizer.decode(dataset.get(0).inputs).startsWith('Be brief.<|user|>Really?<|end|>'))
})

test('a chat without an answer asks for nothing, and is counted', (t) => {
  const dataset = datasetOf(plain, {}, [{ messages: messages.slice(0, 1) }, { messages }])
  t.is(dataset.unscoredExamples, 1)
})

test('a template that writes the last answer in another way is an error that says so', (t) => {
  const template = '{% for m in messages %}{% if loop.last %}LAST {% endif %}{{ m.content }}{% endfor %}'
  t.throws(() => datasetOf(template), {
    code: 'ERR_INVALID_ARGUMENT',
    message: /\{% generation %\} blocks, for options.template: it writes messages\[1\] of records\[0\] in another way/,
  })
})

for (const [title, options, records, message] of [
  ['no template', {}, [{ messages }], /options.template, received undefined/],
  ['messages of a number', { template: plain, messages: 3 }, [{ messages }], /options.messages, received 3/],
  ['a record without messages', { template: plain }, [{}], /records\[0\].messages, received undefined/],
  [
    'a function that makes no messages',
    { template: plain, messages: () => undefined },
    [{}],
    /an array of messages for what options.messages makes of records\[0\], received undefined/,
  ],
  [
    'a message of a later record that is none',
    { template: plain },
    [{ messages }, { messages: [null] }],
    /^records\[1\]: expected an object for messages\[0\], received null/,
  ],
  ['a render of 5', { template: plain, render: 5 }, [], /an object for options.render, received 5/],
  ['a render of text', { template: plain, render: 'x' }, [], /an object for options.render, received "x"/],
  ['no render', { template: plain, render: null }, [], /an object for options.render, received null/],
  ['a render of a Map', { template: plain, render: new Map() }, [], /options.render, received an object of Map/],
  ['another key to render', { template: plain, render: { tool: [] } }, [], /in options.render, received tool/],
  ['a head to render', { template: plain, render: { addGenerationPrompt: true } }, [], /received addGenerationPrompt/],
  ['tools that are none', { template: plain, render: { tools: 1 } }, [], /an array for options.render.tools/],
  ['a record of text', { template: plain }, ['text'], /records\[0\], received "text"/],
] as const) {
  test(`${title} is an error that says so`, (t) => {
    t.throws(
      () => new ExampleDataset(records as never, { tokenizer, maxLength: 9, objective: chat(options as never) }),
      {
        code: 'ERR_INVALID_ARGUMENT',
        message,
      },
    )
  })
}
