import type { NonSharedInt32Array, NonSharedUint32Array } from '../non-shared.ts'
import type { PaddedBatchWithOffsets } from './encode-padded.ts'

/** Where the tokens of a text are from: see `TokenOffsets`. */
export interface TextOrigins {
  readonly offsets: NonSharedUint32Array
  readonly ends: NonSharedUint32Array
  readonly wordIds: NonSharedInt32Array
}

/** Where the ids of rows are from. */
export type RowOrigins = Pick<PaddedBatchWithOffsets, 'offsets' | 'ends' | 'wordIds' | 'sequenceIds'>

/** Those of `size` ids that are of no text. */
export const noOrigins = (size: number): RowOrigins => ({
  offsets: new Uint32Array(size),
  ends: new Uint32Array(size),
  wordIds: new Int32Array(size).fill(-1),
  sequenceIds: new Int8Array(size).fill(-1),
})

/** Those of the tokens from `start` to `end` of a text. */
export const partOfOrigins = ({ offsets, ends, wordIds }: TextOrigins, start: number, end: number): TextOrigins => ({
  offsets: offsets.subarray(start, end),
  ends: ends.subarray(start, end),
  wordIds: wordIds.subarray(start, end),
})

/** Writes those of tokens of text `sequence` from id `at` of `rows` on. */
export const writeOrigins = (rows: RowOrigins, at: number, text: TextOrigins, sequence: number): void => {
  rows.offsets.set(text.offsets, at)
  rows.ends.set(text.ends, at)
  rows.wordIds.set(text.wordIds, at)
  rows.sequenceIds.fill(sequence, at, at + text.ends.length)
}
