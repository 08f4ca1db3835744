import { TokenmillError } from '../errors.ts'
import { joinIds } from '../join-ids.ts'
import type { NonSharedUint32Array } from '../non-shared.ts'
import { TokenBatch, type Text } from './tokenizer.ts'

/** Some texts of a batch, and the number of each among all. */
interface Part {
  readonly texts: Text[]
  readonly rows: number[]
}

/** A batch of which one tokenizer does most texts, and another the rest. */
interface SplitBatch {
  readonly most: Part
  readonly rest: Part
}

/** How each part is done, and both become one. */
interface Ways<T, R> {
  /** The texts that are of the rest; there is no rest without it. */
  readonly isOfRest: ((text: Text) => boolean) | undefined
  readonly most: (texts: readonly Text[]) => R
  readonly rest: (texts: readonly Text[]) => R
  readonly join: (split: SplitBatch, parts: readonly [most: T, rest: T]) => T
}

/** What is made of both parts. */
type Results<T> = readonly [most: PromiseSettledResult<T>, rest: PromiseSettledResult<T>]

/** `texts` without those that belong to the rest, and these; `undefined` when there are none of these. */
const splitBatch = (texts: readonly Text[], isOfRest: (text: Text) => boolean): SplitBatch | undefined => {
  const ofRest = new Set<number>()
  for (const [row, text] of texts.entries()) if (isOfRest(text)) ofRest.add(row)
  if (ofRest.size === 0) return undefined
  const part = (belongs: (row: number) => boolean): Part => {
    const rows = Array.from(texts.keys()).filter(belongs)
    return { rows, texts: rows.map((row) => texts[row] as Text) }
  }
  return { most: part((row) => !ofRest.has(row)), rest: part((row) => ofRest.has(row)) }
}

/**
 * Does the texts of each part in its own way.
 *
 * @throws what the first of all texts that has an error is refused with
 */
export const doParts = <T>(texts: readonly Text[], { isOfRest, most, rest, join }: Ways<T, T>): T => {
  const split = isOfRest && splitBatch(texts, isOfRest)
  if (split === undefined) return most(texts)
  return join(split, valuesOf(split, [settled(() => most(split.most.texts)), settled(() => rest(split.rest.texts))]))
}

/** {@link doParts} of asynchronous work, of which both begin at once: nobody can change bytes before they are copied. */
export const doPartsAsync = async <T>(
  texts: readonly Text[],
  { isOfRest, most, rest, join }: Ways<T, Promise<T>>,
): Promise<T> => {
  const split = isOfRest && splitBatch(texts, isOfRest)
  if (split === undefined) return most(texts)
  return join(split, valuesOf(split, await Promise.allSettled([most(split.most.texts), rest(split.rest.texts)])))
}

/** The rows of both parts in the order of all texts. */
export const joinRows = (split: SplitBatch, batches: readonly [most: TokenBatch, rest: TokenBatch]): TokenBatch => {
  const rows = inOrder<Uint32Array>(split, batches)
  const rowStarts = new Uint32Array(rows.length + 1)
  for (const [row, ids] of rows.entries()) rowStarts[row + 1] = (rowStarts[row] as number) + ids.length
  return new TokenBatch(joinIds(rows), rowStarts)
}

/** The counts of both parts in the order of all texts. */
export const joinCounts = (
  split: SplitBatch,
  counts: readonly [most: Uint32Array, rest: Uint32Array],
): NonSharedUint32Array => Uint32Array.from(inOrder<number>(split, counts))

const inOrder = <T>({ most, rest }: SplitBatch, [ofMost, ofRest]: readonly [Iterable<T>, Iterable<T>]): T[] => {
  const all = Array.from<T>({ length: most.rows.length + rest.rows.length })
  let at = 0
  for (const value of ofMost) all[most.rows[at++] as number] = value
  at = 0
  for (const value of ofRest) all[rest.rows[at++] as number] = value
  return all
}

const settled = <T>(work: () => T): PromiseSettledResult<T> => {
  try {
    return { status: 'fulfilled', value: work() }
  } catch (reason) {
    return { status: 'rejected', reason }
  }
}

const valuesOf = <T>({ most, rest }: SplitBatch, [ofMost, ofRest]: Results<T>): readonly [most: T, rest: T] => {
  if (ofMost.status === 'fulfilled' && ofRest.status === 'fulfilled') return [ofMost.value, ofRest.value]
  const failures = [
    ...(ofMost.status === 'rejected' ? [inAll(ofMost.reason, most)] : []),
    ...(ofRest.status === 'rejected' ? [inAll(ofRest.reason, rest)] : []),
  ]
  throw failures.reduce((first, other) => (other.row < first.row ? other : first)).error
}

/** An error that names a text of a part as one that names it among all. One that names none comes before all others. */
const inAll = (error: unknown, { rows }: Part): { readonly row: number; readonly error: unknown } => {
  if (!(error instanceof TokenmillError)) return { row: -1, error }
  let row = -1
  const message = error.message.replace(
    /texts\[(\d+)\]/,
    (_, number) => `texts[${(row = rows[Number(number)] as number)}]`,
  )
  return { row, error: new TokenmillError(error.code, message, { cause: error.cause }) }
}
