import { native } from '../native.ts'
import { calls, scratch } from './calls.ts'
import { explained } from './explained.ts'
import { cutsPair } from './parts.ts'

/*
 * Long strings cross to native code part by part, so that no buffer is as long as the text, and no more of one is read than it takes. An encoder is
 * the number of a native one, a policy that of what it does with special tokens.
 */

/** What native code returns when there are more ids than the limit, and so the largest limit + 1. */
export const moreIds = 0xffffffff

/** Code units of a long string that cross at a time; when there is a limit, the least and the most. */
const minPart = 1 << 10
export const maxPart = 1 << 16

/** Encodes `text`; its ids are then taken by `takeIds`. */
export const encodeInParts = (encoder: number, text: string, policy: number): void => {
  inParts(text, maxPart, (part, isFirst, isLast) =>
    native().encodePart(encoder, part, policy, isFirst ? text.length : 0, isLast),
  )
}

/** The number of ids of `text`, or {@link moreIds} when there are more than `limit`: no more of the text is read than it takes to say so. */
export const countInParts = (encoder: number, text: string, policy: number, limit: number): number => {
  let count = 0
  const { countPart } = calls()
  const isCounted = inParts(text, Math.min(Math.max(8 * limit, minPart), maxPart), (part, _, isLast) => {
    const more = countPart(encoder, part, policy, limit - count, isLast)
    if (more === moreIds) return undefined
    count += more
    return scratch[0] as number
  })
  return isCounted ? count : moreIds
}

/**
 * The longest prefix of `text` of at most `most` ids, or the longest suffix unless it `keepsStart`. With special tokens, which may be anywhere, all of the
 * text is read.
 */
export const truncateInParts = (
  encoder: number,
  text: string,
  policy: number,
  { most, keepsStart, isPlain }: { readonly most: number; readonly keepsStart: boolean; readonly isPlain: boolean },
): string => {
  for (let length = isPlain ? Math.max(8 * most, minPart) : text.length; ; length *= 2) {
    const isWhole = length >= text.length
    let start = isWhole || keepsStart ? 0 : text.length - length
    let end = isWhole || !keepsStart ? text.length : length
    if (cutsPair(text, start)) start--
    if (cutsPair(text, end)) end--
    const place = start + native().truncate(encoder, text.slice(start, end), policy, most, !keepsStart, scratch)
    if (isWhole || scratch[0] === 1) return keepsStart ? text.slice(0, place) : text.slice(place)
  }
}

/**
 * Hands `text` over part by part. `take` returns how many code units of a part are done, as what follows may change the rest, or `undefined` to stop; then
 * the result is `false`.
 */
const inParts = (
  text: string,
  firstLength: number,
  take: (part: string, isFirst: boolean, isLast: boolean) => number | undefined,
): boolean => {
  for (let start = 0, length = firstLength; ;) {
    const end = start + length
    const isLast = end >= text.length
    const part = text.slice(start, isHighSurrogate(text.charCodeAt(end - 1)) && !isLast ? end - 1 : end)
    let done
    try {
      done = take(part, start === 0, isLast)
    } catch (error) {
      throw explained(error, start)
    }
    if (done === undefined) return false
    if (isLast) return true
    start += done
    length = done === 0 ? 2 * length : maxPart
  }
}

const isHighSurrogate = (unit: number): boolean => (unit & 0xfc00) === 0xd800
