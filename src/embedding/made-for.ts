import { TokenmillError } from '../errors.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { invalid } from '../validate.ts'

/** Which tokenizer it is: all tokenizers, and what manifests say of them, are one. */
export type TokenizerIdentity = Pick<Tokenizer, 'name' | 'fingerprint'>

/** `tokenizer`, when it is given, as its name and fingerprint alone. */
export const checkedIdentity = (name: string, tokenizer: unknown): TokenizerIdentity | undefined => {
  if (tokenizer === undefined) return undefined
  const { name: own, fingerprint } = (tokenizer ?? {}) as Partial<TokenizerIdentity>
  if (typeof own !== 'string' || typeof fingerprint !== 'string') throw invalid(name, 'a tokenizer', tokenizer)
  return Object.freeze({ name: own, fingerprint })
}

/** How an identity is written in weights files. */
export const writeIdentity = ({ name, fingerprint }: TokenizerIdentity): string => JSON.stringify({ name, fingerprint })

/** What {@link writeIdentity} wrote; `undefined` for anything else. */
export const readIdentity = (json: string | undefined): TokenizerIdentity | undefined => {
  try {
    return json === undefined ? undefined : checkedIdentity('', JSON.parse(json) ?? undefined)
  } catch {
    return undefined
  }
}

/** `embedding`, which was read from `path`, unless that is {@link checkMadeFor} for another tokenizer: it is then disposed. */
export const madeFor = <T extends { readonly tokenizer: TokenizerIdentity | undefined; dispose(): void }>(
  path: string,
  embedding: T,
  given: TokenizerIdentity | undefined,
): T => {
  try {
    checkMadeFor(path, embedding.tokenizer, given)
    return embedding
  } catch (error) {
    embedding.dispose()
    throw error
  }
}

/** `ERR_INVALID_ARGUMENT` when weights were made for another tokenizer than the one they are loaded for. Those of which it is not known pass. */
export const checkMadeFor = (
  path: string,
  madeFor: TokenizerIdentity | undefined,
  given: TokenizerIdentity | undefined,
): void => {
  if (madeFor === undefined || given === undefined || madeFor.fingerprint === given.fingerprint) return
  throw new TokenmillError(
    'ERR_INVALID_ARGUMENT',
    `expected the tokenizer that ${path} was made for, ${madeFor.name} with the fingerprint ${madeFor.fingerprint}, ` +
      `for options.tokenizer, received ${given.name} with ${given.fingerprint}`,
  )
}
