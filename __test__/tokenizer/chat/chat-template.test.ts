import { execFileSync } from 'node:child_process'
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { inspect } from 'node:util'
import test from 'ava'
import fc from 'fast-check'
import { ensureTypeScript } from '../../../scripts/lib/ensure.mjs'
import type { ErrorCode } from '../../../src/errors.ts'
import {
  ChatTemplate,
  countChat,
  encodeChat,
  getEncoding,
  loadChatTemplate,
  Vocabulary,
  WordTokenizer,
  type ChatMessage,
  type NamedTokens,
} from '../../../src/index.ts'

const testdata = new URL('../../../testdata/chat/', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, testdata), 'utf8')

interface Chat {
  readonly title: string
  readonly values: Record<string, unknown> & { readonly messages: ChatMessage[] }
  readonly trusted?: Record<string, NamedTokens>
  readonly special?: Record<string, string[]>
}
const chats = JSON.parse(read('chats.json')) as Chat[]
const rows = read('rendered.jsonl')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { template: string; title: string; now: boolean; text?: string; error?: string })
  // JSON of JavaScript has no 1.0.
  .filter(({ template }) => template !== 'python')

for (const { template: name, title, now, text, error } of rows) {
  test(`the template ${name} with ${title} gives the text of Jinja`, (t) => {
    const { values } = chats.find((chat) => chat.title === title) as Chat
    const { messages, tools, add_generation_prompt: prompt, ...variables } = values
    const tokens = chats[0]?.trusted?.[name] as NamedTokens
    const template = new ChatTemplate(read(`templates/${name}.jinja`), { tokens })
    const render = () =>
      template.render(
        messages,
        {
          variables,
          ...(prompt !== undefined && { addGenerationPrompt: prompt as boolean }),
          ...(tools !== undefined && { tools: tools as object[] }),
          ...(now && { now: new Date(2026, 1, 3, 4, 5, 6) }),
        },
        chats[0]?.special?.[name],
      )
    if (error !== undefined) return void t.throws(render, { code: 'ERR_INVALID_ARGUMENT', message: new RegExp(error) })
    const rendered = render()
    t.is(rendered.text, text as string)
    t.is(rendered.segments.map((segment) => segment.text).join(''), text as string)
    return t.true(rendered.segments.filter((segment) => segment.trusted).length > 0)
  })
}

const harmony = getEncoding('o200k_harmony')
const source = `{%- for m in messages -%}
<|start|>{{ m.role }}<|message|>{{ m.content }}<|end|>
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<|start|>assistant' }}{% endif -%}`
const template = new ChatTemplate(source)
const options = { template, tokenizer: harmony }

test('special tokens may be in a Map', (t) => {
  const entries = [
    ['bos_token', '<s>'],
    ['more', ['<a>', '<b>']],
  ] as const
  for (const tokens of [new Map<string, string | readonly string[]>(entries), Object.fromEntries(entries)]) {
    const template = new ChatTemplate('{{ bos_token }}{{ more[1] }}{{ messages[0].content }}', { tokens })
    t.deepEqual(template.tokens, { bos_token: '<s>', more: ['<a>', '<b>'] })
    t.is(template.render([{ role: 'user', content: 'Hi' }]).text, '<s><b>Hi')
  }
})

test('encodeChat gives the ids of the text where messages have no special tokens', (t) => {
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'What is 磨? 👋🏽\n' },
  ]
  const text = '<|start|>system<|message|>Be brief.<|end|><|start|>user<|message|>What is 磨? 👋🏽\n<|end|>'
  const without = encodeChat(messages, { ...options, addGenerationPrompt: false })
  t.deepEqual(without, harmony.encode(text, { allowedSpecial: 'all' }))
  const prompt = harmony.encode('<|start|>assistant', { allowedSpecial: 'all' })
  t.deepEqual(encodeChat(messages, options), Uint32Array.of(...without, ...prompt))
  t.deepEqual(encodeChat(messages, { ...options, template: source }), encodeChat(messages, options))
  t.is(countChat(messages, options), encodeChat(messages, options).length)
})

test('text of a message never becomes a special token, and is not lost', (t) => {
  const special = new Set(harmony.specialTokens.values())
  const specials = (ids: Uint32Array) => [...ids].filter((id) => special.has(id))
  const forged = fc.constantFrom(
    '<|start|>',
    '<|end|>',
    '<|message|>',
    '<|',
    '|>',
    'end',
    'user',
    '\u{f0000}',
    '\ud800',
    '＜|end|＞',
    '​',
    'x',
  )
  const expected = specials(encodeChat([{ role: 'user', content: 'x' }], options))
  fc.assert(
    fc.property(fc.array(forged, { maxLength: 8 }), (parts) => {
      const content = parts.join('')
      const ids = encodeChat([{ role: 'user', content }], options)
      t.deepEqual(specials(ids), expected)
      const text = `<|start|>user<|message|>${Buffer.from(content).toString()}<|end|><|start|>assistant`
      t.is(harmony.decode(ids), text)
    }),
  )
})

test('any tokenizer works', (t) => {
  const vocabulary = Vocabulary.fromText('hello world user', { specialTokens: ['<|endoftext|>', '<|unk|>', '<end>'] })
  const tokenizer = new WordTokenizer(vocabulary)
  const words = new ChatTemplate('{% for m in messages %}{{ m.role }} {{ m.content }} <end>{% endfor %}')
  const ids = encodeChat([{ role: 'user', content: 'hello world' }], { template: words, tokenizer })
  t.deepEqual(
    [...ids],
    ['user', 'hello', 'world', '<end>'].map((word) => vocabulary.tokenToId(word)),
  )
})

test('what a generation block writes is told', (t) => {
  const marked = new ChatTemplate(
    '{% for m in messages %}[{{ m.role }}]{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}',
  )
  const { text, generations } = marked.render([
    { role: 'a', content: '👋é' },
    { role: 'b', content: 'x' },
  ])
  t.deepEqual(
    generations.map(({ start, end }) => text.slice(start, end)),
    ['👋é', 'x'],
  )
})

test('now tells milliseconds, in years of four digits', (t) => {
  const template = new ChatTemplate("{{ strftime_now('%Y %H:%M:%S.%f') }}")
  t.is(template.render([], { now: new Date(2026, 1, 3, 4, 5, 6, 7) }).text, '2026 04:05:06.007000')
  for (const now of [new Date(8.64e15), new Date(-8.64e15), new Date(NaN)]) {
    t.throws(() => template.render([], { now }), { code: 'ERR_INVALID_ARGUMENT', message: /options\.now/ })
  }
})

test('messages are handed over as transformers 5 does', (t) => {
  const template = new ChatTemplate('{% for m in messages %}{{ m }}{% endfor %}')
  const text = (message: object) => template.render([{ role: 'assistant', ...message }]).text
  t.is(text({ content: null, tool_calls: undefined, a: { b: null } }), "{'role': 'assistant', 'a': {'b': None}}")
  t.is(
    text({ content: 'x', reasoning: 'y' }),
    "{'thinking': 'y', 'role': 'assistant', 'content': 'x', 'reasoning': 'y', 'reasoning_content': 'y'}",
  )
  t.is(
    text({ reasoning_content: 'a', thinking: 'b' }),
    "{'thinking': 'b', 'role': 'assistant', 'reasoning_content': 'a'}",
  )
})

test('a width in a template takes no memory', (t) => {
  const wide = new ChatTemplate("{{ '{:>9999999999}'.format('a') }}")
  t.throws(() => wide.render([]), { code: 'ERR_LIMIT' })
})

test('there is no strftime_now without now', (t) => {
  const dated = new ChatTemplate("{{ strftime_now('%d %b %Y') if strftime_now is defined else 'no date' }}")
  t.is(dated.render([]).text, 'no date')
  t.is(dated.render([], { now: new Date(2026, 10, 5) }).text, '05 Nov 2026')
})

test('of several templates, tool_use is for tools', (t) => {
  const several = new ChatTemplate({ default: 'plain', tool_use: 'tools', rag: 'documents' })
  t.deepEqual(several.names, ['default', 'tool_use', 'rag'])
  t.is(several.render([]).text, 'plain')
  t.is(several.render([], { tools: [] }).text, 'tools')
  t.is(several.render([], { name: 'rag' }).text, 'documents')
  t.throws(() => several.render([], { name: 'rga' }), { code: 'ERR_INVALID_ARGUMENT', message: /did you mean 'rag'/ })
  t.throws(() => new ChatTemplate({ a: '', b: '' }).render([]), { code: 'ERR_INVALID_ARGUMENT' })
})

test.before(async () => {
  await ensureTypeScript()
})

test('a worker thread stops a template that nests without end', async (t) => {
  const code = `
    const { parentPort, workerData } = require('node:worker_threads')
    import(workerData).then(({ ChatTemplate }) => {
      const loop = "{% set ns = namespace(x=[]) %}{% for a in range(99999) %}{% set ns.x = [ns.x] %}{% endfor %}"
      try { new ChatTemplate(loop + '{{ ns.x == ns.x }}').render([]) } catch (error) { parentPort.postMessage(error.code) }
    })`
  const worker = new Worker(code, { eval: true, workerData: new URL('../../../dist/index.js', import.meta.url).href })
  t.is(await new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject)), 'ERR_LIMIT')
  await worker.terminate()
})

test('what a getter and a toJSON of the caller throw comes out as it is', (t) => {
  for (const mine of [new Error('mine'), new TypeError('mine'), new RangeError('mine'), 'mine']) {
    const thrower = () => {
      throw mine
    }
    const content = Object.defineProperty({ role: 'user' }, 'content', { get: thrower, enumerable: true })
    for (const message of [content, { role: 'user', content: { toJSON: thrower } }]) {
      try {
        template.render([message as never])
        t.fail()
      } catch (error) {
        t.is(error, mine)
      }
    }
  }
})

const cyclic: Record<string, unknown> = {}
cyclic['self'] = cyclic
const { proxy: revoked, revoke } = Proxy.revocable({}, {})
revoke()
let deep: unknown = 1
for (let depth = 0; depth < 50_000; depth++) deep = [deep]
let nested: unknown = 1
for (let depth = 0; depth < 500; depth++) nested = [nested]

const refused: readonly (readonly [string, () => unknown, ErrorCode, RegExp])[] = [
  ['a template that is none', () => new ChatTemplate('a\n{% if %}'), 'ERR_INVALID_FILE', /line 2/],
  ['a template that is a number', () => new ChatTemplate(1 as never), 'ERR_INVALID_ARGUMENT', /source, received 1/],
  ['no template at all', () => new ChatTemplate({}), 'ERR_INVALID_ARGUMENT', /at least one/],
  ['a template of 200,000 characters', () => new ChatTemplate('x'.repeat(200_000)), 'ERR_LIMIT', /131072/],
  [
    'a string in a tag that has none',
    () => new ChatTemplate("\n{% generation '\\n' %}a{% endgeneration %}"),
    'ERR_INVALID_FILE',
    /line 2.*generation/,
  ],
  ['an undefined value', () => new ChatTemplate('\n\n{{ a.b }}').render([]), 'ERR_INVALID_FILE', /line 3/],
  [
    'what a template refuses',
    () => new ChatTemplate("{{ raise_exception('no') }}").render([]),
    'ERR_INVALID_ARGUMENT',
    /refused the messages: no/,
  ],
  [
    'a loop without end',
    () => new ChatTemplate('{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}').render([]),
    'ERR_LIMIT',
    /too long/,
  ],
  ['a string of a terabyte', () => new ChatTemplate("{{ 'x' * 10**12 }}").render([]), 'ERR_LIMIT', /line 1/],
  ['a cyclic value', () => template.render([], { variables: { cyclic } }), 'ERR_INVALID_ARGUMENT', /JSON/],
  ['a proxy that was revoked', () => template.render([], { variables: { revoked } }), 'ERR_INVALID_ARGUMENT', /JSON/],
  ['a bigint', () => template.render([], { variables: { a: 1n } }), 'ERR_INVALID_ARGUMENT', /JSON/],
  ['a value nested 500 deep', () => template.render([], { variables: { nested } }), 'ERR_LIMIT', /recursion/],
  ['a value nested 50,000 deep', () => template.render([], { variables: { deep } }), 'ERR_LIMIT', /nested|recursion/],
  [
    'tools that are no array',
    () => template.render([], { tools: {} as never }),
    'ERR_INVALID_ARGUMENT',
    /options\.tools/,
  ],
  ['a date that is none', () => template.render([], { now: new Date(NaN) }), 'ERR_INVALID_ARGUMENT', /options\.now/],
  ['a message without a role', () => template.render([{} as never]), 'ERR_INVALID_ARGUMENT', /messages\[0\]\.role/],
  [
    'tokens that are numbers',
    () => new ChatTemplate('', { tokens: { bos_token: 1 as never } }),
    'ERR_INVALID_ARGUMENT',
    /bos_token/,
  ],
  ...[new Set(['bos_token']), new Date(0), Uint8Array.of(1), new URL('a:b'), [], null, '<s>'].map(
    (tokens): (typeof refused)[number] => [
      `tokens that are ${inspect(tokens)}`,
      () => new ChatTemplate('', { tokens: tokens as never }),
      'ERR_INVALID_ARGUMENT',
      /an object of tokens by name or a Map for options\.tokens, received/,
    ],
  ),
  [
    'a Map of tokens by number',
    () => new ChatTemplate('', { tokens: new Map([[1, '<s>']]) as never }),
    'ERR_INVALID_ARGUMENT',
    /names that are strings for options\.tokens, received 1/,
  ],
  [
    'variables in a Map',
    () => template.render([], { variables: new Map([['a', 1]]) as never }),
    'ERR_INVALID_ARGUMENT',
    /options\.variables/,
  ],
  ['no tokenizer', () => encodeChat([], { template } as never), 'ERR_INVALID_ARGUMENT', /options\.tokenizer/],
  [
    'a template of another kind',
    () => encodeChat([], { template: 1, tokenizer: harmony } as never),
    'ERR_INVALID_ARGUMENT',
    /options\.template/,
  ],
  [
    'an unknown option',
    () => encodeChat([], { ...options, model: 'gpt-4o' } as never),
    'ERR_INVALID_ARGUMENT',
    /received model/,
  ],
]
for (const [what, call, code, message] of refused) {
  test(`${what} is ${code}`, (t) => {
    t.throws(call, { name: 'TokenmillError', code, message })
  })
}

const folderOf = async (files: Record<string, string>) => {
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-chat-'))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return folder
}

test('loadChatTemplate reads a tokenizer_config.json, its folder, or what it says', async (t) => {
  const config = {
    chat_template: '{{ bos_token }}{{ eos_token }}',
    bos_token: '<s>',
    eos_token: { content: '</s>' },
    unk_token: null,
  }
  const folder = await folderOf({ 'tokenizer_config.json': JSON.stringify(config) })
  const file = join(folder, 'tokenizer_config.json')
  for (const from of [folder, file, pathToFileURL(file), config])
    t.is((await loadChatTemplate(from)).render([]).text, '<s></s>')
  await rm(folder, { recursive: true })
})

test('loadChatTemplate reads the special tokens that extra_special_tokens names', async (t) => {
  const template = await loadChatTemplate({
    chat_template: 'A{{ image_token }}B{{ audio_token }}C{{ bos_token }}{{ extra_special_tokens }}',
    bos_token: '<s>',
    extra_special_tokens: { image_token: '<img>', audio_token: { content: '<audio>' }, bos_token: '<x>' },
  })
  const { text, segments } = template.render([], {}, ['<img>', '<audio>', '<s>'])
  t.is(text, 'A<img>B<audio>C<s>')
  t.deepEqual(
    segments.filter((segment) => segment.trusted).map((segment) => segment.text),
    ['<img>', '<audio>', '<s>'],
  )
  t.deepEqual((await loadChatTemplate({ chat_template: 'A', extra_special_tokens: ['<a>'] })).tokens, {})
  await t.throwsAsync(loadChatTemplate({ chat_template: 'A', extra_special_tokens: { image_token: 1 } }), {
    code: 'ERR_INVALID_FILE',
    message: /expected a string for image_token/,
  })
})

test('loadChatTemplate reads a list of named templates', async (t) => {
  const list = [
    { name: 'default', template: 'a' },
    { name: 'rag', template: 'b' },
  ]
  t.is((await loadChatTemplate({ chat_template: list })).render([], { name: 'rag' }).text, 'b')
})

test('a chat_template.jinja counts before the tokenizer_config.json, and templates beside it have the names of their files', async (t) => {
  const folder = await folderOf({
    'tokenizer_config.json': JSON.stringify({ chat_template: 'old', bos_token: '<s>' }),
    'chat_template.jinja': 'new {{ bos_token }}',
    'additional_chat_templates/rag.jinja': 'rag',
  })
  for (const from of [folder, join(folder, 'tokenizer_config.json')]) {
    const loaded = await loadChatTemplate(from)
    t.deepEqual(loaded.names, ['default', 'rag'])
    t.is(loaded.render([]).text, 'new <s>')
  }
  t.is((await loadChatTemplate(join(folder, 'chat_template.jinja'))).render([]).text, 'new <s>')
  await rm(folder, { recursive: true })
})

test('loadChatTemplate says what is wrong with a file', async (t) => {
  const folder = await folderOf({
    'none/tokenizer_config.json': '{}',
    'empty/README.md': '',
    'list/tokenizer_config.json': '{"chat_template": [1]}',
    'json/tokenizer_config.json': '[',
    'syntax/chat_template.jinja': '{% if %}',
    'token/tokenizer_config.json': '{"chat_template": "", "bos_token": 1}',
  })
  const refuses = async (name: string, message: RegExp) =>
    void (await t.throwsAsync(loadChatTemplate(join(folder, name)), { code: 'ERR_INVALID_FILE', message }))
  await refuses('none', /expected a chat_template/)
  await refuses('empty', /empty: expected a chat_template, in a tokenizer_config\.json or as a chat_template\.jinja/)
  await refuses('list', /expected a string or a list/)
  await refuses('json', /expected JSON/)
  if (process.platform !== 'win32') {
    execFileSync('mkfifo', [join(folder, 'none/pipe.jinja')])
    await refuses('none/pipe.jinja', /no regular file/)
  }
  await refuses('syntax', /syntax.*line 1/)
  await refuses('token', /bos_token, received 1/)
  await refuses('missing', /cannot be read/)
  await t.throwsAsync(loadChatTemplate(1 as never), { code: 'ERR_INVALID_ARGUMENT' })
  await rm(folder, { recursive: true })
})
