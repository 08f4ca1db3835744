import { TokenmillError } from '../errors.ts'
import { Calls } from './calls.ts'

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

/** The handle of tables that change, and that are saved as they are at one moment. */
export class TablesHandle<T extends { dispose(): void }> extends Handle<T> {
  /** Steps and saves, of which none begins before the one before it is done. */
  readonly calls: Calls

  constructor(name: string, native: T) {
    super(name, native)
    this.calls = new Calls(name)
  }
}
