import { TokenmillError } from '../errors.ts'
import { specialTokenError, type SpecialTokenPolicy } from './special-tokens.ts'

/** The special tokens of one call, ready to be searched for. */
export interface SpecialSearch {
  /** Finds what becomes an id of its own. */
  readonly allowed: RegExp | undefined
  /** Finds what is an error. */
  readonly disallowed: RegExp | undefined
  /** The length of the longest of all these, in code units; 0 without any. */
  readonly longest: number
}

/** The most code units of a token, and of all together: a RegExp of much more is none that can be run. */
const mostUnits = { each: 4096, together: 4 << 20 }

/**
 * The search for what `policy` allows, as far as `known` has it, and disallows.
 *
 * @throws `ERR_LIMIT` when one is longer than 4096 code units, or all are together than 4 Mi
 */
const specialSearch = (policy: SpecialTokenPolicy, known: ReadonlyMap<string, number>): SpecialSearch => {
  const lengths = [...policy.allowed, ...policy.disallowed].map((token) => token.length)
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0)
  const together = lengths.reduce((sum, length) => sum + length, 0)
  if (longest > mostUnits.each) throw tooLong(`of at most ${mostUnits.each} code units`, longest)
  if (together > mostUnits.together) throw tooLong(`of at most ${mostUnits.together} code units together`, together)
  return {
    allowed: patternOf([...policy.allowed].filter((token) => known.has(token))),
    disallowed: patternOf([...policy.disallowed]),
    longest,
  }
}

/** The searches of a tokenizer. A policy that comes again has the same one, so that its patterns are compiled once. */
export class SpecialSearches {
  readonly #known: ReadonlyMap<string, number>
  readonly #kept = new WeakMap<SpecialTokenPolicy, SpecialSearch>()

  constructor(known: ReadonlyMap<string, number>) {
    this.#known = known
  }

  /** {@link specialSearch} of `policy`. */
  of(policy: SpecialTokenPolicy): SpecialSearch {
    let search = this.#kept.get(policy)
    if (search === undefined) {
      search = specialSearch(policy, this.#known)
      this.#kept.set(policy, search)
    }
    return search
  }
}

const tooLong = (expected: string, length: number): TokenmillError =>
  new TokenmillError('ERR_LIMIT', `expected special tokens ${expected} for a tokenizer of words, received ${length}`)

/** Matches any of `tokens`; where several start at one place, the longest. */
const patternOf = (tokens: readonly string[]): RegExp | undefined => {
  if (tokens.length === 0) return undefined
  const escaped = [...tokens]
    .sort((a, b) => b.length - a.length)
    .map((token) => token.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
  return new RegExp(escaped.join('|'), 'gu')
}

/** @throws `ERR_SPECIAL_TOKEN` when `text`, which starts at `start` of what is called `name`, holds a disallowed special token. */
export const refuseDisallowed = (text: string, { disallowed }: SpecialSearch, start = 0, name?: string): void => {
  if (disallowed === undefined) return
  disallowed.lastIndex = 0
  const match = disallowed.exec(text)
  if (match !== null) throw specialTokenError(match[0], start + match.index, name)
}

/** `text` cut at its allowed special tokens: stretches of plain text, and the tokens between them. */
export function* partsOf(
  text: string,
  { allowed }: SpecialSearch,
): Generator<{ text: string; start: number; special: boolean }> {
  let start = 0
  for (const match of allowed === undefined ? [] : text.matchAll(allowed)) {
    if (start < match.index) yield { text: text.slice(start, match.index), start, special: false }
    yield { text: match[0], start: match.index, special: true }
    start = match.index + match[0].length
  }
  if (start < text.length) yield { text: start === 0 ? text : text.slice(start), start, special: false }
}
