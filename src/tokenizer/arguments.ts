import { types } from 'node:util'
import { unsharedNumbers } from '../shared-memory.ts'
import {
  abortSignal,
  boolean,
  integerIn,
  invalid,
  isArray,
  isGone,
  iterable,
  oneOf,
  options as checkedOptions,
} from '../validate.ts'
import { checkedText } from './read-text.ts'
import type { DecodeOptions, EncodeAsyncOptions, EncodeOptions, Segment, Text } from './tokenizer.ts'
import { unshared } from './unshared.ts'

/* The arguments that the methods of every tokenizer take, checked in one way. */

export const encodeOptionNames = ['allowedSpecial', 'disallowedSpecial', 'utf8', 'addSpecialTokens'] as const
export const decodeOptionNames = ['errors', 'skipSpecialTokens'] as const

/** `texts` as an array of its own, of texts whose bytes no other thread changes. */
export const checkedTexts = (texts: unknown): Text[] => {
  if (!isArray(texts)) throw invalid('texts', 'an array', texts)
  // A loop, as `Array.from` takes longer than a short text.
  const own: Text[] = []
  const { length } = texts
  for (let index = 0; index < length; index++) {
    const text = texts[index]
    own.push(typeof text === 'string' ? text : unshared(checkedText(`texts[${index}]`, text) as Uint8Array))
  }
  return own
}

/** `segments` as an array of segments of its own. */
export const checkedSegments = (segments: unknown): Segment[] => {
  if (!isArray(segments)) throw invalid('segments', 'an array', segments)
  return Array.from(segments as readonly unknown[], (segment, index) => {
    const name = `segments[${index}]`
    if (typeof segment !== 'object' || segment === null) throw invalid(name, 'an object', segment)
    const { text, trusted } = segment as Partial<Segment>
    if (typeof text !== 'string') throw invalid(`${name}.text`, 'a string', text)
    return { text, trusted: boolean(`${name}.trusted`, trusted) }
  })
}

/** The signal of an asynchronous call, and the options that its synchronous twin takes too. */
export const splitSignal = (
  options: EncodeAsyncOptions | undefined,
): { readonly signal: AbortSignal | undefined; readonly rest: EncodeOptions | undefined } => {
  if (options === undefined) return { signal: undefined, rest: undefined }
  const { signal, ...rest } = checkedOptions('options', options, [...encodeOptionNames, 'signal'])
  return { signal: abortSignal(signal), rest }
}

const expectedIds = 'a Uint32Array or another iterable of numbers'

/** A copy of options that are kept for later, and of their lists, which the caller may change. */
export const ownChoices = (options: EncodeOptions | undefined): EncodeOptions => {
  const own = checkedOptions('options', options, encodeOptionNames)
  const ownList = (list: EncodeOptions['allowedSpecial']) => (isArray(list) || types.isSet(list) ? new Set(list) : list)
  return Object.fromEntries(
    Object.entries(own).map(([name, value]) => [name, name.endsWith('Special') ? ownList(value as never) : value]),
  )
}

/** `ids` as something to iterate. */
export const checkedIds = (ids: unknown): Iterable<number> => iterable('ids', expectedIds, ids) as Iterable<number>

/** `ids` as an array that native code reads, each checked to be an integer from 0 to 2^32 - 1. The first of them is number `start` of all. */
export const idArray = (ids: Uint32Array | Iterable<number>, start = 0): Uint32Array =>
  unsharedNumbers(checkedNumbers(ids, start))

/** The same, of which other threads may change the numbers. */
export const checkedNumbers = (ids: Uint32Array | Iterable<number>, start = 0): Uint32Array => {
  if (types.isUint32Array(ids)) {
    if (isGone(ids)) throw invalid('ids', expectedIds, ids)
    return ids
  }
  const numbers = isArray(ids) ? ids : [...checkedIds(ids)]
  const array = new Uint32Array(numbers.length)
  for (let index = 0; index < numbers.length; index++) {
    const id = numbers[index] as number
    if (typeof id === 'number') array[index] = id
    if (array[index] !== id) throw invalid(`ids[${start + index}]`, 'an integer from 0 to 4294967295', id)
  }
  return array
}

/** Whether `id` is one that a token may have: native code is asked for no other. What is no integer ≥ 0 is an error. */
export const mayBeId = (id: unknown): id is number =>
  (typeof id === 'number' && id >>> 0 === id) || integerIn('id', id, 0) < 0

/** The choice of {@link EncodeOptions.addSpecialTokens}, which is checked also where there is nothing to add. */
export const checkedWhole = (value: unknown = false): boolean => boolean('options.addSpecialTokens', value)

/** The choices of {@link DecodeOptions}. */
export const checkedDecodeOptions = (options: DecodeOptions | undefined) => {
  const { errors = 'replace', skipSpecialTokens = false } = checkedOptions('options', options, decodeOptionNames)
  return {
    strict: oneOf('options.errors', errors, ['replace', 'strict']) === 'strict',
    skipSpecialTokens: boolean('options.skipSpecialTokens', skipSpecialTokens),
  }
}
