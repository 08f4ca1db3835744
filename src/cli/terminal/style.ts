import { WriteStream } from 'node:tty'
import pc from 'picocolors'

/** Bits of colour: none, the 16 names, the palette of 256, or any. */
export type Depth = 0 | 4 | 8 | 24

/** A colour, as red, green and blue from 0 to 255. */
export type Rgb = readonly [number, number, number]

type Paint = (text: string) => string

/** How to dress text for one stream. Without colour every method returns the text as it is. */
export interface Style {
  readonly depth: Depth
  /** The columns there are to write in, from 64 to 120. */
  readonly columns: number
  readonly bold: Paint
  readonly dim: Paint
  readonly accent: Paint
  readonly good: Paint
  readonly bad: Paint
  /** `text` on a background, in black or white, whichever is easier to read. Only where `depth` ≥ 8. */
  on(background: Rgb, text: string): string
}

/** The style of stdout: `color` is what `--color` or `--no-color` asked for, else the stream and NO_COLOR decide. */
export const styleOf = (color: boolean | undefined): Style =>
  makeStyle(depthOf(color), columnsOf(process.stdout.columns))

/** A style of `depth` bits and `columns`. */
export const makeStyle = (depth: Depth, columns: number): Style => {
  const { bold, dim, cyan, green, red } = pc.createColors(depth > 0)
  const code = (layer: 38 | 48, colour: Rgb) =>
    depth === 24 ? `${layer};2;${colour.join(';')}` : `${layer};5;${paletteIndex(colour)}`
  return {
    depth,
    columns,
    bold,
    dim,
    accent: cyan,
    good: green,
    bad: red,
    on: (background, text) =>
      `\x1b[${code(48, background)};${code(38, isLight(background) ? [16, 16, 16] : [240, 240, 240])}m${text}\x1b[0m`,
  }
}

const depthOf = (color: boolean | undefined): Depth => {
  const { env, stdout } = process
  if (color === false) return 0
  if (color === undefined && env['NO_COLOR']) return 0
  if (color === undefined && !stdout.isTTY && !env['FORCE_COLOR']) return 0
  const bits = WriteStream.prototype.getColorDepth.call(stdout, env) as 1 | Exclude<Depth, 0>
  if (color === true) return Math.max(8, bits) as Depth
  return bits > 1 ? (bits as Depth) : 0
}

/* The width of the terminal, but no wider than is easy to read; pipes and files get the common 100. */
const columnsOf = (terminal: number | undefined): number => {
  const wanted = terminal ?? (Number(process.env['COLUMNS']) || 100)
  return Math.min(120, Math.max(64, wanted))
}

const isLight = ([red, green, blue]: Rgb): boolean => 0.299 * red + 0.587 * green + 0.114 * blue > 140

/* The nearest colour of the 6 × 6 × 6 cube of the 256-colour palette. */
const paletteIndex = ([red, green, blue]: Rgb): number => {
  const step = (value: number) => (value < 48 ? 0 : value < 115 ? 1 : Math.min(5, Math.floor((value - 35) / 40)))
  return 16 + 36 * step(red) + 6 * step(green) + step(blue)
}
