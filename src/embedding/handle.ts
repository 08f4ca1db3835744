import { TokenmillError } from '../errors.ts'

/** A native object and its end: after `dispose`, asking for it is `ERR_DISPOSED`. */
export class Handle<T extends { dispose(): void }> {
  readonly #name: string
  #native: T | undefined

  /** `name` is what messages call it. */
  constructor(name: string, native: T) {
    this.#name = name
    this.#native = native
  }

  get native(): T {
    if (this.#native === undefined) throw new TokenmillError('ERR_DISPOSED', `the ${this.#name} was disposed`)
    return this.#native
  }

  get disposed(): boolean {
    return this.#native === undefined
  }

  dispose(): void {
    const native = this.#native
    this.#native = undefined
    native?.dispose()
  }
}
