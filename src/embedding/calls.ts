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
    return Calls.laterOf([this], call)
  }

  /** Makes `call` at once; `ERR_BUSY` while there is one off the event loop. */
  now<T>(call: () => T): T {
    return Calls.nowOf([this], call)
  }

  /** {@link Calls.later} for a call that changes several objects. It waits in the rows of all of them from now on, so no two wait for each other. */
  static laterOf<T>(all: readonly Calls[], call: () => Promise<T>): Promise<T> {
    const before = all.filter((each) => each.#underWay > 0).map((each) => each.#last)
    const result = before.length === 0 ? call() : Promise.all(before).then(call)
    const ended = () => {
      for (const each of all) each.#underWay--
    }
    const last = result.then(ended, ended)
    for (const each of all) {
      each.#underWay++
      each.#last = last
    }
    return result
  }

  /** {@link Calls.now} for a call that changes several objects. */
  static nowOf<T>(all: readonly Calls[], call: () => T): T {
    const busy = all.find((each) => each.#underWay > 0)
    if (busy === undefined) return call()
    throw new TokenmillError(
      'ERR_BUSY',
      `the ${busy.#what} is at work off the event loop: await what was called before`,
    )
  }
}
