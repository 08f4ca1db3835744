import type { NonSharedUint32Array } from '../non-shared.ts'
import { leastOf } from './least-of.ts'

/** Where words are in a text, in code units: see `TokenOffsets`. */
export interface WordSpans {
  readonly offsets: NonSharedUint32Array
  readonly ends: NonSharedUint32Array
  /** The indices of special tokens. */
  readonly specials: ReadonlySet<number>
}

type Spans = Pick<WordSpans, 'offsets' | 'ends'>

/** `spans` of `text` in bytes of its UTF-8. */
export const byteSpans = (text: string, { offsets, ends }: Spans): Spans => {
  const encoder = new TextEncoder()
  const inBytes = { offsets: new Uint32Array(offsets.length), ends: new Uint32Array(ends.length) }
  let [place, byte] = [0, 0]
  // Starts and ends in turns ascend, but that two words may have the same character: what is between two places is counted.
  const byteOf = (next: number): number => {
    const between = encoder.encode(text.slice(Math.min(place, next), Math.max(place, next))).length
    byte += next < place ? -between : between
    place = next
    return byte
  }
  for (const [index, offset] of offsets.entries()) {
    inBytes.offsets[index] = byteOf(offset)
    const end = ends[index]
    if (end !== undefined) inBytes.ends[index] = byteOf(end)
  }
  return inBytes
}

/**
 * `spans` in `bytes` of what they were before what is not UTF-8 in them became U+FFFD. What is at the places of U+FFFD has another length
 * then, and only there.
 */
export const placesBeforeReading = (bytes: Uint8Array, { offsets, ends }: Spans): Spans => {
  const moved = movesOf(bytes)
  const before = (place: number): number => {
    const after = leastOf(0, moved.length, (at) => (moved[at] as Move).read > place)
    return place + (moved[after - 1]?.by ?? 0)
  }
  return { offsets: offsets.map(before), ends: ends.map(before) }
}

/** From byte `read` of the text on, places in the bytes are `by` more. */
interface Move {
  readonly read: number
  readonly by: number
}

/** The moves of `bytes`: one after each invalid part, as the decoder of WHATWG finds them. */
const movesOf = (bytes: Uint8Array): readonly Move[] => {
  const moves: Move[] = []
  let [at, by] = [0, 0]
  while (at < bytes.length) {
    const length = characterLength(bytes, at)
    if (length > 0) {
      at += length
      continue
    }
    const invalid = -length
    const read = at - by + replacement
    at += invalid
    by = at - read
    moves.push({ read, by })
  }
  return moves
}

/** The bytes of U+FFFD. */
const replacement = 3

/** The length of the character at `at`; of a maximal part of what is none, negative. */
const characterLength = (bytes: Uint8Array, at: number): number => {
  const first = bytes[at] as number
  if (first < 0x80) return 1
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0
  if (length === 0) return -1
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  for (let index = 1; index < length; index++) {
    const byte = bytes[at + index]
    const [least, most] = index === 1 ? [low, high] : [0x80, 0xbf]
    if (byte === undefined || byte < least || byte > most) return -index
  }
  return length
}
