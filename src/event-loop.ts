import { now, setImmediate } from './timers.ts'

/*
 * Long work in JavaScript is a generator that yields every now and then ("steps"). The synchronous call runs it to its
 * end, the asynchronous twin lets the event loop breathe between steps: one code path, so the results are the same.
 */

/** Work that yields between steps of well under {@link turnMilliseconds} and returns its result. */
export type Steps<T> = Generator<undefined, T, undefined>

/** How long the event loop waits for us at most, when the steps are short. */
const turnMilliseconds = 10

/** Lets timers and input in; is settled when the next turn of the event loop has begun. */
export const nextTurn = (): Promise<void> => new Promise((begun) => setImmediate(begun))

/** Does all the work now. */
export const runToEnd = <T>(steps: Steps<T>): T => {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

/** Does the work in turns of the event loop. Rejects with `signal.reason` when `signal` aborts in between. */
export const runInTurns = async <T>(steps: Steps<T>, signal?: AbortSignal): Promise<T> => {
  signal?.throwIfAborted()
  const turns = new Turns()
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
    if (turns.isOver) {
      await turns.next()
      signal?.throwIfAborted()
    }
  }
}

/** Tells when a loop has held the event loop for long enough. */
export class Turns {
  #end = now() + turnMilliseconds

  /** Whether it is time to call {@link Turns.next}. */
  get isOver(): boolean {
    return now() >= this.#end
  }

  /** Lets timers and input in, then starts the next turn. */
  async next(): Promise<void> {
    await nextTurn()
    this.#end = now() + turnMilliseconds
  }
}
