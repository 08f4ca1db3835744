import type { NonSharedUint32Array } from '../non-shared.ts'

/** Collects ids whose number is not known before. */
export class IdBuffer {
  #ids = new Uint32Array(64)
  #length = 0

  get length(): number {
    return this.#length
  }

  push(id: number): void {
    if (this.#length === this.#ids.length) {
      const larger = new Uint32Array(this.#ids.length * 2)
      larger.set(this.#ids)
      this.#ids = larger
    }
    this.#ids[this.#length++] = id
  }

  /** The ids so far, in an array of their own. */
  toArray(): NonSharedUint32Array {
    return this.#ids.slice(0, this.#length)
  }
}
