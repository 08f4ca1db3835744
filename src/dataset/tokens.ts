import { types } from 'node:util'
import { integerIn, invalid } from '../validate.ts'
import type { TokenViews } from './objective.ts'

/** Token ids: below 2^31, so that an id is never mistaken for the -100 of ignored targets. */
export type TokenArray = Uint32Array | Uint16Array | readonly number[]

/** Token ids in one row, or a list of documents. */
export type TokensOrDocuments = TokenArray | readonly (Uint32Array | Uint16Array)[]

const largest = 2 ** 31 - 1

/** The ids in one row, in place where they are a `Uint32Array`, and where each document starts and the last one ends. */
export const tokensOf = (
  tokens: TokensOrDocuments,
): { readonly views: TokenViews; readonly documentStarts: Float64Array } => {
  const documents = documentsOf(tokens)
  const ids = documents === undefined ? checkedIds('tokens', tokens) : joined(documents)
  const documentStarts = new Float64Array((documents?.length ?? 1) + 1)
  if (documents === undefined) documentStarts[1] = ids.length
  else
    for (const [index, { length }] of documents.entries())
      documentStarts[index + 1] = (documentStarts[index] as number) + length
  return { views: { ids, signed: new Int32Array(ids.buffer, ids.byteOffset, ids.length) }, documentStarts }
}

/** The documents, when it is a list of them. */
const documentsOf = (tokens: unknown): readonly Uint32Array[] | undefined =>
  Array.isArray(tokens) && tokens.length > 0 && typeof tokens[0] === 'object' && tokens[0] !== null
    ? tokens.map((document, index) => checkedIds(`tokens[${index}]`, document))
    : undefined

const joined = (documents: readonly Uint32Array[]): Uint32Array => {
  const all = new Uint32Array(documents.reduce((length, document) => length + document.length, 0))
  let end = 0
  for (const document of documents) {
    all.set(document, end)
    end += document.length
  }
  return all
}

const checkedIds = (name: string, tokens: unknown): Uint32Array => {
  if (types.isUint16Array(tokens)) return Uint32Array.from(tokens)
  if (Array.isArray(tokens))
    return Uint32Array.from({ length: tokens.length }, (_, index) =>
      integerIn(`${name}[${index}]`, tokens[index], 0, largest),
    )
  if (!types.isUint32Array(tokens)) throw invalid(name, 'a Uint32Array, a Uint16Array or an array of integers', tokens)
  // One pass without a branch for each id.
  let bits = 0
  for (let index = 0; index < tokens.length; index++) bits |= tokens[index] as number
  if (bits < 0) {
    const index = tokens.findIndex((id) => id > largest)
    integerIn(`${name}[${index}]`, tokens[index], 0, largest)
  }
  return tokens
}
