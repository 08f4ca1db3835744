import { cancellable } from '../cancel.ts'
import type { CancelFlag, GatheredTexts } from '../native-binding.d.ts'
import { ofOwnRealm } from '../own-realm.ts'
import { copyTurn } from './copy-turn.ts'
import { explained } from './explained.ts'
import { gathered, longBatch } from './long-batch.ts'
import type { Text } from './tokenizer.ts'

/** What an error of native code is for the caller. */
export type Explain = (error: unknown) => unknown

/** Calls native code with text; its errors are {@link explained}. */
export const explaining = <T>(work: () => T): T => {
  try {
    return ofOwnRealm(work())
  } catch (error) {
    throw explained(error)
  }
}

/** A native call off the event loop. */
export type NativeWork<I, T> = (input: I, strict: boolean, policy: number, flag: CancelFlag | undefined) => Promise<T>

/** The native calls of a batch: of texts that cross with the call, and of those that have crossed before. */
export interface BatchWork<T> {
  readonly texts: NativeWork<Text[], T>
  readonly gathered: (texts: GatheredTexts, policy: number, flag: CancelFlag | undefined) => Promise<T>
}

/** {@link callLater} with a batch of `texts`, of which a long one is copied in several turns. */
export const callBatchLater = async <T>(
  texts: Text[],
  strict: boolean,
  call: Parameters<typeof callLater>[1],
  work: BatchWork<T>,
): Promise<T> => {
  const long = longBatch(texts)
  if (long === undefined) return callLater(texts, call, (policy, flag) => work.texts(texts, strict, policy, flag))
  const all = await gathered(long, call.signal)
  return callLater([], call, (policy, flag) => work.gathered(all, policy, flag))
}

/** {@link copiedLater} with a policy, whose number is asked for when it is time: other calls may drop policies before. */
export const callLater = async <T>(
  texts: readonly Text[],
  call: {
    readonly signal: AbortSignal | undefined
    readonly policy: () => number
    readonly explain?: Explain | undefined
  },
  work: (policy: number, flag: CancelFlag | undefined) => Promise<T>,
): Promise<T> => {
  const { signal, policy, explain = explained } = call
  return copiedLater(texts, signal, async (flag) => {
    try {
      return await work(policy(), flag)
    } catch (error) {
      throw explain(error)
    }
  })
}

/** Does native work with `texts` off the event loop, when it is their turn to be copied. */
export const copiedLater = async <T>(
  texts: readonly Text[],
  signal: AbortSignal | undefined,
  work: (flag: CancelFlag | undefined) => Promise<T>,
): Promise<T> => {
  const turn = copyTurn(texts)
  if (turn !== undefined) await turn
  return cancellable(signal, work)
}
