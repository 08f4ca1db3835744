import { callNative } from '../errors.ts'
import { native } from '../native.ts'
import type { GatheredTexts } from '../native-binding.d.ts'
import { turnFor, unitsOf, unitsPerTurn } from './copy-turn.ts'
import type { Text } from './tokenizer.ts'

/** Strings that are too long together to be copied in one turn of the event loop. */
export interface LongBatch {
  readonly texts: readonly string[]
  readonly units: number
}

/** `texts` when they are a {@link LongBatch}. */
export const longBatch = (texts: readonly Text[]): LongBatch | undefined => {
  const units = texts.length > 1 ? unitsOf(texts) : undefined
  return units === undefined || units <= unitsPerTurn ? undefined : { texts: texts as readonly string[], units }
}

/** The strings of a batch, copied to native code in as many turns as it takes. */
export const gathered = async (
  { texts, units }: LongBatch,
  signal: AbortSignal | undefined,
): Promise<GatheredTexts> => {
  const all = callNative(() => new (native().GatheredTexts)(units))
  for (let start = 0; start < texts.length;) {
    let [end, length] = [start, 0]
    do length += (texts[end++] as string).length
    while (end < texts.length && length + (texts[end] as string).length <= unitsPerTurn)
    const part = texts.slice(start, end)
    const turn = turnFor(length)
    if (turn !== undefined) await turn
    signal?.throwIfAborted()
    callNative(() => all.add(part))
    start = end
  }
  return all
}
