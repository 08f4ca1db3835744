import type { Rgb, Style } from './style.ts'
import { clip, displayWidth } from './width.ts'

/* Pale, so that black text reads well on them whether the terminal is light or dark; neighbours differ in hue. */
const backgrounds: readonly Rgb[] = [
  [178, 212, 240],
  [250, 220, 178],
  [196, 228, 190],
  [240, 200, 214],
  [214, 204, 238],
]

/** Token number `index` of a text on its background; the same number has the same colour everywhere. */
export const paintToken = (style: Style, index: number, text: string): string =>
  style.depth >= 8 ? style.on(backgrounds[index % backgrounds.length] as Rgb, text) : text

/**
 * Tokens in a row, broken into lines of at most `columns` and where the text has a line end, at most `maxLines` of them.
 * Without colour, `|` stands between two tokens.
 */
export const tokenLines = (style: Style, tokens: readonly string[], columns: number, maxLines: number): string[] => {
  const gap = style.depth >= 8 ? '' : '|'
  const lines: string[] = []
  let line = ''
  let width = 0
  for (const [index, token] of tokens.entries()) {
    const shown = clip(token, columns - 1)
    const needed = displayWidth(shown) + (width > 0 ? gap.length : 0)
    if (width + needed > columns - 1) {
      if (lines.length === maxLines - 1) return [...lines, `${line}${style.dim('…')}`]
      lines.push(line)
      ;[line, width] = ['', 0]
    }
    line += (width > 0 ? gap : '') + paintToken(style, index, shown)
    width += needed
    if (token.endsWith('↵') && index < tokens.length - 1) {
      if (lines.length === maxLines - 1) return [...lines, `${line}${style.dim(' …')}`]
      lines.push(line)
      ;[line, width] = ['', 0]
    }
  }
  return [...lines, line]
}
