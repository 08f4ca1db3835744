import type { Style } from '../terminal/style.ts'
import { paintToken } from '../terminal/token-view.ts'
import { clip, displayWidth, padEnd } from '../terminal/width.ts'
import type { ShownToken, ShownWindow, Walk } from './facts.ts'

/* The widest a token may be in its column. */
const widest = 12

/**
 * The first windows: a column for each position, x above y. The same token of the text has the same colour in both
 * rows, so that y is seen to be x one token later.
 */
export const windowLines = (style: Style, windows: Walk['windows'], columns: number): string[] => [
  'y is x one token later: at each position, what comes next.',
  ...windows.start.flatMap((window) => ['', ...oneWindow(style, window, columns)]),
]

/** Which window it is, and which tokens of `source` its inputs are. */
export const windowTitle = (
  { index, start, length }: Pick<ShownWindow, 'index' | 'start'> & { readonly length: number },
  source: string,
): string => `window ${index}  tokens ${start}–${start + length} of ${source}`

/** One window, as far as it fits into `columns`. */
export const oneWindow = (
  style: Style,
  { index, start, inputs, targets }: ShownWindow,
  columns: number,
  title = windowTitle({ index, start, length: inputs.length }, 'the text'),
): string[] => {
  const label = 6
  const kept: number[] = []
  let used = label
  for (const at of inputs.keys()) {
    const width = columnWidth(inputs[at] as ShownToken, targets[at] as ShownToken)
    if (used + width + 1 > columns - 2) break
    kept.push(width)
    used += width + 1
  }
  const cut = kept.length < inputs.length ? style.dim('…') : ''
  const row = (name: string, cell: (at: number, width: number) => string) =>
    style.dim(padEnd(name, label)) + kept.map((width, at) => cell(at, width)).join(' ') + ' ' + cut
  const tokens = (list: readonly ShownToken[], shift: number) => (at: number, width: number) =>
    paintToken(style, start + at + shift, padEnd(clip((list[at] as ShownToken).text, widest), width))
  const ids = (list: readonly ShownToken[]) => (at: number, width: number) =>
    style.dim(padEnd(String((list[at] as ShownToken).id), width))
  return [
    style.dim(title),
    row('x', tokens(inputs, 0)),
    row('', ids(inputs)),
    row('y', tokens(targets, 1)),
    row('', ids(targets)),
  ].map((line) => line.trimEnd())
}

const columnWidth = (x: ShownToken, y: ShownToken): number =>
  Math.max(...[x, y].flatMap(({ id, text }) => [Math.min(widest, displayWidth(text)), String(id).length]))
