/*
 * White space is what Python's str.strip and \s take it to be, so that the words are those of the book. It differs from
 * JavaScript's \s in three places: U+001C to U+001F and U+0085 are white space, U+FEFF is not (and so is kept).
 */

/** 1 for each UTF-16 code unit that is white space, else 0. Not to be written to. */
export const whiteSpace = new Uint8Array(0x10000)
for (const char of '\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000')
  whiteSpace[char.charCodeAt(0)] = 1
whiteSpace.fill(1, 0x2000, 0x200b)

/** Whether the UTF-16 code unit is white space. */
export const isWhiteSpace = (unit: number): boolean => whiteSpace[unit] === 1

/**
 * Takes the word `source.slice(start, end)`, which stands at `index` in the text. Not the word itself, as most need not
 * be made into strings of their own.
 */
export type Emit = (source: string, start: number, end: number, index: number) => void

/** Emits `piece`, which stands at `index`, without the white space around it; nothing when nothing is left. */
export const emitTrimmed = (piece: string, index: number, emit: Emit): void => {
  let start = 0
  let end = piece.length
  while (start < end && isWhiteSpace(piece.charCodeAt(start))) start++
  while (end > start && isWhiteSpace(piece.charCodeAt(end - 1))) end--
  if (start < end) emit(piece, start, end, index + start)
}
