import { callNative } from '../errors.ts'
import { native } from '../native.ts'
import type { GatheredTexts } from '../native-binding.d.ts'
import { turnFor, unitsOf, unitsPerTurn, weightOf } from './copy-turn.ts'
import type { Text } from './tokenizer.ts'

/** Strings that are too long, or too many, to be copied in one turn of the event loop. */
export interface LongBatch {
  readonly texts: readonly string[]
  readonly units: number
}

/** `texts` when they are a {@link LongBatch}. */
export const longBatch = (texts: readonly Text[]): LongBatch | undefined => {
  const units = unitsOf(texts)
  return units === undefined || weightOf(texts.length, units) <= unitsPerTurn
    ? undefined
    : { texts: texts as readonly string[], units }
}

/** The strings of a batch, copied to native code in as many turns as it takes. */
export const gathered = async (
  { texts, units }: LongBatch,
  signal: AbortSignal | undefined,
): Promise<GatheredTexts> => {
  const all = callNative(() => new (native().GatheredTexts)(units))
  const inTurn = async (weight: number, copy: () => void) => {
    const turn = turnFor(weight)
    if (turn !== undefined) await turn
    signal?.throwIfAborted()
    callNative(copy)
  }
  const weight = (index: number) => weightOf(1, (texts[index] as string).length)
  for (let start = 0; start < texts.length;) {
    let [end, together] = [start, 0]
    do together += weight(end++)
    while (end < texts.length && together + weight(end) <= unitsPerTurn)
    const some = texts.slice(start, end)
    const [first] = some as [string]
    if (end - start > 1 || first.length <= unitsPerTurn) {
      await inTurn(together, () => all.add(some))
    } else {
      for (let at = 0; at < first.length; at += unitsPerTurn) {
        const part = first.slice(at, at + unitsPerTurn)
        await inTurn(part.length, () => (at === 0 ? all.add([part]) : all.extend(part)))
      }
    }
    start = end
  }
  return all
}
