import { invalid } from '../validate.ts'

/** Milliseconds between two calls of `onProgress`. */
const period = 100

/**
 * Does `work`, and meanwhile tells `onProgress` what `glance` sees, and once more at the end. What `onProgress` throws is what the work rejects with,
 * after it has ended.
 */
export const watching = async <P, T>(
  onProgress: ((progress: P) => void) | undefined,
  glance: () => P,
  work: () => Promise<T>,
): Promise<T> => {
  if (onProgress === undefined) return work()
  if (typeof onProgress !== 'function') throw invalid('options.onProgress', 'a function', onProgress)
  const failures: unknown[] = []
  const tell = () => {
    try {
      onProgress(glance())
    } catch (error) {
      failures.push(error)
    }
  }
  const timer = setInterval(tell, period)
  try {
    const result = await work()
    tell()
    if (failures.length > 0) throw failures[0]
    return result
  } finally {
    clearInterval(timer)
  }
}
