import { callNative } from '../errors.ts'
import { native } from '../native.ts'
import { leastOf } from './least-of.ts'

/** What chunks end at: see {@link ChunkOptions.boundary}. */
export type Boundary = 'token' | 'word' | 'sentence' | 'paragraph' | 'markdown'

/** From fine to coarse; each falls back on those before it. */
export const boundaryNames: readonly Boundary[] = ['token', 'word', 'sentence', 'paragraph', 'markdown']

/** Numbers of boundaries in native code: those from {@link words} on are places of a text, whoever tokenizes it. */
export const characters = 0
export const tokens = 1
export const words = 2
/** Of Markdown, and the coarsest of them: sections of the first level. */
const blocks = 6
const sections = 12

/** The number of the coarsest boundary to cut at. */
export const numberOf = (boundary: Boundary): number =>
  boundary === 'markdown' ? sections : boundaryNames.indexOf(boundary) + tokens

/** The same for the start of an overlap, where one block is as good as another. */
export const tailNumberOf = (number: number): number => Math.min(number, blocks)

/** The boundaries of a text, from {@link words} on, found when they are asked for. */
export class TextBoundaries {
  readonly #text: string
  readonly #places: Uint32Array[] = []

  constructor(text: string) {
    this.#text = text
  }

  /** The places of boundaries with this number, ascending, without the ends of the text. */
  places(number: number): Uint32Array {
    return (this.#places[number] ??= callNative(() => native().boundariesOf(this.#text, number)))
  }
}

/** How many of `places`, which ascend, are at most `place`. */
export const countUpTo = (places: Uint32Array, place: number): number =>
  leastOf(0, places.length, (at) => (places[at] as number) > place)
