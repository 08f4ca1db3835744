import { Turns } from '../event-loop.ts'
import { native } from '../native.ts'
import type { NonSharedUint32Array } from '../non-shared.ts'
import { copiedLater } from './native-call.ts'
import { Parts, type CountedText, type TextPlaces } from './parts.ts'

/*
 * The walk of `Parts` off the event loop. It is one of plain functions, as generators took up to a fifth of the time of short chunks. So what it asks for
 * that takes long is thrown as work to be awaited; then it is asked again for the same chunk, and what was told before is known.
 */

/** {@link CountedText} that counts long parts off the event loop, too. */
export interface LaterCountedText extends CountedText {
  readonly countLater: (start: number, end: number) => Promise<number>
}

/** Longer parts, in code units, are counted off the event loop. */
const longPart = 1 << 13

/** So many code units are counted between two looks at the clock: about a millisecond. */
const unitsPerLook = 1 << 13

/** {@link Parts.chunks} in turns of the event loop. */
export const chunksLater = async (
  counted: LaterCountedText,
  [maxTokens, overlap, boundary]: readonly [maxTokens: number, overlap: number, boundary: number],
  signal: AbortSignal | undefined,
): Promise<NonSharedUint32Array> => {
  signal?.throwIfAborted()
  const [places, counts, turns] = [new LaterPlaces(counted.text, signal), new LaterCounts(counted), new Turns()]
  const chunks = new Parts({ ...counted, count: counts.count }, places).chunks(maxTokens, overlap, boundary)
  for (;;) {
    try {
      if (!chunks.next()) return chunks.plan()
      counts.forget()
    } catch (error) {
      if (!(error instanceof NotYet)) throw error
      await error.work?.()
    }
    if (turns.isOver) {
      await turns.next()
      signal?.throwIfAborted()
    }
  }
}

/** What was asked for is known after this work, or without any in another turn. */
class NotYet {
  readonly work: (() => Promise<void>) | undefined

  constructor(work?: () => Promise<void>) {
    this.work = work
  }
}

/** The counts of one chunk. */
class LaterCounts {
  readonly #counted: LaterCountedText
  readonly #known = new Map<string, number>()
  #unitsLeft = unitsPerLook

  constructor(counted: LaterCountedText) {
    this.#counted = counted
  }

  readonly count = (start: number, end: number): number => {
    const part = `${start} ${end}`
    const known = this.#known.get(part)
    if (known !== undefined) return known
    if (end - start > longPart)
      throw new NotYet(async () => {
        this.#known.set(part, await this.#counted.countLater(start, end))
      })
    if (this.#unitsLeft < 0) {
      this.#unitsLeft = unitsPerLook
      throw new NotYet()
    }
    this.#unitsLeft -= end - start
    const count = this.#counted.count(start, end)
    this.#known.set(part, count)
    return count
  }

  forget(): void {
    this.#known.clear()
  }
}

/** The places of boundaries, found by native threads. */
class LaterPlaces implements TextPlaces {
  readonly #text: string
  readonly #signal: AbortSignal | undefined
  readonly #known = new Map<number, Uint32Array>()

  constructor(text: string, signal: AbortSignal | undefined) {
    this.#text = text
    this.#signal = signal
  }

  places(number: number): Uint32Array {
    const known = this.#known.get(number)
    if (known !== undefined) return known
    throw new NotYet(async () => {
      const text = this.#text
      const places = await copiedLater([text], this.#signal, (flag) => native().boundariesOfAsync(text, number, flag))
      this.#known.set(number, places)
    })
  }
}
