import { cancellable } from '../cancel.ts'
import type { CancelFlag } from '../native-binding.d.ts'
import { copyTurn } from './copy-turn.ts'
import { explained } from './explained.ts'
import type { Text } from './tokenizer.ts'

/** What an error of native code is for the caller. */
export type Explain = (error: unknown) => unknown

/** Calls native code with text; its errors are {@link explained}. */
export const explaining = <T>(work: () => T): T => {
  try {
    return work()
  } catch (error) {
    throw explained(error)
  }
}

/** A native call off the event loop. */
export type NativeWork<I, T> = (input: I, strict: boolean, policy: number, flag: CancelFlag | undefined) => Promise<T>

/**
 * Does native work with `texts` off the event loop, when it is their turn to be copied. The number of the policy is asked for then: other
 * calls may drop policies before.
 */
export const callLater = async <T>(
  texts: readonly Text[],
  call: {
    readonly signal: AbortSignal | undefined
    readonly policy: () => number
    readonly explain?: Explain | undefined
  },
  work: (policy: number, flag: CancelFlag | undefined) => Promise<T>,
): Promise<T> => {
  const turn = copyTurn(texts)
  if (turn !== undefined) await turn
  const { signal, policy, explain = explained } = call
  return cancellable(signal, async (flag) => {
    try {
      return await work(policy(), flag)
    } catch (error) {
      throw explain(error)
    }
  })
}
