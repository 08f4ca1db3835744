import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { untilAborted } from '../src/until-aborted.ts'

/* ava fails on a rejection that nobody handles. */
test('what a source says after the signal is handled, also when it fails by the same signal', async (t) => {
  const controller = new AbortController()
  const { signal } = controller
  let asked = 0
  const source: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        if (asked++ === 0) return { done: false, value: 1 }
        await sleep(1)
        signal.throwIfAborted()
        return { done: true, value: undefined }
      },
    }),
  }
  const reason = new Error('enough')
  const taken = untilAborted(source, signal)
  t.deepEqual(await taken.next(), { done: false, value: 1 })
  // While nobody waits for it.
  controller.abort(reason)
  t.is(await t.throwsAsync(taken.next()), reason)
  await sleep(10)
  t.is(asked, 2)
})
