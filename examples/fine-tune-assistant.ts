/*
 * A fine-tuning set for an assistant: chats, of which only the answers are asked for. node --import tsx examples/fine-tune-assistant.ts
 */
import { chat, ChatTemplate, DataLoader, ExampleDataset, getEncoding } from 'tokenmill'

const tokenizer = getEncoding('gpt2').withSpecialTokens({ '<|user|>': 50257, '<|assistant|>': 50258, '<|end|>': 50259 })
const template = new ChatTemplate(
  '{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}' +
    '{% if add_generation_prompt %}<|assistant|>{% endif %}',
)

const records = [
  {
    messages: [
      { role: 'user', content: 'What does a mill do?' },
      { role: 'assistant', content: 'It grinds grain to flour.' },
      { role: 'user', content: 'And <|end|>?' },
      { role: 'assistant', content: 'That is only text here.' },
    ],
  },
  {
    messages: [
      { role: 'user', content: 'Good morning' },
      { role: 'assistant', content: 'Good morning!' },
    ],
  },
]

const dataset = new ExampleDataset(records, { tokenizer, maxLength: 64, objective: chat({ template }) })
for (const { inputs, targets, shape } of new DataLoader(dataset, { batchSize: 2 })) {
  const [rows, columns] = shape
  for (let row = 0; row < rows; row++) {
    const [start, end] = [row * columns, (row + 1) * columns]
    console.log(tokenizer.decode(inputs.subarray(start, end)).replaceAll('<|endoftext|>', ''))
    console.log(
      `  asked for: ${tokenizer.decode(Array.from(targets.subarray(start, end)).filter((id) => id !== -100))}`,
    )
  }
}
