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

/** How many characters of a token that has no more room are tried all the same, and after how many places in vain tokens are searched by halves. */
const slack = 32

/**
 * Parts of a text of at most so many tokens, for any tokenizer. The tokens of the whole text say where a part is likely to end; there it
 * is counted, and if it has too many tokens the place before is tried, or after some of them where the token in the middle of those that are
 * left starts. Only places that cut nothing are counted: of a part of a special token a count would say nothing.
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
      for (let tries = 1; to > least; tries++) {
        const place = this.#lastPlace(level, to)
        if (place <= least) break
        if (count(start, place) <= most) return place
        to = place - 1
        if (tries % slack === 0) to = Math.min(to, this.#lastNear(start, least, to, most) + slack)
      }
    }
    return undefined
  }

  /** Where the last token after `least` and up to `to` starts or ends that the part from `start` on may end at; `least` without one. */
  #lastNear(start: number, least: number, to: number, most: number): number {
    const { offsets, ends, count } = this.#counted
    const starts = offsets.subarray(0, -1)
    const fits = (place: number) => count(start, place) <= most
    const at = leastOf(countUpTo(starts, least), countUpTo(starts, to), (at) => !fits(starts[at] as number)) - 1
    const end = ends[at] ?? 0
    return end > least && end <= to && fits(end) ? end : Math.max(least, starts[at] ?? 0)
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
      for (let tries = 1; from < end; tries++) {
        const place = this.#firstPlace(level, from)
        if (place >= end) break
        if (count(place, end) <= most) return place
        from = place + 1
        if (tries % slack === 0) from = Math.max(from, this.#firstNear(from, end, most) - slack)
      }
    }
    return end
  }

  /** Where the first token from `from` on and before `end` starts or ends that the tail up to `end` may start at; `end` without one. */
  #firstNear(from: number, end: number, most: number): number {
    const { offsets, ends, count } = this.#counted
    const fits = (place: number) => count(place, end) <= most
    const at = leastOf(countUpTo(ends, from - 1), countUpTo(ends, end - 1), (at) => fits(ends[at] as number))
    const start = offsets[at] as number
    return start >= from && start < end && fits(start) ? start : Math.min(end, ends[at] ?? end)
  }

  /** The last boundary up to `to` that cuts nothing; 0 when there is none. */
  #lastPlace(level: number, to: number): number {
    const places = level === characters ? undefined : this.#places(level)
    for (let place = to; ;) {
      if (places !== undefined) place = places[countUpTo(places, place) - 1] ?? 0
      const [uncut] = this.#around(place)
      if (uncut === place) return place
      place = uncut
    }
  }

  /** The first boundary from `from` on that cuts nothing; the length of the text when there is none. */
  #firstPlace(level: number, from: number): number {
    const places = level === characters ? undefined : this.#places(level)
    for (let place = from; ;) {
      if (places !== undefined) place = places[countUpTo(places, place - 1)] ?? this.#counted.text.length
      const [, uncut] = this.#around(place)
      if (uncut === place) return place
      place = uncut
    }
  }

  #places(level: number): Uint32Array {
    return level === tokens ? this.#counted.ends : this.#boundaries.places(level)
  }

  #nextPlace(place: number): number {
    return this.#firstPlace(characters, place + 1)
  }

  /** Where what is cut at `place` starts and ends, a character or a token that must not be; twice `place` when nothing is. */
  #around(place: number): readonly [start: number, end: number] {
    const { text, offsets, ends, isWhole } = this.#counted
    const index = countUpTo(offsets.subarray(0, -1), place - 1) - 1
    if (index >= 0 && (ends[index] as number) > place && isWhole(index)) {
      return [offsets[index] as number, ends[index] as number]
    }
    return cutsPair(text, place) ? [place - 1, place + 1] : [place, place]
  }
}

/** Whether `place` is between the two code units of a character. */
export const cutsPair = (text: string, place: number): boolean =>
  (text.charCodeAt(place) & 0xfc00) === 0xdc00 && (text.charCodeAt(place - 1) & 0xfc00) === 0xd800
