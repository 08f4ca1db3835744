import { callNative } from '../errors.ts'
import { native } from '../native.ts'
import { chainOf, scrambled } from './scramble.ts'

/*
 * A permutation of 0 … length - 1 that is computed, not stored: a dataset of 10^12 windows is shuffled in no memory.
 *
 * Definition. Let `bits` be the least number ≥ 8 with 2^bits ≥ length. A number of that many bits is split into a high part
 * (of ceil(bits / 2)) and a low part. Eight rounds change, in turn, the high part by the low and the low by the high:
 *
 *   round r, even:  high ^= scramble(low  ^ key[r])  & mask of the high part
 *   round r, odd:   low  ^= scramble(high ^ key[r])  & mask of the low part
 *
 * Each round undoes itself, so together they permute 0 … 2^bits - 1 (a Feistel network). What lands at or above `length` is
 * permuted again until it lands below (cycle walking: it must, as the cycle comes back to its start); that is fewer than
 * two turns on average from 256 samples up. (At least 8 bits, as with 4 the orders of a few samples are not equally frequent.)
 *
 * The keys are the chain of what the order is for (`chainOf`), such as seed and epoch, which is asked for the words 0 … 7 in turn.
 *
 * All arithmetic is on 32-bit integers, so every machine has the same order; golden values are in the tests. Rejected: a
 * shuffled array of indices, which takes 8 bytes per sample and must be made again to resume in the middle of an epoch.
 */
const rounds = 8
const leastBits = 8

/** An order: a pure function of `length` and of what it is for, such as seed and epoch, integers from 0 (length from 1) to 2^53 - 1. */
export class Permutation {
  readonly #length: number
  /** As signed numbers: the processor's own. */
  readonly #keys: Int32Array
  readonly #unsignedKeys: Uint32Array
  readonly #lowBits: number
  readonly #lowSize: number
  readonly #lowMask: number
  readonly #highMask: number

  constructor(length: number, ...purpose: readonly number[]) {
    this.#length = length
    let bits = leastBits
    while (2 ** bits < length) bits++
    const lowBits = Math.floor(bits / 2)
    this.#lowBits = bits <= 31 ? lowBits : 0
    this.#lowSize = 2 ** lowBits
    this.#lowMask = this.#lowSize - 1
    this.#highMask = 2 ** (bits - lowBits) - 1
    const next = chainOf(...purpose)
    this.#keys = Int32Array.from({ length: rounds }, (_, round) => next(round))
    this.#unsignedKeys = new Uint32Array(this.#keys.buffer)
  }

  /** Where `index` goes: an integer from 0 to length - 1, a different one for each index of that range. */
  at(index: number): number {
    let value = index
    do value = this.#permute(value)
    while (value >= this.#length)
    return value
  }

  /** Where the indices `first`, `first + step`, … go, all of them below the length: {@link Permutation.at} of each, made natively in one call. */
  fill(first: number, step: number, places: Float64Array): void {
    callNative(() => native().permute(this.#length, this.#unsignedKeys, first, step, places))
  }

  #permute(value: number): number {
    const [keys, lowMask, highMask, lowBits] = [this.#keys, this.#lowMask, this.#highMask, this.#lowBits]
    // Shifts for numbers of 31 bits, which are nearly all; arithmetic for larger ones.
    let high = lowBits > 0 ? value >>> lowBits : Math.floor(value / this.#lowSize)
    let low = lowBits > 0 ? value & lowMask : value % this.#lowSize
    for (let round = 0; round < rounds; round += 2) {
      high ^= scrambled(low ^ (keys[round] as number)) & highMask
      low ^= scrambled(high ^ (keys[round + 1] as number)) & lowMask
    }
    return lowBits > 0 ? (high << lowBits) | low : high * this.#lowSize + low
  }
}
