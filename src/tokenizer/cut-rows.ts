import { TokenmillError } from '../errors.ts'
import { invalid } from '../validate.ts'

/** How texts that are too long for a row are cut. */
export interface Cutting {
  readonly maxLength: number
  readonly truncation: 'longest-first' | 'only-first' | 'only-second'
  readonly truncationSide: 'start' | 'end'
  readonly overflow: boolean
  readonly stride: number
}

/** Ids of a text, from one to before another. */
export type Part = readonly [start: number, end: number]

/** What a row has of a text, or of two. */
export type RowParts = readonly [first: Part, second: Part | undefined]

/** The most ids of a batch: what a typed array surely holds. */
export const mostIds = 2 ** 30

/**
 * The rows of a text or two that have so many ids, each of at most `maxLength` ids with `added` more: one, or with `overflow` as many as it takes. The rules and the order are those of
 * Hugging Face's tokenizers.
 *
 * @param row the index of the input, for messages
 */
export const cutRows = (
  first: number,
  second: number | undefined,
  cutting: Cutting,
  added: number,
  row: number,
): RowParts[] => {
  const [firstLength, secondLength] = kept(first, second, cutting, added, row)
  const firsts = parts(first, firstLength, cutting, row)
  if (second === undefined) return firsts.map((part) => [part, undefined] as const)
  const seconds = parts(second, secondLength, cutting, row)
  const count = firsts.length * seconds.length
  if (count > 1 && count * cutting.maxLength > mostIds) {
    throw new TokenmillError(
      'ERR_LIMIT',
      `expected rows of at most ${mostIds} ids together, inputs[${row}] alone comes to ${count} of ${cutting.maxLength}`,
    )
  }
  const [ownFirst, ...furtherFirsts] = firsts as [Part, ...Part[]]
  const [ownSecond, ...furtherSeconds] = seconds as [Part, ...Part[]]
  return [
    [ownFirst, ownSecond],
    ...furtherFirsts.flatMap((part) => seconds.map((other) => [part, other] as const)),
    ...furtherSeconds.map((other) => [ownFirst, other] as const),
  ]
}

/** How many ids of the first and of the second text a row has. */
const kept = (
  first: number,
  second: number | undefined,
  { maxLength, truncation }: Cutting,
  added: number,
  row: number,
): [first: number, second: number] => {
  const room = maxLength - added
  if (room < 0) throw invalid('options.maxLength', `at least ${added}, as so many ids are added,`, maxLength)
  const length = first + (second ?? 0)
  if (length <= room) return [first, second ?? 0]
  if (room === 0) return [0, 0]
  if (second === undefined && truncation !== 'only-second') return [room, 0]
  if (truncation === 'longest-first' && second !== undefined) {
    const shorter = Math.min(first, second)
    const [low, high] = 2 * shorter > room ? [Math.floor(room / 2), Math.ceil(room / 2)] : [shorter, room - shorter]
    return first > second ? [high, low] : [low, high]
  }
  const target = truncation === 'only-first' ? first : (second ?? 0)
  const left = target - (length - room)
  if (left <= 0) {
    throw new TokenmillError(
      'ERR_LIMIT',
      `expected a ${truncation === 'only-first' ? 'first' : 'second'} text of more than ${length - room} ids for inputs[${row}], ` +
        `as options.truncation cuts no other, received one of ${target}`,
    )
  }
  return truncation === 'only-first' ? [left, second ?? 0] : [first, left]
}

/** So many `ids` in parts of `length`, from the side that is kept: the first one, or with `overflow` all. */
const parts = (ids: number, length: number, cutting: Cutting, row: number): Part[] => {
  const { maxLength, truncationSide, overflow, stride } = cutting
  if (ids <= length) return [[0, ids]]
  if (overflow && length === 0) {
    throw invalid(
      'options.maxLength',
      `enough for ids of each text of inputs[${row}], which go on in further rows,`,
      maxLength,
    )
  }
  const step = length - stride
  if (overflow && step <= 0) {
    throw invalid(
      'options.stride',
      `less than ${length}, as so many ids of a text of inputs[${row}] fit a row,`,
      stride,
    )
  }
  const all: Part[] = []
  for (let at = 0; ; at += step) {
    const end = Math.min(at + length, ids)
    all.push(truncationSide === 'end' ? [at, end] : [ids - end, ids - at])
    if (!overflow || end === ids) return all
  }
}
