import type { ExecutionContext } from 'ava'
import { cancellable } from '../src/cancel.ts'
import type { CancelFlag } from '../src/native-binding.d.ts'

/** Asserts that an abort rejects at once with its reason, and ends the native work behind the call; not cancelled, that would go through. */
export const stopsWork = async (
  t: ExecutionContext,
  work: (flag: CancelFlag | undefined) => Promise<unknown>,
): Promise<void> => {
  const controller = new AbortController()
  const started: Promise<unknown>[] = []
  const outer = cancellable<unknown>(controller.signal, (flag) => {
    const inner = work(flag)
    started.push(inner)
    return inner
  })
  const reason = new Error('enough')
  controller.abort(reason)
  t.is(await t.throwsAsync(outer), reason)
  await t.throwsAsync(started[0] as Promise<unknown>, { message: 'the work was cancelled' })
}
