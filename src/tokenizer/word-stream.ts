import type { SpecialSearch } from './special-search.ts'
import { specialTokenError } from './special-tokens.ts'
import type { SplitRule } from './split/split.ts'
import { isWhiteSpace } from './split/white-space.ts'
import { endOfStretch, longestStretch } from './split/words.ts'
import { withoutSpaceBeforeMarks } from './join-words.ts'
import type { ChunkDecoder } from './stream.ts'

/**
 * How many code units of `text`, which goes on and starts at index `start` of a stream, are words and special tokens whatever follows.
 *
 * Up to the last allowed special token they are. Behind it, by the rule `'book'` a word ends at white space, whatever stands around; by `'words'`
 * text is segmented in stretches, and where one ends is decided by what is in it; of a RegExp nothing is known.
 *
 * @throws `ERR_SPECIAL_TOKEN` when a disallowed special token starts in them
 */
export const sureWordUnits = (text: string, start: number, rule: SplitRule, search: SpecialSearch): number => {
  // A special token that starts before this is there to its end, and so is a longer one that starts with it.
  const sure = text.length + 1 - Math.max(search.longest, 1)
  if (search.disallowed !== undefined) {
    search.disallowed.lastIndex = 0
    const match = search.disallowed.exec(text)
    if (match !== null && match.index < sure) throw specialTokenError(match[0], start + match.index, 'the stream')
  }
  let [from, to] = [0, Math.max(sure, 0)]
  for (const { 0: token, index } of search.allowed === undefined ? [] : text.matchAll(search.allowed)) {
    if (index >= sure) break
    if (index + token.length > sure) {
      to = index
      break
    }
    from = index + token.length
  }
  return from + wordsEnd(text.slice(from, to), rule)
}

/** Where in `text`, which goes on, the last word ends that is sure. */
const wordsEnd = (text: string, rule: SplitRule): number => {
  let end = 0
  if (rule === 'book') {
    end = text.length
    while (end > 0 && !isWhiteSpace(text.charCodeAt(end - 1))) end--
  } else if (rule === 'words') {
    while (text.length - end > longestStretch + 1) end = endOfStretch(text, end)
  }
  return end
}

/** The text of ids that come in chunks: joined, what `joinWords` gives for all. White space at the end waits for what follows. */
export class WordChunkDecoder implements ChunkDecoder {
  readonly #wordsOf: (ids: Uint32Array, index: number) => string[]
  #index = 0
  #hasWords = false
  #space = ''

  /** `wordsOf` gives the words of ids, the first of which is number `index` of the stream. */
  constructor(wordsOf: (ids: Uint32Array, index: number) => string[]) {
    this.#wordsOf = wordsOf
  }

  push(ids: Uint32Array): string {
    const words = this.#wordsOf(ids, this.#index)
    this.#index += ids.length
    if (words.length === 0) return ''
    const text = withoutSpaceBeforeMarks(`${this.#space}${this.#hasWords ? ' ' : ''}${words.join(' ')}`)
    this.#hasWords = true
    let end = text.length
    while (end > 0 && isWhiteSpace(text.charCodeAt(end - 1))) end--
    this.#space = text.slice(end)
    return text.slice(0, end)
  }

  end(): string {
    return this.#space
  }
}
