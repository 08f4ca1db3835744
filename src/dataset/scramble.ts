/*
 * Random-looking numbers that are a pure function of what they are for: no state, the same on every machine, since all
 * arithmetic is on 32-bit integers.
 */

/** Scrambles 32 bits, each depending on all (the constants are those of Chris Wellons' search, bias 0.107). */
export const scramble = (word: number): number => scrambled(word) >>> 0

/** {@link scramble} as a signed number of the same bits. */
export const scrambled = (word: number): number => {
  let x = word
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad)
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97)
  return x ^ (x >>> 15)
}

/**
 * A chain of words that depends on `values`, integers from 0 to 2^53 - 1, in their order. k = 0; then
 * k = scramble((k + word + 0x9e3779b9) mod 2^32) for the low and the high word of each value, and again for each word that the chain
 * is asked for, after which k is the answer.
 */
export const chainOf = (...values: readonly number[]): ((word: number) => number) => {
  let key = 0
  const next = (word: number) => (key = scramble(key + word + 0x9e3779b9))
  for (const value of values) {
    next(value >>> 0)
    next(Math.floor(value / 2 ** 32))
  }
  return next
}
