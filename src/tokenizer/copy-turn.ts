import { nextTurn } from '../event-loop.ts'
import type { Text } from './tokenizer.ts'

/** Code units that are copied out of strings in one turn of the event loop: some milliseconds. */
export const unitsPerTurn = 4 << 20
/** As many are copied in the time that any string takes besides. */
const unitsPerText = 1 << 7
/** Calls with fewer do not wait, and make nobody wait. */
const fewUnits = 1 << 12

let copied = 0
let turn: Promise<void> | undefined

/**
 * Native code copies strings on the main thread. Many calls at once would stop the event loop for as long as all their copies take;
 * this lets some through in each turn. `undefined`: there is nothing to wait for. Bytes never wait, so that nobody can change them before.
 */
export const copyTurn = (texts: readonly Text[]): Promise<void> | undefined => {
  const units = unitsOf(texts)
  return units === undefined || units < fewUnits ? undefined : turnFor(weightOf(texts.length, units))
}

/** So many code units are copied in the time that so many `texts` take, which have `units` together. */
export const weightOf = (texts: number, units: number): number => texts * unitsPerText + units

/** How many code units `texts` have together; `undefined` when some are bytes. */
export const unitsOf = (texts: readonly Text[]): number | undefined => {
  let units = 0
  for (const text of texts) {
    if (typeof text !== 'string') return undefined
    units += text.length
  }
  return units
}

/** A turn in which what {@link weightOf | weighs} so many `units` may be copied; `undefined`: this one. */
export const turnFor = (units: number): Promise<void> | undefined => {
  // When it is settled the next turn has begun.
  turn ??= nextTurn().then(() => {
    copied = 0
    turn = undefined
  })
  if (copied > 0 && copied + units > unitsPerTurn) return turn.then(() => turnFor(units))
  copied += units
  return undefined
}
