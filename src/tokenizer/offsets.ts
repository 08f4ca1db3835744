import type { NonSharedInt32Array, NonSharedUint32Array } from '../non-shared.ts'
import { boolean, options as checkedOptions } from '../validate.ts'
import { encodeOptionNames } from './arguments.ts'
import type { EncodeOptions } from './tokenizer.ts'

/** {@link EncodeOptions}, and what else to tell of the tokens. */
export interface OffsetOptions extends EncodeOptions {
  /**
   * Whether the result has `byteOffsets` and `byteEnds`.
   * @default false
   */
  readonly byteOffsets?: boolean | undefined
  /**
   * Whether the result has `wordIds`.
   * @default false
   */
  readonly wordIds?: boolean | undefined
}

/**
 * Ids and where in the text their tokens are: in UTF-16 code units for a string, in bytes for a `Uint8Array`.
 *
 * `text.slice(offsets[i], ends[i])` is what token `i` is of, and never cuts a character: tokens that share a character both have all of it.
 */
export interface TokenOffsets {
  /** The ids. */
  readonly ids: NonSharedUint32Array
  /** For each token the start of the first character that it has a part of; one entry more, the length of the text. */
  readonly offsets: NonSharedUint32Array
  /** For each token the end of the last character that it has a part of. */
  readonly ends: NonSharedUint32Array
  /** With `byteOffsets: true`: for each token the byte where it starts in the text as UTF-8, be it inside a character; one entry more, the length. */
  readonly byteOffsets?: NonSharedUint32Array
  /** With `byteOffsets: true`: for each token the byte where it ends in the text as UTF-8. */
  readonly byteEnds?: NonSharedUint32Array
  /**
   * With `wordIds: true`: for each token the number of its word, from 0 on; -1 for what a post-processor adds. Words are the parts in which a
   * text is cut before its tokens are made; a special or added token is one of its own.
   */
  readonly wordIds?: NonSharedInt32Array
}

/** {@link TokenOffsets}, with what is only there when it is asked for. */
export type AllOffsets = Required<Omit<TokenOffsets, 'wordIds'>> & Pick<TokenOffsets, 'wordIds'>

/** What else to tell of the tokens. */
export interface OffsetChoices {
  readonly bytes: boolean
  readonly words: boolean
}

/** The options of {@link EncodeOptions}, and what else to tell. */
export const splitOffsetOptions = (
  options: OffsetOptions | undefined,
): OffsetChoices & { readonly rest: EncodeOptions | undefined } => {
  if (options === undefined) return { bytes: false, words: false, rest: undefined }
  const names = [...encodeOptionNames, 'byteOffsets', 'wordIds'] as const
  const { byteOffsets = false, wordIds = false, ...rest } = checkedOptions('options', options, names)
  return { bytes: boolean('options.byteOffsets', byteOffsets), words: boolean('options.wordIds', wordIds), rest }
}

/** `words` as native code counts them, as {@link TokenOffsets.wordIds}. */
export const wordIdsOf = (words: NonSharedUint32Array | undefined): Pick<TokenOffsets, 'wordIds'> =>
  words === undefined ? {} : { wordIds: new Int32Array(words.buffer, words.byteOffset, words.length) }
