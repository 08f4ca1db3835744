import { types } from 'node:util'
import { joinIds } from '../join-ids.ts'
import { TokenmillError } from '../errors.ts'
import { integerIn, invalid, isArray, isGone, isInstance } from '../validate.ts'
import type { Batch, BatchArrays } from './batch.ts'
import { copyWindows } from './copy-windows.ts'
import type { TokenViews } from './objective.ts'
import { TokenStore } from './token-store.ts'

/** Token ids: below 2^31, so that an id is never mistaken for the -100 of ignored targets. */
export type TokenArray = Uint32Array | Uint16Array | readonly number[]

/** Token ids in one row, a list of documents, or a store of them on disk. */
export type TokensOrDocuments = TokenArray | readonly TokenArray[] | TokenStore

const largest = 2 ** 31 - 1

/** Where a dataset has its ids from. */
export interface TokenSource {
  /** The number of ids. */
  readonly length: number
  /** The array that has them, where they are in one. */
  readonly inPlace: readonly Uint32Array[]
  /** Where each document starts, and at last the end. */
  documentStarts(): Float64Array
  /** `count` ids from `start` on: they are in the views from `at` on. */
  views(start: number, count: number): { readonly tokens: TokenViews; readonly at: number }
  /** Windows of `columns` inputs from the first `rows` of `starts` on, with the next ids as targets; those after them will be asked for next. */
  windows(
    starts: Float64Array,
    columns: number,
    options: { readonly rows: number; readonly out?: BatchArrays | undefined },
  ): Batch
  /** Has the rows of `count` ids from each of `starts` on in memory, off the event loop; absent where they are. */
  readonly readAhead?: (starts: Float64Array, count: number) => Promise<void>
}

/** The ids, in place where they are a `Uint32Array` or a store. */
export const sourceOf = (tokens: TokensOrDocuments): TokenSource => {
  if (isInstance(tokens, TokenStore)) return storeSource(tokens)
  const documents = documentsOf(tokens)
  const ids = documents === undefined ? checkedIds('tokens', tokens) : joinIds(documents)
  const { length } = ids
  const views = viewsOf(ids)
  const check = () => {
    if (ids.length !== length)
      throw new TokenmillError(
        'ERR_DISPOSED',
        'the tokens of the dataset were transferred to another thread or resized',
      )
  }
  return {
    length,
    inPlace: [ids],
    documentStarts: () => startsOf(documents ?? [ids]),
    views: (start) => {
      check()
      return { tokens: views, at: start }
    },
    windows: (starts, columns, options) => {
      check()
      return copyWindows(ids, starts, columns, options)
    },
  }
}

const storeSource = (store: TokenStore): TokenSource => ({
  length: store.length,
  inPlace: [],
  documentStarts: () => {
    const { documents } = store
    if (documents === undefined) throw invalid('tokens', 'a dataset, which says where documents start', 'a file of ids')
    const starts = new Float64Array(documents.length + 1)
    starts.set(documents.starts(0, documents.length))
    starts[documents.length] = store.length
    return starts
  },
  views: (start, count) => {
    const ids = store.gather(Float64Array.of(start), count)
    if (!areTargets(ids))
      throw new TokenmillError(
        'ERR_OUT_OF_RANGE',
        `expected ids below ${largest + 1}, received ${ids.find((id) => id > largest)}`,
      )
    return { tokens: viewsOf(ids), at: 0 }
  },
  windows: (starts, columns, options) => store.windowsAhead(starts, columns, options),
  readAhead: (starts, count) => store.readAhead(starts, count),
})

/** The ids as both kinds of array. */
const viewsOf = (ids: Uint32Array): TokenViews => ({
  ids,
  signed: new Int32Array(ids.buffer, ids.byteOffset, ids.length),
})

const startsOf = (documents: readonly Uint32Array[]): Float64Array => {
  const starts = new Float64Array(documents.length + 1)
  for (const [index, { length }] of documents.entries()) starts[index + 1] = (starts[index] as number) + length
  return starts
}

/** The documents, when it is a list of them. */
const documentsOf = (tokens: unknown): readonly Uint32Array[] | undefined =>
  isArray(tokens) && tokens.length > 0 && typeof tokens[0] === 'object' && tokens[0] !== null
    ? Array.from(tokens as readonly unknown[], (document, index) => checkedIds(`tokens[${index}]`, document))
    : undefined

const checkedIds = (name: string, tokens: unknown): Uint32Array => {
  if (isGone(tokens)) throw invalid(name, 'an array whose memory is there', tokens)
  if (types.isUint16Array(tokens)) return Uint32Array.from(tokens)
  if (isArray(tokens))
    return Uint32Array.from({ length: tokens.length }, (_, index) =>
      integerIn(`${name}[${index}]`, tokens[index], 0, largest),
    )
  if (!types.isUint32Array(tokens)) throw invalid(name, 'a Uint32Array, a Uint16Array or an array of integers', tokens)
  if (!areTargets(tokens)) {
    const index = tokens.findIndex((id) => id > largest)
    integerIn(`${name}[${index}]`, tokens[index], 0, largest)
  }
  return tokens
}

/** Whether all ids can be targets, by one pass without a branch for each. */
const areTargets = (ids: Uint32Array): boolean => {
  let bits = 0
  for (let index = 0; index < ids.length; index++) bits |= ids[index] as number
  return bits >= 0
}
