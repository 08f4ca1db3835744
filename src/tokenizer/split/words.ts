import type { Steps } from '../../event-loop.ts'
import { emitTrimmed, type Emit } from './white-space.ts'

/*
 * V8 copies the whole input of a segmentation for each segment that it hands out (Node 20: 312 µs per word in a text of
 * 250,000 characters), so long text is segmented in stretches. They end where a word must end whatever stands around
 * (UAX 29 and ICU's dictionaries look neither across a line feed, nor across a space before a letter or digit, nor across
 * CJK punctuation before Han or kana), so the words are those of the whole text. Only a stretch without any such place
 * is cut by force.
 */
const safeCut = /\n| (?=[\p{Lu}\p{Ll}\p{Lo}\p{Nd}])|[。，、！？；：](?=[\u4e00-\u9fff\u3041-\u3096\u30a1-\u30fa])/gu
const shortestStretch = 256
/** A stretch of this many code units without a safe cut is cut here: part of the rule, and documented. */
export const longestStretch = 4096

/* Made at the first use, as that takes milliseconds. The locale is fixed: the default one would make the words depend on the machine. */
let segmenter: Intl.Segmenter | undefined

/** Words by `Intl.Segmenter`, punctuation too: it knows the words of Chinese, Japanese, Thai and others without spaces. */
export function* splitWords(text: string, emit: Emit): Steps<void> {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'word' })
  for (let at = 0; at < text.length; yield) {
    const stretch = text.slice(at, endOfStretch(text, at))
    for (const { segment, index } of segmenter.segment(stretch)) emitTrimmed(segment, at + index, emit)
    at += stretch.length
  }
}

/** Where the stretch that starts at `at` ends; what is more than {@link longestStretch} + 1 code units after it does not matter. */
export const endOfStretch = (text: string, at: number): number => {
  if (text.length - at <= shortestStretch) return text.length
  const last = at + longestStretch
  safeCut.lastIndex = shortestStretch - 1
  const cut = safeCut.exec(text.slice(at, last))
  if (cut !== null) return at + cut.index + 1
  if (last >= text.length) return text.length
  const splitsPair = (text.codePointAt(last - 1) as number) > 0xffff
  return splitsPair ? last - 1 : last
}
