/*
 * Taken when the library is loaded: test runners put others in their place (`jest.useFakeTimers`, `mock.timers` of node:test), which stand still, and what waited
 * for one of them would never go on, not even when the true ones are back.
 */

/** `setImmediate` of the event loop. */
export const { setImmediate } = process.getBuiltinModule('node:timers')

// A realm of `node:vm` may have none.
const { performance = process.getBuiltinModule('node:perf_hooks').performance } = globalThis
const time = performance.now

/** Milliseconds since some time. */
export const now = (): number => time.call(performance)
