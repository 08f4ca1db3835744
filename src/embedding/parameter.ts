import type { Tensor } from './tensor.ts'

/** A table of an embedding that training changes. It reads the table as it is now; it holds no copy. */
export class Parameter {
  /** Its name in files. */
  readonly name: string
  /** Rows and values per row. */
  readonly shape: readonly number[]
  readonly #table: () => Tensor

  private constructor(name: string, shape: readonly number[], table: () => Tensor) {
    this.name = name
    this.shape = Object.freeze([...shape])
    this.#table = table
  }

  /** @internal */
  static of(name: string, shape: readonly number[], table: () => Tensor): Parameter {
    return new Parameter(name, shape, table)
  }

  /**
   * A copy of the values, row after row, made off the event loop.
   * @throws `ERR_DISPOSED` when the embedding was disposed.
   */
  async data(): Promise<Float32Array> {
    const table = this.#table()
    try {
      return await table.data()
    } finally {
      table.dispose()
    }
  }

  /**
   * A copy of the values, row after row.
   * @throws `ERR_DISPOSED` when the embedding was disposed.
   */
  dataSync(): Float32Array {
    const table = this.#table()
    try {
      return table.dataSync()
    } finally {
      table.dispose()
    }
  }
}
