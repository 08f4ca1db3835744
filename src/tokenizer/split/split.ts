import { types } from 'node:util'
import type { Steps } from '../../event-loop.ts'
import { invalid } from '../../validate.ts'
import { splitBook } from './book.ts'
import { splitByRegExp, withoutState } from './regexp.ts'
import type { Emit } from './white-space.ts'
import { splitWords } from './words.ts'

/**
 * How text becomes words.
 *
 * - `'book'`: at each of `,.:;?_!"()'`, at `--` and at white space; the marks and `--` are words.
 * - `'words'`: by `Intl.Segmenter`, which knows the words of Chinese, Japanese, Thai and other languages without spaces;
 *   punctuation is kept. The dictionaries are those of the running Node. More than 4,096 characters without a space,
 *   line end or CJK punctuation are cut there.
 * - a RegExp: as `text.split(regExp)`, so what its capture groups capture is kept. It runs as it is: one that backtracks
 *   without end on some text does so here too.
 *
 * Whatever the rule, words are trimmed and the empty ones dropped.
 */
export type SplitRule = 'book' | 'words' | RegExp

/** A rule ready to run. */
export interface Splitter {
  readonly rule: SplitRule
  /** Emits the words of a well-formed text in order. */
  readonly split: (text: string, emit: Emit) => Steps<void>
}

/** The splitter of a rule; a RegExp is copied, so that its state is nobody else's. */
export const splitterOf = (name: string, rule: unknown): Splitter => {
  if (rule === 'book') return { rule, split: splitBook }
  if (rule === 'words') return { rule, split: splitWords }
  if (types.isRegExp(rule)) return { rule: withoutState(rule), split: splitByRegExp(rule) }
  throw invalid(name, "'book', 'words' or a RegExp", rule)
}

/** A rule as it is written in files and fingerprints. */
export type WrittenRule = 'book' | 'words' | { readonly source: string; readonly flags: string }

/** {@link WrittenRule} of `rule`. Two rules are the same when these are. */
export const writtenRule = (rule: SplitRule): WrittenRule => {
  if (typeof rule === 'string') return rule
  const { source, flags } = withoutState(rule)
  return { source, flags }
}
