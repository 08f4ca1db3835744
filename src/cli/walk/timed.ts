/** What `work` returns, and how many milliseconds it took. */
export const timed = <T>(work: () => T): { value: T; ms: number } => {
  const start = performance.now()
  const value = work()
  return { value, ms: performance.now() - start }
}
