import { types } from 'node:util'
import { TokenmillError } from '../errors.ts'
import { integerIn, invalid, isArray, isRevoked } from '../validate.ts'
import type { EncodeOptions } from './tokenizer.ts'

/** Special tokens and their ids, or special tokens that get the next free ids in their order. */
export type SpecialTokenList = Readonly<Record<string, number>> | ReadonlyMap<string, number> | readonly string[]

/** `list` as pairs; those without an id follow `firstId`. That no id is one of another token is checked in native code. */
export const checkedSpecialTokens = (name: string, list: unknown, firstId: number): { token: string; id: number }[] => {
  if (typeof list !== 'object' || list === null || isRevoked(list))
    throw invalid(name, 'an object of ids by token, a Map, or an array of tokens', list)
  return Array.from(specialTokenEntries(list, firstId), ([token, id]) => {
    // A lone surrogate would be another token than the one in the text.
    if (typeof token !== 'string' || token === '' || /\p{Surrogate}/u.test(token)) {
      throw invalid(name, 'well-formed tokens, none of them empty,', token)
    }
    return { token, id: integerIn(`${name}[${JSON.stringify(token)}]`, id, 0, 2 ** 32 - 2) }
  })
}

/** One by one: the first that is wrong ends it, however long an array says to be. */
function* specialTokenEntries(list: object, firstId: number): Generator<readonly [unknown, unknown], void, undefined> {
  if (!isArray(list)) return yield* types.isMap(list) ? list : Object.entries(list)
  let id = firstId
  for (const token of list as readonly unknown[]) yield [token, id++]
}

/** Special tokens that one call allows and refuses; what is in neither set is plain text. */
export interface SpecialTokenPolicy {
  readonly allowed: ReadonlySet<string>
  readonly disallowed: ReadonlySet<string>
}

type Choice = EncodeOptions['allowedSpecial']

/**
 * The policy of `options`, by tiktoken's rules: `disallowedSpecial: 'all'` is all but the allowed; a token named in
 * both is refused; a name that is not a special token of this tokenizer has no effect when allowed, and is refused in the text when disallowed.
 */
export const resolvePolicy = (
  options: EncodeOptions,
  specialTokens: ReadonlyMap<string, number>,
  defaultDisallowed: 'all' | readonly string[],
): SpecialTokenPolicy => {
  const { allowedSpecial = [], disallowedSpecial = defaultDisallowed } = options
  const allowed = names('options.allowedSpecial', allowedSpecial) ?? new Set(specialTokens.keys())
  const disallowed =
    names('options.disallowedSpecial', disallowedSpecial) ??
    new Set(allowedSpecial === 'all' ? [] : [...specialTokens.keys()].filter((name) => !allowed.has(name)))
  return { allowed, disallowed }
}

/** The names in `choice`; `undefined` for `'all'`. */
const names = (option: string, choice: Choice): ReadonlySet<string> | undefined => {
  const expected = "'all', or an array or Set of strings,"
  if (choice === 'all') return undefined
  if (typeof choice === 'string' || !(isArray(choice) || types.isSet(choice))) throw invalid(option, expected, choice)
  // What is checked is what is used, also of an array that gives something else when it is read again.
  const own = new Set<string>()
  for (const name of choice) {
    if (typeof name !== 'string' || name === '') throw invalid(option, `${expected} none of them empty,`, name)
    own.add(name)
  }
  return own
}

/** The error for a disallowed special token in a text; `index` is where, in UTF-16 code units or, when the text is bytes, in bytes. */
export const specialTokenError = (token: string, index: number, name = 'the text'): TokenmillError =>
  new TokenmillError(
    'ERR_SPECIAL_TOKEN',
    `${name} holds the special token ${JSON.stringify(token)} at index ${index}; to encode it as a special token, ` +
      `pass allowedSpecial: [${JSON.stringify(token)}]; to encode it as plain text, pass disallowedSpecial: [] or use encodeOrdinary`,
  )
