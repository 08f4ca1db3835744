import { fromNative } from './errors.ts'

/** Milliseconds between two calls of `onProgress`. */
const period = 100

/** Who is told how far some work is, and what stops it. */
export interface Watcher<P> {
  readonly signal: AbortSignal | undefined
  readonly onProgress: ((progress: P) => void) | undefined
}

/**
 * Does `work`, and tells `onProgress` what `glance` sees: meanwhile, when the work asks for it by `tell`, and at the end. What `onProgress` throws stops
 * the work, as `signal` does.
 */
export const watching = async <P, T>(
  { signal, onProgress }: Watcher<P>,
  glance: () => P,
  work: (signal: AbortSignal, tell: () => void) => Promise<T>,
): Promise<T> => {
  const own = new AbortController()
  const either = signal === undefined ? own.signal : AbortSignal.any([signal, own.signal])
  const tell = () => {
    try {
      onProgress?.(glance())
    } catch (error) {
      own.abort(error)
    }
  }
  const timer = onProgress && setInterval(tell, period)
  try {
    const result = await work(either, tell)
    tell()
    either.throwIfAborted()
    return result
  } catch (error) {
    throw either.aborted ? error : fromNative(error)
  } finally {
    clearInterval(timer)
  }
}
