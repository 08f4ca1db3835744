import { integerIn } from '../validate.ts'

/** Knows how many tokens every part of a text has. */
export interface CountIndex {
  /** The number of tokens of the whole text. */
  readonly total: number
  /**
   * The number of tokens of `text.slice(start, end)`, as a text of its own. Byte-level BPE encodes only what is next to the two cuts.
   *
   * @param start in UTF-16 code units; 0 unless given
   * @param end in UTF-16 code units; the length of the text unless given
   */
  count(start?: number, end?: number): number
}

/** The {@link CountIndex} of `text` that counts each part anew. */
export const countEachPart = (text: string, count: (part: string) => number): CountIndex => {
  const between = (start: number, end: number) => count(text.slice(start, end))
  return new TextCountIndex(text.length, between(0, text.length), between)
}

/** The {@link CountIndex} of a text over a function that counts parts. */
export class TextCountIndex implements CountIndex {
  readonly total: number
  readonly #length: number
  readonly #count: (start: number, end: number) => number

  constructor(length: number, total: number, count: (start: number, end: number) => number) {
    this.#length = length
    this.total = total
    this.#count = count
  }

  count(start = 0, end = this.#length): number {
    integerIn('start', start, 0, this.#length)
    integerIn('end', end, start, this.#length)
    return this.#count(start, end)
  }
}
