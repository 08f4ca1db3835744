import { integerIn, oneOf, options as checkedOptions, string } from '../validate.ts'
import { encodeOptionNames } from './arguments.ts'
import { Parts, type CountedText } from './parts.ts'
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

/** `truncate` of a tokenizer that counts parts of a text. */
export const truncateCounted = (
  text: string,
  maxTokens: number,
  options: TruncateOptions | undefined,
  counted: (text: string, options: EncodeOptions) => CountedText,
): string => {
  const { text: checked, most, keepsStart, rest } = checkedTruncation(text, maxTokens, options)
  const parts = new Parts(counted(checked, rest))
  return keepsStart ? checked.slice(0, parts.endOfPrefix(most)) : checked.slice(parts.startOfSuffix(most))
}
