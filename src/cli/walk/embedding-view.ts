import { bytes, integer, shape, signed, time } from '../terminal/format.ts'
import { heatRow } from '../terminal/heat-map.ts'
import type { Style } from '../terminal/style.ts'
import { clip, padEnd, padStart } from '../terminal/width.ts'
import type { EmbeddedToken, Walk } from './facts.ts'

type Facts = Walk['embeddings']

/* The widest a token may be in a sentence. */
const widestToken = 12

/* Columns of the token before its rows. */
const label = 14

/** The tables, the first rows of the first window as `token + position = input`, and one token at two positions. */
export const embeddingLines = (style: Style, facts: Facts, columns: number): string[] => {
  const limit = scaleOf(facts.rows)
  const sized = (name: string, sizes: readonly number[], meaning: string) =>
    style.dim(padEnd(name, 16)) + padEnd(shape(sizes), 16) + style.dim(meaning)
  return [
    sized('token table', facts.tokenTable, 'a row for each id'),
    sized('position table', facts.positionTable, 'a row for each position in the window'),
    sized('output', facts.shape, 'batch, position, dimension'),
    style.dim(`tables ${bytes(facts.tableBytes)}, random from the seed in ${time(facts.createMs)}`),
    '',
    ...sumLines(style, facts, columns, limit),
    '',
    ...twiceLines(style, facts, columns, limit),
  ]
}

/* Two standard deviations of what is shown: colours are strong without most values being at their end. */
const scaleOf = (rows: readonly EmbeddedToken[]): number => {
  const values = rows.flatMap(({ input }) => input)
  const variance = values.reduce((sum, value) => sum + value * value, 0) / Math.max(1, values.length)
  return 2 * Math.sqrt(variance) || 1
}

/** Three maps side by side, a line for each token: its row, its position's row, the sum. */
const sumLines = (style: Style, { rows, tokenTable }: Facts, columns: number, limit: number): string[] => {
  const dimensions = Math.min(tokenTable[1] ?? 0, Math.floor((columns - label - 6) / 3))
  const heading = (text: string) => style.dim(padEnd(clip(text, Math.max(dimensions, 1)), dimensions))
  const map = (values: readonly number[]) => heatRow(style, values.slice(0, dimensions), limit)
  return [
    `${' '.repeat(label)}${heading('token')}   ${heading('position')}   ${style.dim(clip('input', Math.max(dimensions, 1)))}`,
    ...rows.map(
      ({ text, at, token, position, input }) =>
        `${style.dim(padStart(String(at), 2))} ${padEnd(clip(text, label - 4), label - 3)}${map(token)} + ${map(position)} = ${map(input)}`,
    ),
    legend(style, limit, dimensions, tokenTable[1] ?? 0),
  ]
}

const legend = (style: Style, limit: number, shownDimensions: number, dimensions: number): string => {
  const scale = Array.from({ length: 11 }, (_, i) => ((i - 5) / 5) * limit)
  const cut = shownDimensions < dimensions ? `   the first ${shownDimensions} of ${integer(dimensions)} dimensions` : ''
  return (
    ' '.repeat(label) +
    style.dim(`${signed(-limit)} `) +
    heatRow(style, scale, limit) +
    style.dim(` ${signed(limit)}${cut}`)
  )
}

const twiceLines = (style: Style, { twice }: Facts, columns: number, limit: number): string[] => {
  if (!twice) return [style.dim('No token stands twice in the first window.')]
  const { first, second, distance } = twice
  const numbers = 4
  const width = Math.min(first.input.length, columns - label - numbers * 7 - 3)
  const line = ({ at, input }: EmbeddedToken) =>
    padEnd(`position ${at}`, label) +
    heatRow(style, input.slice(0, width), limit) +
    '  ' +
    style.dim(`${input.slice(0, numbers).map(signed).join(' ')}${input.length > numbers ? ' …' : ''}`)
  return [
    `${style.bold(clip(first.text, widestToken))} at two positions: the same token row, two input embeddings.`,
    line(first),
    line(second),
    style.dim(`${' '.repeat(label)}${distance.toFixed(3)} apart`),
  ]
}
