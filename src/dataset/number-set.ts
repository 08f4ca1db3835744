/**
 * Numbers from 0 to a largest one, of which the least from a number on is found in log32(largest) steps: bitmaps, each of which says which words of the one
 * below are not 0.
 */
export class NumberSet {
  readonly #levels: Int32Array[] = []

  constructor(largest: number) {
    for (let last = largest >>> 5; ; last >>>= 5) {
      this.#levels.push(new Int32Array(last + 1))
      if (last === 0) break
    }
  }

  add(number: number): void {
    let bit = number
    for (const words of this.#levels) {
      const before = words[bit >>> 5] as number
      words[bit >>> 5] = before | (1 << (bit & 31))
      if (before !== 0) return
      bit >>>= 5
    }
  }

  delete(number: number): void {
    let bit = number
    for (const words of this.#levels) {
      const left = (words[bit >>> 5] as number) & ~(1 << (bit & 31))
      words[bit >>> 5] = left
      if (left !== 0) return
      bit >>>= 5
    }
  }

  /** The least number ≥ `from`; -1 when there is none. */
  firstFrom(from: number): number {
    let bit = from
    for (let level = 0; level < this.#levels.length; level++) {
      // Past the last word there is nothing.
      const bits = (this.#levels[level]?.[bit >>> 5] ?? 0) & (-1 << (bit & 31))
      if (bits !== 0) return this.#leastBelow(level, (bit >>> 5) * 32 + lowest(bits))
      bit = (bit >>> 5) + 1
    }
    return -1
  }

  /** The least number under a bit of a level. */
  #leastBelow(level: number, bit: number): number {
    let word = bit
    for (let below = level - 1; below >= 0; below--) word = word * 32 + lowest(this.#levels[below]?.[word] as number)
    return word
  }
}

/** The place of the lowest bit that is set. */
const lowest = (bits: number): number => 31 - Math.clz32(bits & -bits)
