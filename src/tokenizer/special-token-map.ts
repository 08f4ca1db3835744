import { TokenmillError } from '../errors.ts'

/** Special tokens and their ids as everybody sees them: many share one tokenizer, so nobody changes them. */
export class SpecialTokenMap extends Map<string, number> {
  constructor(entries: Iterable<readonly [string, number]>) {
    super()
    for (const [token, id] of entries) super.set(token, id)
  }

  /** Never: @throws `ERR_INVALID_ARGUMENT`. */
  override set(): never {
    throw fixed()
  }

  /** Never: @throws `ERR_INVALID_ARGUMENT`. */
  override delete(): never {
    throw fixed()
  }

  /** Never: @throws `ERR_INVALID_ARGUMENT`. */
  override clear(): never {
    throw fixed()
  }
}

/** Makes the properties that `tokenizer` has so far read-only: it may be shared by all of a process. */
export const readOnly = (tokenizer: object): void => {
  for (const name of Object.keys(tokenizer))
    Object.defineProperty(tokenizer, name, { writable: false, configurable: false })
}

const fixed = () =>
  new TokenmillError(
    'ERR_INVALID_ARGUMENT',
    'the special tokens of a tokenizer cannot be changed: withSpecialTokens makes a tokenizer with more of them',
  )
