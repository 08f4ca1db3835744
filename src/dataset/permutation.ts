/*
 * A permutation of 0 … length - 1 that is computed, not stored: a dataset of 10^12 windows is shuffled in no memory.
 *
 * Definition. Let `bits` be the least number ≥ 8 with 2^bits ≥ length. A number of that many bits is split into a high part
 * (of ceil(bits / 2)) and a low part. Eight rounds change, in turn, the high part by the low and the low by the high:
 *
 *   round r, even:  high ^= mix(low  ^ key[r])  & mask of the high part
 *   round r, odd:   low  ^= mix(high ^ key[r])  & mask of the low part
 *
 * Each round undoes itself, so together they permute 0 … 2^bits - 1 (a Feistel network). What lands at or above `length` is
 * permuted again until it lands below (cycle walking: it must, as the cycle comes back to its start); that is fewer than
 * two turns on average from 256 samples up. (At least 8 bits, as with 4 the orders of a few samples are not equally frequent.)
 *
 * The keys are a chain over 32-bit words: k = 0, then k = mix((k + word + 0x9e3779b9) mod 2^32) for the low and high words
 * of the seed, the low and high words of the epoch, and for each r the word r, after which k is key[r].
 *
 * All arithmetic is on 32-bit integers, so every machine has the same order; golden values are in the tests. Rejected: a
 * shuffled array of indices, which takes 8 bytes per sample and must be made again to resume in the middle of an epoch.
 */
const rounds = 8
const leastBits = 8

/** Scrambles 32 bits, each depending on all (the constants are those of Chris Wellons' search, bias 0.107). */
const mix = (word: number): number => {
  let x = word
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad)
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97)
  return (x ^ (x >>> 15)) >>> 0
}

const wordsOf = (value: number): [low: number, high: number] => [value >>> 0, Math.floor(value / 2 ** 32)]

/** The order of one epoch: a pure function of `length`, `seed` and `epoch`, integers from 0 (length from 1) to 2^53 - 1. */
export class Permutation {
  readonly #length: number
  readonly #keys: readonly number[]
  readonly #lowSize: number
  readonly #lowMask: number
  readonly #highMask: number

  constructor(length: number, seed: number, epoch: number) {
    this.#length = length
    let bits = leastBits
    while (2 ** bits < length) bits++
    const lowBits = Math.floor(bits / 2)
    this.#lowSize = 2 ** lowBits
    this.#lowMask = this.#lowSize - 1
    this.#highMask = 2 ** (bits - lowBits) - 1
    let key = 0
    const next = (word: number) => (key = mix(key + word + 0x9e3779b9))
    for (const word of [...wordsOf(seed), ...wordsOf(epoch)]) next(word)
    this.#keys = Array.from({ length: rounds }, (_, round) => next(round))
  }

  /** Where `index` goes: an integer from 0 to length - 1, a different one for each index of that range. */
  at(index: number): number {
    let value = index
    do value = this.#permute(value)
    while (value >= this.#length)
    return value
  }

  #permute(value: number): number {
    let high = Math.floor(value / this.#lowSize)
    let low = value % this.#lowSize
    for (let round = 0; round < rounds; round += 2) {
      high ^= mix(low ^ (this.#keys[round] as number)) & this.#highMask
      low ^= mix(high ^ (this.#keys[round + 1] as number)) & this.#lowMask
    }
    return high * this.#lowSize + low
  }
}
