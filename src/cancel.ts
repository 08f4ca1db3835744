import { fromNative } from './errors.ts'
import type { CancelFlag } from './native-binding.d.ts'
import { native } from './native.ts'
import { ofOwnRealm } from './own-realm.ts'
import { onAbort } from './on-abort.ts'

/**
 * Runs native work that looks at a flag, which `signal` sets when it aborts; the work stops soon after. The promise is then rejected with
 * `signal.reason`: at once, or with `untilEnded` after the work has ended, so that the same call can be made again.
 */
export const cancellable = async <T>(
  signal: AbortSignal | undefined,
  work: (flag: CancelFlag | undefined) => Promise<T>,
  { untilEnded = false }: { readonly untilEnded?: boolean } = {},
): Promise<T> => {
  signal?.throwIfAborted()
  try {
    if (signal === undefined) return ofOwnRealm(await work(undefined))
    const flag = new (native().CancelFlag)()
    const result = new Promise<T>((resolve, reject) => {
      const abort = () => {
        flag.cancel()
        if (!untilEnded) reject(signal.reason)
      }
      const promise = work(flag)
      promise.then(resolve, reject).finally(onAbort(signal, abort))
    })
    return ofOwnRealm(await result)
  } catch (error) {
    throw signal?.aborted === true ? signal.reason : fromNative(error)
  }
}
