import { types } from 'node:util'
import { callNative, callNativeAsync, TokenmillError } from '../errors.ts'
import type { NativeParameter } from '../native-binding.d.ts'
import type { NonSharedFloat32Array, NonSharedUint32Array } from '../non-shared.ts'
import { unsharedNumbers } from '../shared-memory.ts'
import { boolean, invalid, invalidAs } from '../validate.ts'
import type { Calls } from './calls.ts'
import { copyOf, lengthOf } from './copy.ts'
import type { DeviceName } from './device.ts'
import type { DType, Values } from './dtype.ts'

/** A row-sparse gradient: row `ids[i]` of the table has row `i` of `values`, and all others have none. */
export interface RowGradient {
  /** Ascending. */
  readonly ids: NonSharedUint32Array
  /** As many values per row as the table has. */
  readonly values: NonSharedFloat32Array
}

/** What a parameter belongs to: an embedding that may be disposed. */
interface Owner {
  readonly disposed: boolean
  /** Calls that change its tables, or save them. */
  readonly calls: Calls
}

/**
 * A table of an embedding that training changes, and its gradient. It reads the table as it is now; it holds no copy.
 *
 * When the embedding is disposed or gets other tables by `resize`, everything but name, shape and type throws `ERR_DISPOSED`.
 */
export class Parameter {
  /** Its name in files. */
  readonly name: string
  /** Rows and values per row; of a vector, its values. */
  readonly shape: readonly number[]
  /** The type of the values. Gradients are 32-bit floats. */
  readonly dtype: DType
  /** Where the values are. */
  readonly device: DeviceName
  readonly #native: NativeParameter
  // It also keeps the embedding from being collected, and its tables with it.
  readonly #owner: Owner

  private constructor(native: NativeParameter, dtype: DType, device: DeviceName, owner: Owner) {
    this.name = native.name
    this.shape = Object.freeze([...native.shape])
    this.dtype = dtype
    this.device = device
    this.#native = native
    this.#owner = owner
  }

  /** @internal */
  static of(native: NativeParameter, dtype: DType, device: DeviceName, owner: Owner): Parameter {
    return new Parameter(native, dtype, device, owner)
  }

  /** @internal */
  static nativeOf(parameter: Parameter): NativeParameter {
    return parameter.#checked
  }

  /** @internal */
  static callsOf(parameter: Parameter): Calls {
    return parameter.#owner.calls
  }

  get #checked(): NativeParameter {
    if (!this.#owner.disposed) return this.#native
    throw new TokenmillError('ERR_DISPOSED', 'the embedding was disposed')
  }

  /**
   * A copy of the values, row after row, made off the event loop: a `Float32Array`, or the bits of `bf16` and `f16` values in a
   * `Uint16Array`.
   * @throws `ERR_DISPOSED` when the embedding was disposed.
   */
  async data(): Promise<Values> {
    return callNativeAsync<Values>(() => (this.dtype === 'f32' ? this.#checked.values() : this.#checked.bits()))
  }

  /**
   * {@link Parameter.data}, at once.
   * @throws `ERR_DISPOSED` when the embedding was disposed.
   */
  dataSync(): Values {
    return callNative(() => copyOf(this.#checked, this.shape, this.dtype))
  }

  /**
   * A copy of the values as 32-bit floats, whatever {@link Parameter.dtype} is.
   * @throws `ERR_DISPOSED` when the embedding was disposed.
   */
  toFloat32(): NonSharedFloat32Array {
    return callNative(() => copyOf(this.#checked, this.shape, 'f32'))
  }

  /**
   * Gives it these values, row after row, each rounded to its type. A padding row stays zero.
   * @throws `ERR_DISPOSED` when the embedding was disposed; `ERR_BUSY` while it is saved, or changed by a step off the event loop.
   */
  set(values: Float32Array): void {
    if (!types.isFloat32Array(values)) throw invalid('values', 'a Float32Array', values)
    const length = lengthOf(this.shape)
    if (values.length !== length) throw invalidAs('values', `${length} values`, `${values.length} values`)
    this.#owner.calls.now(() => callNative(() => this.#checked.setValues(unsharedNumbers(values))))
  }

  /**
   * A copy of the gradient: the sum of those of all backward passes since `zeroGrad`, or `undefined` when there was none.
   * @throws `ERR_DISPOSED` when the embedding was disposed.
   */
  grad(): RowGradient | undefined {
    return callNative(() => this.#checked.grad()) ?? undefined
  }

  /** Whether backward passes give it a gradient, and steps change it. Set it to `false` to freeze the parameter. */
  get trainable(): boolean {
    return callNative(() => this.#checked.trainable)
  }

  set trainable(trainable: boolean) {
    const checked = boolean('trainable', trainable)
    callNative(() => {
      this.#checked.trainable = checked
    })
  }
}
