import { TokenmillError } from '../errors.ts'
import type { NonSharedUint32Array } from '../non-shared.ts'
import { characters, countUpTo, tailNumberOf, TextBoundaries, tokens } from './boundaries.ts'
import { IdBuffer } from './id-buffer.ts'
import { leastOf } from './least-of.ts'

/** A text and what a tokenizer says of it: what {@link Parts} needs of any tokenizer. */
export interface CountedText {
  /** The text. */
  readonly text: string
  /** For each token the start of its first character; one entry more, the length of the text. */
  readonly offsets: NonSharedUint32Array
  /** For each token the end of its last character. */
  readonly ends: NonSharedUint32Array
  /** Whether token `index` must not be cut. */
  readonly isWhole: (index: number) => boolean
  /** The number of tokens of the text from `start` to `end` as a text of its own. */
  readonly count: (start: number, end: number) => number
}

/** The places of boundaries of a text, by their numbers: see {@link TextBoundaries}. */
export interface TextPlaces {
  places(number: number): Uint32Array
}

/** Chunks that are found one by one. */
export interface ChunkWalk {
  /** Finds the next chunk, or a place for it; `false`: there is none. Where it throws nothing has changed. */
  readonly next: () => boolean
  /** For each chunk where it starts and ends and how many tokens it has, as native code has it. */
  readonly plan: () => NonSharedUint32Array
}

/** How many characters of a token that has no more room are tried all the same, and after how many places in vain the search goes on by halves. */
const slack = 32

/**
 * Parts of a text of at most so many tokens, for any tokenizer. The tokens of the whole text say where a part is likely to end; there it
 * is counted, and if it has too many tokens the place before is tried, or after some of them the one in the middle of those that are left.
 */
export class Parts {
  readonly #counted: CountedText
  readonly #boundaries: TextPlaces

  constructor(counted: CountedText, boundaries: TextPlaces = new TextBoundaries(counted.text)) {
    this.#counted = counted
    this.#boundaries = boundaries
  }

  /** The end of a longest prefix of at most `most` tokens. */
  endOfPrefix(most: number): number {
    return this.#end(0, 0, most, characters) ?? 0
  }

  /** The start of a longest suffix of at most `most` tokens. */
  startOfSuffix(most: number): number {
    const { text, count } = this.#counted
    if (count(0, text.length) <= most) return 0
    return this.#startOfTail(0, text.length, most, characters)
  }

  /** The chunks of the text. */
  chunks(maxTokens: number, overlap: number, boundary: number): ChunkWalk {
    const { text, count } = this.#counted
    const tail = tailNumberOf(boundary)
    const flat = new IdBuffer()
    let [start, least] = [0, 0]
    const next = (): boolean => {
      if (least >= text.length) return false
      const end = this.#end(start, least, maxTokens, boundary)
      if (end !== undefined) {
        const tokens = count(start, end)
        const after = overlap > 0 && end < text.length ? this.#startOfTail(start, end, overlap, tail) : end
        flat.push(start)
        flat.push(end)
        flat.push(tokens)
        start = after
        least = end
      } else if (start < least) {
        // What both have in common leaves no room.
        const fewer = count(start, least) - 1
        start = fewer > 0 ? this.#startOfTail(start, least, fewer, tail) : least
      } else {
        const next = this.#nextPlace(start)
        throw new TokenmillError(
          'ERR_LIMIT',
          `expected options.maxTokens to be at least the tokens of every character, received ${maxTokens}; ` +
            `the one at index ${start} has ${count(start, next)}`,
        )
      }
      return true
    }
    return { next, plan: () => flat.toArray() }
  }

  /** The end of a longest part from `start` on that ends after `least` at the coarsest boundary, from `boundary` down, that there is. */
  #end(start: number, least: number, most: number, boundary: number): number | undefined {
    const { text, offsets, count } = this.#counted
    const first = countUpTo(offsets.subarray(0, -1), start - 1)
    let last = first + most
    let bound = offsets[last] ?? text.length
    for (let tries = 0; bound < text.length; tries++) {
      const further = offsets[++last] ?? text.length
      if (count(start, further) > most) {
        // A cut inside the next token may make it a part of the one before.
        bound = Math.min(further - 1, bound + slack)
        break
      }
      bound = further
      // Where the tokens of the text say little of its parts.
      if (tries % slack === slack - 1) {
        last = leastOf(last + 1, offsets.length, (at) => count(start, offsets[at] as number) > most) - 1
        bound = offsets[last] as number
      }
    }
    if (bound === text.length && text.length > least && count(start, bound) <= most) return bound
    for (let level = boundary; level >= characters; level--) {
      let to = Math.min(Math.max(bound, this.#nextPlace(least)), text.length - 1)
      for (let tries = 0; to > least; tries++) {
        const place = this.#lastPlace(level, to)
        if (place <= least) break
        if (this.#isUncut(place) && count(start, place) <= most) return place
        to = place - 1
        if (tries % slack === slack - 1) {
          to = leastOf(least + 1, to + 1, (at) => count(start, this.#lastPlace(level, at)) > most) - 1
        }
      }
    }
    return undefined
  }

  /** The start of a longest tail of the part that starts after `start`, at the coarsest boundary, from `boundary` down, that there is. */
  #startOfTail(start: number, end: number, most: number, boundary: number): number {
    const { offsets, ends, count } = this.#counted
    const last = countUpTo(offsets.subarray(0, -1), end - 1)
    let before = last - most - 1
    const boundOf = (before: number) => (before < 0 ? 0 : (ends[before] as number))
    let bound = boundOf(before)
    for (let tries = 0; bound > start; tries++) {
      const further = boundOf(--before)
      if (count(further, end) > most) {
        bound = Math.max(further + 1, bound - slack)
        break
      }
      bound = further
      if (tries % slack === slack - 1) {
        before = leastOf(-1, before, (at) => boundOf(at) <= start || count(boundOf(at), end) <= most)
        bound = boundOf(before)
      }
    }
    for (let level = boundary; level >= characters; level--) {
      let from = Math.max(bound, start + 1)
      for (let tries = 0; from < end; tries++) {
        const place = this.#firstPlace(level, from)
        if (place >= end) break
        if (this.#isUncut(place) && count(place, end) <= most) return place
        from = place + 1
        if (tries % slack === slack - 1) {
          from = leastOf(from, end, (at) => count(this.#firstPlace(level, at), end) <= most)
        }
      }
    }
    return end
  }

  /** The last boundary up to `to`; 0 when there is none. */
  #lastPlace(level: number, to: number): number {
    if (level === characters) return cutsPair(this.#counted.text, to) ? to - 1 : to
    const places = this.#places(level)
    return places[countUpTo(places, to) - 1] ?? 0
  }

  /** The first boundary from `from` on; the length of the text when there is none. */
  #firstPlace(level: number, from: number): number {
    const { text } = this.#counted
    if (level === characters) return cutsPair(text, from) ? from + 1 : from
    const places = this.#places(level)
    return places[countUpTo(places, from - 1)] ?? text.length
  }

  #places(level: number): Uint32Array {
    return level === tokens ? this.#counted.ends : this.#boundaries.places(level)
  }

  #nextPlace(place: number): number {
    const { text } = this.#counted
    let next = place + 1
    while (next < text.length && !this.#isUncut(next)) next++
    return next
  }

  /** Whether no character is cut at `place`, and no token that must not be. */
  #isUncut(place: number): boolean {
    const { text, offsets, ends, isWhole } = this.#counted
    if (cutsPair(text, place)) return false
    const index = countUpTo(offsets.subarray(0, -1), place - 1) - 1
    return index < 0 || (ends[index] as number) <= place || !isWhole(index)
  }
}

/** Whether `place` is between the two code units of a character. */
export const cutsPair = (text: string, place: number): boolean =>
  (text.charCodeAt(place) & 0xfc00) === 0xdc00 && (text.charCodeAt(place - 1) & 0xfc00) === 0xd800
