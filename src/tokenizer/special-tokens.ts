import { types } from 'node:util'
import { TokenmillError } from '../errors.ts'
import { integerIn, invalid, isArray, isPlain, isRevoked, received } from '../validate.ts'
import type { EncodeOptions, Tokenizer } from './tokenizer.ts'

/** Special tokens and their ids, or special tokens that get the next free ids in their order. */
export type SpecialTokenList = Readonly<Record<string, number>> | ReadonlyMap<string, number> | readonly string[]

/** `list` as pairs; those without an id follow `firstId`. That no id is one of another token is checked in native code. */
export const checkedSpecialTokens = (name: string, list: unknown, firstId: number): { token: string; id: number }[] => {
  // Of a Set nothing would be found.
  const isList =
    typeof list === 'object' &&
    list !== null &&
    !isRevoked(list) &&
    (isArray(list) || types.isMap(list) || isPlain(list))
  if (!isList) throw invalid(name, 'an object of ids by token, a Map, or an array of tokens', list)
  return Array.from(specialTokenEntries(list, firstId), ([token, id]) => {
    if (!isToken(token)) throw invalid(name, 'well-formed tokens, none of them empty,', token)
    return { token, id: integerIn(`${name}[${received(token)}]`, id, 0, 2 ** 32 - 2) }
  })
}

/** Throws, as native code does for `BpeTokenizer`, when a token of `list` is there before with another id or as a special token, or its id is that of another one. */
export const refuseTaken = (
  list: readonly { readonly token: string; readonly id: number }[],
  before: Pick<Tokenizer, 'specialTokens' | 'tokenToId' | 'idToToken'>,
): void => {
  const seen = new Set<string>()
  for (const { token, id } of list) {
    if (before.specialTokens.has(token) || seen.has(token)) throw unusable(token, 'it is there twice')
    seen.add(token)
    const [other, own] = [before.idToToken(id), before.tokenToId(token)]
    if (other !== undefined && other !== token)
      throw unusable(token, `its id ${id} is that of the token ${received(other)}`)
    if (own !== undefined && own !== id)
      throw unusable(token, `a token that is written so has the id ${own}, not ${id}`)
  }
}

const unusable = (token: string, reason: string): TokenmillError =>
  new TokenmillError('ERR_INVALID_ARGUMENT', `invalid special token ${received(token)}: ${reason}`)

/** Whether `value` can be a special token. A lone surrogate would be another one than that in the text. */
export const isToken = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && !/\p{Surrogate}/u.test(value)

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

/**
 * The policy of `options`, by tiktoken's rules: `disallowedSpecial: 'all'` is all but the allowed; a token named in
 * both is refused; a name that is not a special token of this tokenizer has no effect when allowed, and is refused in the text when disallowed.
 */
export const resolvePolicy = (
  options: EncodeOptions,
  specialTokens: ReadonlyMap<string, number>,
  defaultDisallowed: 'all' | readonly string[],
): SpecialTokenPolicy => policyOf(checkedChoice(options, defaultDisallowed), specialTokens)

/** The policies of calls of one tokenizer. Those of earlier calls are kept: the same choice is the same policy, by which others find what they made of it. */
export class SpecialTokenPolicies {
  readonly #specialTokens: ReadonlyMap<string, number>
  readonly #kept = new Map<string, SpecialTokenPolicy>()

  constructor(specialTokens: ReadonlyMap<string, number>) {
    this.#specialTokens = specialTokens
  }

  /** {@link resolvePolicy} of `options`. */
  of(options: EncodeOptions, defaultDisallowed: 'all' | readonly string[]): SpecialTokenPolicy {
    const choice = checkedChoice(options, defaultDisallowed)
    const key = `${keyOf(choice.allowed)} ${keyOf(choice.disallowed)}`
    const kept = this.#kept.get(key)
    if (kept !== undefined) return kept
    const policy = policyOf(choice, this.#specialTokens)
    if (key.length > longestKey) return policy
    if (this.#kept.size === mostKept) this.#kept.clear()
    this.#kept.set(key, policy)
    return policy
  }
}

/** Policies that are kept for later calls, and the code units of the names of each. */
const [mostKept, longestKey] = [64, 1 << 12]

/** What a call refuses that does not say. */
export type DefaultDisallowed = 'all' | readonly []

/** What the options of a call say, checked. */
interface CheckedChoice {
  readonly allowed: Names
  readonly disallowed: Names
}

type Names = 'all' | ReadonlySet<string>

const checkedChoice = (options: EncodeOptions, defaultDisallowed: 'all' | readonly string[]): CheckedChoice => {
  const { allowedSpecial = [], disallowedSpecial = defaultDisallowed } = options
  return {
    allowed: names('options.allowedSpecial', allowedSpecial),
    disallowed: names('options.disallowedSpecial', disallowedSpecial),
  }
}

const policyOf = (
  { allowed, disallowed }: CheckedChoice,
  specialTokens: ReadonlyMap<string, number>,
): SpecialTokenPolicy => {
  const rest = () => (allowed === 'all' ? [] : [...specialTokens.keys()].filter((name) => !allowed.has(name)))
  return {
    allowed: allowed === 'all' ? new Set(specialTokens.keys()) : allowed,
    disallowed: disallowed === 'all' ? new Set(rest()) : disallowed,
  }
}

/** The names in `choice`. */
const names = (option: string, choice: EncodeOptions['allowedSpecial']): Names => {
  const expected = "'all', or an array or Set of strings,"
  if (choice === 'all') return choice
  if (typeof choice === 'string' || !(isArray(choice) || types.isSet(choice))) throw invalid(option, expected, choice)
  // What is checked is what is used, also of an array that gives something else when it is read again.
  const own = new Set<string>()
  for (const name of choice) {
    if (typeof name !== 'string' || name === '') throw invalid(option, `${expected} none of them empty,`, name)
    own.add(name)
  }
  return own
}

/** Different ones of different names. */
const keyOf = (names: Names): string => (names === 'all' ? names : names.size === 0 ? '' : JSON.stringify([...names]))

/** The error for a disallowed special token in a text; `index` is where, in UTF-16 code units or, when the text is bytes, in bytes. */
export const specialTokenError = (token: string, index: number, name = 'the text'): TokenmillError =>
  new TokenmillError(
    'ERR_SPECIAL_TOKEN',
    `${name} holds the special token ${received(token)} at index ${index}; to encode it as a special token, ` +
      `pass allowedSpecial: [${received(token)}]; to encode it as plain text, pass disallowedSpecial: [] or use encodeOrdinary`,
  )
