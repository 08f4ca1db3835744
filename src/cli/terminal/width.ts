/*
 * How many columns a text takes on a terminal. Terminals differ on the newest emoji; this follows the common rule: East
 * Asian wide characters and emoji take two columns, marks and joiners none, and one grapheme is never wider than two.
 */

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

const zeroWidth = /^[\p{Mn}\p{Me}\p{Cf}\p{Default_Ignorable_Code_Point}]$/u
const emoji = /\p{Emoji_Presentation}|\ufe0f|\u20e3|\p{RI}{2}/u

/* The blocks whose characters are wide (Unicode Standard Annex 11, W and F), where script is not enough to tell. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18aff}\u{1b000}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]/u

const plain = /^[\x20-\x7e]*$/

/** The columns that `text` takes; it must hold no control characters. */
export const displayWidth = (text: string): number => {
  if (plain.test(text)) return text.length
  let width = 0
  for (const { segment } of segmenter.segment(text)) width += graphemeWidth(segment)
  return width
}

const graphemeWidth = (grapheme: string): number => {
  if (emoji.test(grapheme)) return 2
  let width = 0
  for (const character of grapheme) {
    if (zeroWidth.test(character)) continue
    width += wide.test(character) ? 2 : 1
  }
  return Math.min(width, 2)
}

/** `text`, or as much of it as fits in `columns` with a `…` at its end. */
export const clip = (text: string, columns: number): string => {
  if (displayWidth(text) <= columns) return text
  let kept = ''
  let width = 1
  for (const { segment } of segmenter.segment(text)) {
    width += graphemeWidth(segment)
    if (width > columns) break
    kept += segment
  }
  return `${kept}…`
}

/** `text` with spaces after it, up to `columns`. */
export const padEnd = (text: string, columns: number): string =>
  text + ' '.repeat(Math.max(0, columns - displayWidth(text)))

/** `text` with spaces before it, up to `columns`. */
export const padStart = (text: string, columns: number): string =>
  ' '.repeat(Math.max(0, columns - displayWidth(text))) + text
