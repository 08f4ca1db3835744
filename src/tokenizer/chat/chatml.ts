import { TokenmillError } from '../../errors.ts'
import type { Tokenizer } from '../tokenizer.ts'
import { joinIds } from '../../join-ids.ts'
import type { NonSharedUint32Array } from '../../non-shared.ts'
import type { PlainMessage } from './message.ts'

/*
 * ChatML, the format of gpt-3.5, gpt-4, gpt-4o and later:
 *
 *     <|im_start|>user<|im_sep|>Hello<|im_end|><|im_start|>assistant<|im_sep|>
 *
 * and, for the snapshots of March 2023, the only one that OpenAI published, with line ends in the places of `<|im_sep|>` and after a message:
 *
 *     <|im_start|>user⏎Hello<|im_end|>⏎<|im_start|>assistant⏎
 *
 * The three special tokens are put down as ids, and are no special tokens of the encodings: no text can become one.
 */

/** The ids of `<|im_start|>`, `<|im_end|>` and `<|im_sep|>`, which OpenAI has not published: those that gpt-tokenizer 4.0.0 has. */
const controls: Readonly<Record<string, { start: number; end: number; separator: number }>> = {
  cl100k_base: { start: 100264, end: 100265, separator: 100266 },
  o200k_base: { start: 200003, end: 200004, separator: 200005 },
}

/** The ids of a chat; the name of a speaker stands in the place of the role. */
export const encodeChatml = (
  tokenizer: Tokenizer,
  messages: readonly PlainMessage[],
  { lines, prompt }: { readonly lines: boolean; readonly prompt: boolean },
): NonSharedUint32Array => {
  const { start, end, separator } = controls[tokenizer.name] as (typeof controls)[string]
  const lineEnd = tokenizer.encodeOrdinary('\n')
  const afterRole = lines ? lineEnd : [separator]
  const afterMessage = lines ? [end, ...lineEnd] : [end]
  const rows: ArrayLike<number>[] = []
  const heads = new Map<string, Uint32Array>()
  const head = (role: string) => {
    const known = heads.get(role)
    if (known !== undefined) return known
    const ids = joinIds([[start], tokenizer.encodeOrdinary(role), afterRole])
    heads.set(role, ids)
    return ids
  }
  for (const [index, { role, name, content, calls }] of messages.entries()) {
    if (calls.length > 0) {
      throw new TokenmillError(
        'ERR_INVALID_ARGUMENT',
        `expected no calls of functions in messages[${index}], received ${calls.length}: how the model writes them is not published; countChat counts them`,
      )
    }
    rows.push(head(name ?? role), tokenizer.encodeOrdinary(content), afterMessage)
  }
  if (prompt) rows.push(head('assistant'))
  return joinIds(rows)
}
