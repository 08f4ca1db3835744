import { callNative } from './errors.ts'

/** Milliseconds between two calls of `onProgress`. */
const period = 100

/** Who is told how far some work is, and what stops it. */
export interface Watcher<P> {
  readonly signal: AbortSignal | undefined
  readonly onProgress: ((progress: P) => void) | undefined
}

/** What stops some work: a signal, or a failure, which may be any value. The reason of a signal cannot be `undefined`. */
export class Stop {
  /** Aborts for either. */
  readonly signal: AbortSignal
  readonly #own = new AbortController()
  #failure: { readonly error: unknown } | undefined

  constructor(signal: AbortSignal | undefined) {
    this.signal = signal === undefined ? this.#own.signal : AbortSignal.any([signal, this.#own.signal])
  }

  /** Stops the work because of `error`, unless it is stopped already. */
  fail(error: unknown): void {
    if (this.signal.aborted) return
    this.#failure = { error }
    this.#own.abort()
  }

  /** What is thrown when the work has thrown `error`: the failure that stopped it, where there is one. */
  reason(error: unknown): unknown {
    return this.#failure === undefined ? error : this.#failure.error
  }
}

/**
 * Does `work`, and tells `onProgress` what `glance` sees natively: meanwhile, when the work asks for it by `tell`, and at the end. What `onProgress` throws
 * stops the work, as `signal` does. Errors of the work stay as they are.
 */
export const watching = async <P, T>(
  { signal, onProgress }: Watcher<P>,
  glance: () => P,
  work: (signal: AbortSignal, tell: () => void) => Promise<T>,
): Promise<T> => {
  const stop = new Stop(signal)
  const tell = () => {
    try {
      onProgress?.(callNative(glance))
    } catch (error) {
      stop.fail(error)
    }
  }
  const timer = onProgress && setInterval(tell, period)
  try {
    const result = await work(stop.signal, tell)
    tell()
    stop.signal.throwIfAborted()
    return result
  } catch (error) {
    throw stop.reason(error)
  } finally {
    clearInterval(timer)
  }
}
