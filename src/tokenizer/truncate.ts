import { integerIn, oneOf, options as checkedOptions, string } from '../validate.ts'
import { encodeOptionNames } from './arguments.ts'
import { cutsPair, Parts, type CountedText } from './parts.ts'
import type { EncodeOptions } from './tokenizer.ts'

/** {@link EncodeOptions}, and which end of the text is cut off. */
export interface TruncateOptions extends EncodeOptions {
  /**
   * `'end'` keeps the start of the text, `'start'` its end.
   * @default 'end'
   */
  readonly cut?: 'end' | 'start' | undefined
}

/** The checked arguments of `truncate`. */
export const checkedTruncation = (text: unknown, maxTokens: unknown, options: TruncateOptions | undefined) => {
  const { cut = 'end', ...rest } = checkedOptions('options', options, [...encodeOptionNames, 'cut'])
  return {
    text: string('text', text),
    most: Math.min(integerIn('maxTokens', maxTokens, 0), 0xffff_fffe),
    keepsStart: oneOf('options.cut', cut, ['end', 'start']) === 'end',
    rest: rest as EncodeOptions,
  }
}

/** Tokens of a part beyond those that are kept, so that what is kept ends where the rest of the text has nothing to say. */
const spare = 64
/** Most texts have a token in so many code units. */
const unitsOfToken = 8

/**
 * `truncate` of a tokenizer that counts parts of a text. Of a long text a part is looked at that has some more tokens than are kept; all of it where such
 * parts are no shorter, or special tokens in it are errors. What is kept ends before an allowed special token that the part may have cut.
 */
export const truncateCounted = (
  text: string,
  maxTokens: number,
  options: TruncateOptions | undefined,
  specialTokens: ReadonlyMap<string, number>,
  counted: (text: string, options: EncodeOptions) => CountedText,
): string => {
  const { text: checked, most, keepsStart, rest } = checkedTruncation(text, maxTokens, options)
  const kept = (part: CountedText): string => {
    const parts = new Parts(part)
    return keepsStart ? part.text.slice(0, parts.endOfPrefix(most)) : part.text.slice(parts.startOfSuffix(most))
  }
  if (rest.disallowedSpecial === undefined) {
    for (let length = (most + spare) * unitsOfToken; length < checked.length / 2; length *= 4) {
      const part = counted(keepsStart ? startOf(checked, length) : endOf(checked, length), rest)
      if (part.offsets.length <= most + spare) continue
      const found = kept(part)
      if (found.length + longestAllowed(rest, specialTokens) < part.text.length) return found
    }
  }
  return kept(counted(checked, rest))
}

/** The length of the longest special token that checked options allow, in code units. */
const longestAllowed = ({ allowedSpecial = [] }: EncodeOptions, specialTokens: ReadonlyMap<string, number>): number =>
  Array.from(allowedSpecial === 'all' ? specialTokens.keys() : allowedSpecial).reduce(
    (most, token) => Math.max(most, token.length),
    0,
  )

/** About so many code units that `text` starts with, up to white space where there is some. */
const startOf = (text: string, length: number): string => {
  const near = text.slice(length, length + unitsOfToken * spare).search(/\s/u)
  return text.slice(0, near === -1 ? length + Number(cutsPair(text, length)) : length + near)
}

/** About so many that it ends with. */
const endOf = (text: string, length: number): string => {
  const start = text.length - length
  const near = text.slice(start, start + unitsOfToken * spare).search(/\s/u)
  return text.slice(near === -1 ? start + Number(cutsPair(text, start)) : start + near)
}
