import type { Steps } from '../../event-loop.ts'
import { wellFormed } from '../read-text.ts'
import { emitTrimmed, type Emit } from './white-space.ts'

/** Code units per step. */
const stepUnits = 1 << 16

/** What decides the words of `pattern`: `g`, `y` and `d` have no meaning to a split, nor has `lastIndex`. */
export const withoutState = (pattern: RegExp): RegExp => {
  // A copy has the real source and flags, also when somebody has put others on the object.
  const { source, flags } = new RegExp(pattern)
  return new RegExp(source, flags.replace(/[gyd]/g, ''))
}

/**
 * The words that `text.split(pattern)` gives: the pieces between the matches, and what capture groups captured, where they
 * stand. The loop is that of the language specification, written out so that it can stop between matches.
 */
export const splitByRegExp = (pattern: RegExp): ((text: string, emit: Emit) => Steps<void>) => {
  const { source, flags } = withoutState(pattern)
  const global = new RegExp(source, `${flags}g`)
  const unicode = /[uv]/.test(flags)

  return function* (text, emit) {
    // Without the flag u a match can end inside a surrogate pair.
    const piece = (part: string, index: number) => emitTrimmed(wellFormed(part), index, emit)
    let start = 0
    let from = 0
    let pause = stepUnits
    while (from < text.length) {
      global.lastIndex = from
      const match = global.exec(text)
      if (match === null || match.index >= text.length) break
      const end = global.lastIndex
      if (end === start) {
        // An empty match where the piece starts splits nothing.
        from = match.index + (unicode && (text.codePointAt(match.index) as number) > 0xffff ? 2 : 1)
        continue
      }
      piece(text.slice(start, match.index), start)
      for (const captured of match.slice(1)) if (captured !== undefined) piece(captured, match.index)
      start = end
      from = end
      if (from >= pause) {
        pause = from + stepUnits
        yield
      }
    }
    piece(text.slice(start), start)
  }
}
