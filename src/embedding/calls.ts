import { TokenmillError } from '../errors.ts'

/**
 * Calls that change one object: those off the event loop are made one after the other, in the order in which they were asked for. One that would have to wait
 * for them on the event loop is an error instead.
 */
export class Calls {
  readonly #what: string
  #underWay = 0
  #last: Promise<unknown> = Promise.resolve()

  /** `what` is what messages call the object. */
  constructor(what: string) {
    this.#what = what
  }

  /** Makes `call` once those before it are done, whatever came of them. */
  later<T>(call: () => Promise<T>): Promise<T> {
    const result = this.#underWay++ === 0 ? call() : this.#last.then(call)
    const ended = () => {
      this.#underWay--
    }
    this.#last = result.then(ended, ended)
    return result
  }

  /** Makes `call` at once; `ERR_BUSY` while there is one off the event loop. */
  now<T>(call: () => T): T {
    if (this.#underWay === 0) return call()
    throw new TokenmillError(
      'ERR_BUSY',
      `the ${this.#what} is at work off the event loop: await what was called before`,
    )
  }
}
