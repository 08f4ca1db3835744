import { cancellable } from '../cancel.ts'
import { TokenmillError } from '../errors.ts'
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

/** A native error of a list of one text, as one of the text. */
export const explainedOfOne = (error: unknown): unknown => {
  const whole = explained(error, 0, 'the text', true)
  if (!(whole instanceof TokenmillError)) return whole
  const message = whole.message.replace(', for texts[0]', '').replace('texts[0]', 'text')
  return new TokenmillError(whole.code, message, { cause: whole.cause })
}

/** The native calls off the event loop: of texts that cross with the call, and of those that have crossed before. */
export interface TextWork<T> {
  readonly texts: (texts: Text[], strict: boolean, policy: number, flag: CancelFlag | undefined) => Promise<T>
  readonly gathered: (texts: GatheredTexts, policy: number, flag: CancelFlag | undefined) => Promise<T>
}

/** How native work off the event loop is called. */
export interface LaterCall {
  readonly signal: AbortSignal | undefined
  /** The number of the policy is asked for when it is time: other calls may drop policies before. */
  readonly policy: () => number
  readonly explain?: Explain | undefined
}

/** Does native work with `texts` off the event loop, when it is their turn to be copied, or in as many turns as they take. */
export const callLater = async <T>(texts: Text[], strict: boolean, call: LaterCall, work: TextWork<T>): Promise<T> => {
  const long = longBatch(texts)
  if (long === undefined) return callCopied(texts, call, (policy, flag) => work.texts(texts, strict, policy, flag))
  const all = await gathered(long, call.signal)
  return callCopied([], call, (policy, flag) => work.gathered(all, policy, flag))
}

/** {@link copiedLater} with a policy. */
export const callCopied = async <T>(
  texts: readonly Text[],
  { signal, policy, explain = explained }: LaterCall,
  work: (policy: number, flag: CancelFlag | undefined) => Promise<T>,
): Promise<T> =>
  copiedLater(texts, signal, async (flag) => {
    try {
      return await work(policy(), flag)
    } catch (error) {
      throw explain(error)
    }
  })

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
