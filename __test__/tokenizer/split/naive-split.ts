/*
 * Naive twins of the split rules, each written from its definition with other means than src/.
 */

/** The white space of Python's `\s` and `str.strip`. */
const space = '[\\t\\n\\v\\f\\r\\x1c-\\x1f \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]'
const around = new RegExp(`^${space}+|${space}+$`, 'g')

const trimmed = (pieces: readonly (string | undefined)[]): string[] =>
  pieces.flatMap((piece) => piece?.toWellFormed().replace(around, '') || [])

/** `re.split(r'([,.:;?_!"()\']|--|\s)', text)`, stripped, without the empty. */
export const naiveBook = (text: string): string[] =>
  trimmed(text.toWellFormed().split(new RegExp(`([,.:;?_!"()']|--|${space})`)))

/** One segmentation of the whole text. */
export const naiveWords = (text: string): string[] =>
  trimmed(
    Array.from(
      new Intl.Segmenter('en', { granularity: 'word' }).segment(text.toWellFormed()),
      ({ segment }) => segment,
    ),
  )

/** `String.prototype.split`. */
export const naiveRegExp = (text: string, pattern: RegExp): string[] => trimmed(text.toWellFormed().split(pattern))

declare global {
  interface String {
    /** ES2024; in every Node that we support. */
    toWellFormed(): string
  }
}
