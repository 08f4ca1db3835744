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
 * Tokens in a row, broken into lines of at most `columns` and where the text has a line end, at most `maxLines` of them; each line as soon as its tokens
 * are known. Without colour, `|` stands between two tokens.
 */
export function* tokenLines(
  style: Style,
  tokens: Iterable<string>,
  columns: number,
  maxLines: number,
): Generator<string, void> {
  const gap = style.depth >= 8 ? '' : '|'
  const clipped = clipper(columns - 1)
  let [line, width, index, made] = ['', 0, 0, 0]
  let isEnded = false
  for (const token of tokens) {
    const { shown, columns: own } = clipped(token)
    const needed = own + (width > 0 && !isEnded ? gap.length : 0)
    if (isEnded || width + needed > columns - 1) {
      if (++made === maxLines) return yield `${line}${style.dim(isEnded ? ' …' : '…')}`
      yield line
      ;[line, width] = ['', 0]
    }
    line += (width > 0 ? gap : '') + paintToken(style, index++, shown)
    width += needed
    isEnded = token.endsWith('↵')
  }
  yield line
}

/** Tokens as {@link clip} leaves them, and what they take. The same ones come again and again, and to measure one that is not ASCII takes microseconds. */
const clipper = (most: number) => {
  const known = new Map<string, { readonly shown: string; readonly columns: number }>()
  return (token: string) => {
    let found = known.get(token)
    if (found === undefined) {
      const shown = clip(token, most)
      known.set(token, (found = { shown, columns: displayWidth(shown) }))
    }
    return found
  }
}
