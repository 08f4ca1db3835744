import { onAbort } from './on-abort.ts'

/** What `source` gives until `signal` aborts, also when it gives nothing any more. Then `signal.reason` is thrown. */
export async function* untilAborted<T>(
  source: Iterable<T> | AsyncIterable<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> {
  if (signal === undefined) {
    yield* source
    return
  }
  signal.throwIfAborted()
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  const wait = new Wait(signal)
  let isDone = false
  try {
    for (;;) {
      const next = await wait.for(iterator.next())
      isDone = next.done === true
      if (next.done === true) return
      yield next.value
    }
  } catch (error) {
    // A source that failed is over.
    isDone = !signal.aborted
    throw error
  } finally {
    wait.end()
    if (!isDone) {
      const returned = Promise.resolve(iterator.return?.())
      // A source that gives nothing may not end either.
      if (signal.aborted) returned.catch(() => undefined)
      else await returned
    }
  }
}

/** Waits for one value after the other, each until a signal aborts. */
class Wait {
  readonly #signal: AbortSignal
  #reject: (reason: unknown) => void = () => undefined
  /** To be called when nothing is waited for any more. */
  readonly end: () => void

  constructor(signal: AbortSignal) {
    this.#signal = signal
    this.end = onAbort(signal, () => this.#reject(signal.reason))
  }

  for<T>(value: T | PromiseLike<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#reject = reject
      // Also of what nobody waits for any more, which may fail by the same signal: else that would be unhandled.
      Promise.resolve(value).then(resolve, reject)
      if (this.#signal.aborted) reject(this.#signal.reason)
    })
  }
}
