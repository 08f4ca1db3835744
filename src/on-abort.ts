/** Who waits for a signal, and the one listener that tells them all. */
interface Waiting {
  readonly calls: Set<() => void>
  readonly listener: () => void
}

const waitingFor = new WeakMap<AbortSignal, Waiting>()

/**
 * Calls `call` when `signal` aborts, until the function that is returned is called. A signal has one listener of ours however many wait for
 * it, and none when nobody does: Node warns of a leak when one has more than ten.
 */
export const onAbort = (signal: AbortSignal, call: () => void): (() => void) => {
  const waiting = waitingFor.get(signal) ?? listen(signal)
  waiting.calls.add(call)
  return () => {
    waiting.calls.delete(call)
    if (waiting.calls.size > 0) return
    signal.removeEventListener('abort', waiting.listener)
    if (waitingFor.get(signal) === waiting) waitingFor.delete(signal)
  }
}

const listen = (signal: AbortSignal): Waiting => {
  const calls = new Set<() => void>()
  const listener = () => {
    for (const call of calls) call()
  }
  const waiting = { calls, listener }
  signal.addEventListener('abort', listener, { once: true })
  waitingFor.set(signal, waiting)
  return waiting
}
