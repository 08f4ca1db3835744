import { boolean, options as checkedOptions } from '../validate.ts'
import { encodeOptionNames } from './arguments.ts'
import type { EncodeOptions } from './tokenizer.ts'

/** {@link EncodeOptions}, and what else to tell of the tokens. */
export interface OffsetOptions extends EncodeOptions {
  /**
   * Whether the result has `byteOffsets` and `byteEnds`.
   * @default false
   */
  readonly byteOffsets?: boolean
}

/**
 * Ids and where in the text their tokens are: in UTF-16 code units for a string, in bytes for a `Uint8Array`.
 *
 * `text.slice(offsets[i], ends[i])` is what token `i` is of, and never cuts a character: tokens that share a character both have all of it.
 */
export interface TokenOffsets {
  /** The ids. */
  readonly ids: Uint32Array
  /** For each token the start of the first character that it has a part of; one entry more, the length of the text. */
  readonly offsets: Uint32Array
  /** For each token the end of the last character that it has a part of. */
  readonly ends: Uint32Array
  /** With `byteOffsets: true`: for each token the byte where it starts in the text as UTF-8, be it inside a character; one entry more, the length. */
  readonly byteOffsets?: Uint32Array
  /** With `byteOffsets: true`: for each token the byte where it ends in the text as UTF-8. */
  readonly byteEnds?: Uint32Array
}

/** The options of {@link EncodeOptions}, and whether byte offsets are asked for. */
export const splitByteOffsets = (
  options: OffsetOptions | undefined,
): { readonly bytes: boolean; readonly rest: EncodeOptions | undefined } => {
  if (options === undefined) return { bytes: false, rest: undefined }
  const { byteOffsets = false, ...rest } = checkedOptions('options', options, [...encodeOptionNames, 'byteOffsets'])
  return { bytes: boolean('options.byteOffsets', byteOffsets), rest }
}
