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

/** The search for what `policy` allows, as far as this tokenizer has it, and disallows. */
export const specialSearch = (policy: SpecialTokenPolicy, known: ReadonlyMap<string, number>): SpecialSearch => ({
  allowed: patternOf([...policy.allowed].filter((token) => known.has(token))),
  disallowed: patternOf([...policy.disallowed]),
  longest: [...policy.allowed, ...policy.disallowed].reduce((longest, token) => Math.max(longest, token.length), 0),
})

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
