import type { NonSharedInt32Array, NonSharedUint32Array, NonSharedUint8Array } from '../non-shared.ts'

/**
 * Several samples, row after row. Its arrays are fresh, unless the caller gave them.
 *
 * What is there depends on the dataset: windows of a text have `inputs` and `targets`; ragged examples an `attentionMask`,
 * packed documents `positionIds` and `segmentIds`.
 */
export interface Batch {
  /** Token ids, `shape[0] * shape[1]` of them, row after row. */
  readonly inputs: NonSharedUint32Array
  /**
   * What the model should answer, in the same places; -100 is ignored by the loss. Where a whole row has one answer (its class), one
   * per row.
   */
  readonly targets: NonSharedInt32Array
  /** Rows and ids per row. */
  readonly shape: readonly [rows: number, columns: number]
  /** 1 where an input belongs to the sample, 0 for padding. */
  readonly attentionMask?: NonSharedUint8Array
  /** The place of each input in its document, from 0. */
  readonly positionIds?: NonSharedUint32Array
  /** Which document of its row each input belongs to, from 1; 0 for padding. */
  readonly segmentIds?: NonSharedUint32Array
  /**
   * Where each segment of the batch starts in the row of all its inputs, and at last their number: `cu_seqlens` of attention over
   * sequences of different lengths. The padding of a row is a segment too.
   */
  readonly cuSeqlens?: NonSharedInt32Array
}

/**
 * Arrays for a batch to be written into: at least `batchSize * columns` long, apart from one another and from the tokens of the dataset, and not of a
 * `SharedArrayBuffer`.
 */
export interface BatchArrays {
  /** For {@link Batch.inputs}. */
  readonly inputs: NonSharedUint32Array
  /** For {@link Batch.targets}. */
  readonly targets: NonSharedInt32Array
}
