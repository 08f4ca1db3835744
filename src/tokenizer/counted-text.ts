import type { CountedText } from './parts.ts'
import type { EncodeOptions, Tokenizer } from './tokenizer.ts'

/** What {@link Parts} asks of a tokenizer, by its own methods: all is counted as `count` counts it with these options. */
export const countedBy = (tokenizer: Tokenizer, text: string, options: EncodeOptions): CountedText => {
  const special = new Set(tokenizer.specialTokens.values())
  const { ids, offsets, ends } = tokenizer.encodeWithOffsets(text, { disallowedSpecial: [], ...options })
  return {
    text,
    offsets,
    ends,
    isWhole: (index) => special.has(ids[index] as number),
    count: (start, end) => tokenizer.count(text.slice(start, end), options),
  }
}
