import type { LaterCountedText } from './chunk-later.ts'
import type { TokenOffsets } from './offsets.ts'
import type { CountedText } from './parts.ts'
import type { EncodeAsyncOptions, EncodeOptions, Tokenizer } from './tokenizer.ts'

/** What {@link Parts} asks of a tokenizer, by its own methods: all is counted as `count` counts it with these options. */
export const countedBy = (tokenizer: Tokenizer, text: string, options: EncodeOptions): CountedText =>
  countedWith(tokenizer, text, options, tokenizer.encodeWithOffsets(text, { disallowedSpecial: [], ...options }))

/** {@link countedBy} off the event loop, of a tokenizer that has `offsetsLater` for that. */
export const countedLaterBy = async (
  tokenizer: Tokenizer & { offsetsLater(text: string, options: EncodeAsyncOptions): Promise<TokenOffsets> },
  text: string,
  options: EncodeOptions,
  signal: AbortSignal | undefined,
): Promise<LaterCountedText> => {
  const offsets = await tokenizer.offsetsLater(text, { disallowedSpecial: [], ...options, signal })
  return {
    ...countedWith(tokenizer, text, options, offsets),
    countLater: (start, end) => tokenizer.countAsync(text.slice(start, end), { ...options, signal }),
  }
}

const countedWith = (
  tokenizer: Tokenizer,
  text: string,
  options: EncodeOptions,
  { ids, offsets, ends }: TokenOffsets,
): CountedText => {
  const special = new Set(tokenizer.specialTokens.values())
  return {
    text,
    offsets,
    ends,
    isWhole: (index) => special.has(ids[index] as number),
    count: (start, end) => tokenizer.count(text.slice(start, end), options),
  }
}
