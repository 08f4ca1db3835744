import { bytes, integer, rate, shape, time } from '../terminal/format.ts'
import type { Style } from '../terminal/style.ts'
import { tokenLines } from '../terminal/token-view.ts'
import { visible } from '../terminal/visible.ts'
import { clip, displayWidth, padEnd, padStart } from '../terminal/width.ts'
import { embeddingLines } from './embedding-view.ts'
import type { ShownToken, Walk } from './facts.ts'
import { windowLines } from './window-view.ts'

/** Columns to the left of what a stage shows. */
const indent = 5

/** The walk as a person reads it, a section for each stage. */
export const walkView = (style: Style, facts: Walk, about: string): string => {
  const columns = style.columns - indent - 2
  const sections = [
    section(style, 1, 'Text', textHead(facts), textLines(style, facts, columns)),
    section(style, 2, 'Words', wordHead(facts), wordLines(style, facts, columns)),
    section(style, 3, 'Tokens', tokenHead(facts), tokenSection(style, facts, columns)),
    section(
      style,
      4,
      'Ids',
      `${facts.ids.type} ${shape([facts.tokens.count])} · ${bytes(facts.ids.bytes)}`,
      idLines(style, facts, columns),
    ),
    section(
      style,
      5,
      'Windows',
      `${integer(facts.windows.count)} windows · ${time(facts.windows.ms)}`,
      windowLines(style, facts.windows, columns),
    ),
    section(
      style,
      6,
      'Batches',
      `${integer(facts.batches.count)} batches · ${time(facts.batches.ms)}`,
      batchLines(style, facts),
    ),
    section(style, 7, 'Input embeddings', embeddingHead(facts), embeddingLines(style, facts.embeddings, columns)),
  ]
  const foot = `${integer(facts.tokens.count)} tokens, from bytes to input embeddings, in ${time(facts.ms)}`
  return [
    '',
    `  ${style.bold('tokenmill')}  ${style.dim(about)}`,
    '',
    ...sections.flat(),
    `  ${style.bold(foot)}`,
    '',
  ].join('\n')
}

const section = (style: Style, number: number, title: string, head: string, lines: readonly string[]): string[] => {
  const rule = '─'.repeat(Math.max(2, style.columns - indent - 2 - displayWidth(title) - displayWidth(head) - 2))
  return [
    `  ${style.accent(String(number))}  ${style.bold(title)} ${style.dim(`${rule} ${head}`)}`,
    '',
    ...lines.map((line) => (line === '' ? '' : ' '.repeat(indent) + line)),
    '',
  ]
}

/** A label in a column of its own, then what it labels. */
const labelled = (style: Style, label: string, text: string): string => `${style.dim(padEnd(label, 12))}${text}`

const textHead = ({ text }: Walk) =>
  `${clip(text.source, 30)} · ${bytes(text.bytes)} · ${integer(text.characters)} characters · ${integer(text.lines)} lines`

const textLines = (_: Style, { text }: Walk, columns: number) =>
  text.start.map((line) => clip(visibleLine(line), columns))

/* A line of the text as it is, blanks too; only what a terminal would obey is shown by a sign. */
const visibleLine = (line: string): string => line.replaceAll(/[^ ]+/g, (part) => visible(part))

const wordHead = ({ words }: Walk) => `${integer(words.count)} words · ${time(words.ms)}`

const wordLines = (style: Style, { words }: Walk, columns: number): string[] => {
  const entry = ({ id, text }: ShownToken) => `${text}${style.dim(`:${id}`)}`
  const width = ({ id, text }: ShownToken) => displayWidth(`${text}:${id}`)
  return [
    `Split at white space and punctuation, sorted, numbered: ${integer(words.vocabularySize)} entries.`,
    `A word that is none of them is ${words.specialTokens.find(({ text }) => text.includes('unk'))?.text ?? 'an error'}.`,
    '',
    ...flow(sample(words.entries, columns, width), columns, entry, width),
    words.specialTokens.map(entry).join('  '),
  ]
}

/* As many entries, from all over the list, as two lines hold. */
const sample = (
  entries: readonly ShownToken[],
  columns: number,
  width: (entry: ShownToken) => number,
): ShownToken[] => {
  const average = entries.reduce((sum, entry) => sum + width(entry) + 2, 0) / Math.max(1, entries.length)
  const wanted = Math.min(entries.length, Math.floor((2 * columns) / average) - 1)
  return Array.from({ length: wanted }, (_, i) => entries[Math.floor((i * entries.length) / wanted)] as ShownToken)
}

const flow = <T>(
  items: readonly T[],
  columns: number,
  show: (item: T) => string,
  width: (item: T) => number,
): string[] => {
  const lines: string[] = []
  let [line, used] = ['', 0]
  for (const item of items) {
    if (used > 0 && used + 2 + width(item) > columns) {
      lines.push(line)
      ;[line, used] = ['', 0]
    }
    line += (used > 0 ? '  ' : '') + show(item)
    used += (used > 0 ? 2 : 0) + width(item)
  }
  return used > 0 ? [...lines, line] : lines
}

const tokenHead = ({ tokens, text }: Walk) =>
  `${tokens.tokenizer} · ${integer(tokens.count)} tokens · ${time(tokens.ms)} · ${rate(text.bytes, tokens.ms, 'B').replace(' B/', 'B/')}`

const tokenSection = (style: Style, { tokens, text }: Walk, columns: number): string[] => [
  ...tokenLines(
    style,
    tokens.start.map((token) => token.text),
    columns,
    6,
  ),
  ...(tokens.passage
    ? [
        '',
        style.dim(`line ${tokens.passage.line}`),
        ...tokenLines(
          style,
          tokens.passage.tokens.map((token) => token.text),
          columns,
          4,
        ),
      ]
    : []),
  '',
  `${integer(tokens.distinct)} different ids of ${integer(tokens.vocabSize)}, ${(text.bytes / tokens.count).toFixed(2)} bytes a token.`,
  tokens.roundTrip
    ? 'Decoding the ids gives the text back.'
    : 'Decoding the ids gives another text: white space or invalid bytes are not in them.',
  style.dim('· a blank   ↵ a line end   → a tab   ⟨f0 9f⟩ bytes of a part of a character'),
]

const idLines = (style: Style, { ids }: Walk, columns: number): string[] => {
  const columnWidth = String(Math.max(...ids.start)).length + 2
  const perLine = Math.max(1, Math.floor((columns - 1) / columnWidth))
  const row = (from: number) =>
    ids.start
      .slice(from, from + perLine)
      .map((id) => padStart(String(id), columnWidth))
      .join('')
  const lines = [row(0), row(perLine)].filter((line) => line !== '').map((line) => line.slice(2))
  return [...lines, style.dim(`from ${integer(ids.smallest)} to ${integer(ids.largest)}`)]
}

const batchLines = (style: Style, { batches }: Walk): string[] => {
  const [one, last] = [shape(batches.shape), shape(batches.lastShape)]
  return [
    labelled(style, 'inputs', `Uint32Array ${one}`) + (one === last ? '' : style.dim(`   the last ${last}`)),
    labelled(style, 'targets', `Int32Array  ${one}`),
  ]
}

const embeddingHead = ({ embeddings }: Walk) =>
  `${embeddings.dtype} on ${embeddings.device} · ${integer(embeddings.tokens)} tokens · ${time(embeddings.ms)} · ${rate(embeddings.tokens, embeddings.ms, 'tokens')}`
