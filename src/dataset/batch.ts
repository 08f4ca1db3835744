/** Several samples, row after row. Nobody else holds its arrays. */
export interface Batch {
  /** Token ids, `shape[0] * shape[1]` of them, row after row. */
  readonly inputs: Uint32Array
  /** What the model should answer, in the same places; -100 is ignored by the loss. */
  readonly targets: Int32Array
  /** Rows and ids per row. */
  readonly shape: readonly [rows: number, columns: number]
}
