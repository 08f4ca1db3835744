import { readFile } from 'node:fs/promises'
import test from 'ava'
import * as fc from 'fast-check'
import { ExampleDataset } from '../../src/dataset/example-dataset.ts'
import { chat } from '../../src/dataset/chat-objective.ts'
import { completion } from '../../src/dataset/example-objective.ts'
import { encodeChat } from '../../src/tokenizer/chat/chat.ts'
import { loadTokenizer } from '../../src/tokenizer/load.ts'
import type { Segment } from '../../src/tokenizer/tokenizer.ts'
import { byteLevelFixtures, jsonFile, modelFixtures } from './json-cases.ts'

const all = { allowedSpecial: 'all' } as const
const texts = ['', ' ', 'hello', ' world ', '  a\n', '.', 'Ünïté', '水車', '🙂', '<s', '>', ' the mill', 'ﬁ', '\t1']

/** Segments as templates write them: between two that are not trusted there is a special token. */
const segmentsOf = (special: readonly string[]) =>
  fc
    .array(fc.oneof(fc.array(fc.constantFrom(...texts), { maxLength: 4 }), fc.constantFrom(...special)), {
      maxLength: 6,
    })
    .map((parts) =>
      parts.flatMap<Segment>((part, index) =>
        typeof part === 'string'
          ? { text: part, trusted: true }
          : index > 0 && typeof parts[index - 1] !== 'string'
            ? []
            : { text: part.join(''), trusted: false },
      ),
    )

/** A file whose marks are put by a pre-tokenizer, and whose special tokens take the white space beside them. */
const changed = async (change: (file: Record<string, unknown>, tokens: Record<string, unknown>[]) => void) => {
  const file = JSON.parse(await readFile(jsonFile('llama2'), 'utf8')) as Record<string, unknown>
  change(file, file['added_tokens'] as Record<string, unknown>[])
  return new TextEncoder().encode(JSON.stringify(file))
}
const metaspace = (scheme: string) =>
  changed((file) => {
    file['normalizer'] = null
    file['pre_tokenizer'] = { type: 'Metaspace', replacement: '▁', prepend_scheme: scheme, split: false }
  })
const taking = (...sides: readonly string[]) =>
  changed((_, tokens) => {
    for (const token of tokens) for (const side of sides) token[side] = true
  })

const files: (readonly [title: string, file: () => Promise<Uint8Array>])[] = [
  ...[...modelFixtures, ...byteLevelFixtures].map((name) => [name, () => readFile(jsonFile(name))] as const),
  ['a mark before the text alone', () => metaspace('first')],
  ['a mark before all stretches', () => metaspace('always')],
  ['special tokens that take the white space after them', () => taking('rstrip')],
  ['special tokens that take all white space', () => taking('lstrip', 'rstrip')],
  ['special tokens that are words', () => taking('single_word')],
]

for (const [title, file] of files) {
  test(`segments are encoded as one text: ${title}`, async (t) => {
    const tokenizer = await loadTokenizer(await file())
    const special = [...tokenizer.specialTokens.keys()]
    if (special.length === 0) return t.pass()
    fc.assert(
      fc.property(segmentsOf(special), (segments) => {
        const plain = segments.filter(({ trusted }) => !trusted).map(({ text }) => text)
        fc.pre(!plain.some((text) => special.some((token) => text.includes(token))))
        const ids = tokenizer.encode(segments.map(({ text }) => text).join(''), all)
        t.deepEqual(tokenizer.encodeSegments(segments), ids, JSON.stringify(segments))
      }),
      { numRuns: 300 },
    )
    for (const [token, id] of tokenizer.specialTokens) {
      // That of unknown words.
      if (tokenizer.encodeOrdinary(token).includes(id)) continue
      const [start = '', end = ''] = [token.slice(0, 2), token.slice(2)]
      for (const segments of [
        [{ text: token, trusted: false }],
        [
          { text: start, trusted: false },
          { text: end, trusted: true },
        ],
        [
          { text: start, trusted: true },
          { text: end, trusted: false },
        ],
      ])
        t.false(tokenizer.encodeSegments(segments).includes(id), token)
    }
  })
}

for (const scheme of ['first', 'always'] as const) {
  test(`examples are written as one text, where a mark is put before ${scheme === 'first' ? 'texts' : 'all stretches'}`, async (t) => {
    const tokenizer = await loadTokenizer(await metaspace(scheme))
    const template =
      "{% for m in messages %}{{ m.role }}: {{ m.content }}{% if m.role == 'assistant' %}</s>{% endif %}{% endfor %}" +
      '{% if add_generation_prompt %}assistant: {% endif %}'
    const messages = [
      { role: 'user', content: 'the mill ' },
      { role: 'assistant', content: 'world' },
    ] as const
    const { inputs, targets } = new ExampleDataset([{ messages }], {
      tokenizer,
      maxLength: 500,
      objective: chat({ template }),
    }).get(0)
    const asked = encodeChat(messages, { tokenizer, template, addGenerationPrompt: false })
    t.is(tokenizer.decode([...inputs, targets.at(-1) as number]), tokenizer.decode(asked))
    t.is(tokenizer.decode(targets.filter((id) => id >= 0)), 'world</s>')

    const record = { prompt: 'the mi', completion: 'll' }
    const objective = completion({ endId: null })
    const whole = new ExampleDataset([record], { tokenizer, maxLength: 50, objective }).get(0)
    t.is(tokenizer.decode([...whole.inputs, whole.targets.at(-1) as number]), 'the mill')
  })
}
