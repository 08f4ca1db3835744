import { types } from 'node:util'
import { TokenmillError } from '../errors.ts'
import { native } from '../native.ts'
import { invalid, received } from '../validate.ts'
import { didYouMean } from './near-names.ts'

/**
 * How text is split into pieces, which are then merged each on its own: the name of a published pattern, or a regular expression as a string.
 *
 * Names are those of models and encodings: `'gpt2'`, `'cl100k'`, `'o200k'`, `'llama3'`, `'qwen2'`, `'deepseek-v3'`, …; an unknown one lists them. An expression is
 * one of Rust's `fancy-regex`: look-around, possessive and lazy quantifiers, `\\p{…}`. Text between two matches is a piece as well. Those of published tokenizers,
 * and their relatives, run as fast as named ones; others are bounded, and `ERR_LIMIT` where a text takes too long.
 */
export type PatternSource = string

/** What only a name consists of. */
const likeName = /^[\w.-]*$/

/** `pattern` when it is a name that exists, or may be a regular expression: that it is one is checked where it is compiled. */
export const checkedPattern = (name: string, pattern: unknown): string => {
  if (typeof pattern !== 'string') {
    const expected = "a string: the name of a pattern, such as 'cl100k', or a regular expression"
    // Its syntax and its classes are others.
    throw invalid(name, types.isRegExp(pattern) ? `${expected} (as a string, not a RegExp)` : expected, pattern)
  }
  const names = likeName.test(pattern) ? native().patternNames() : undefined
  if (names !== undefined && !names.includes(pattern)) {
    throw new TokenmillError(
      'ERR_INVALID_ARGUMENT',
      `there is no pattern called ${received(pattern)}, for ${name}${didYouMean(pattern, names)} Known patterns: ${names.join(', ')}`,
    )
  }
  return pattern
}
