import { callNative } from '../errors.ts'
import type { NativeTensor } from '../native-binding.d.ts'
import type { DeviceName } from './device.ts'
import type { DType } from './dtype.ts'
import { callNativeAsync, Handle } from './handle.ts'
import { allocate } from './memory.ts'

/**
 * Numbers in a shape, in native memory. {@link Tensor.dispose} frees it, and so does the end of a `using` block. A tensor
 * that is only forgotten is freed by the garbage collector, between turns of the event loop: a long synchronous loop has to
 * dispose.
 *
 * After `dispose`, reading values throws `ERR_DISPOSED`; `shape`, `dtype` and `device` stay.
 */
export class Tensor {
  /** The size of each dimension; the last one is the fastest in {@link Tensor.dataSync}. */
  readonly shape: readonly number[]
  /** The type of the values. */
  readonly dtype: DType = 'f32'
  /** Where the values are. */
  readonly device: DeviceName
  readonly #handle: Handle<NativeTensor>

  private constructor(native: NativeTensor, shape: readonly number[], device: DeviceName) {
    this.shape = Object.freeze([...shape])
    this.device = device
    this.#handle = new Handle('tensor', native)
  }

  /** @internal */
  static of(native: NativeTensor, shape: readonly number[], device: DeviceName): Tensor {
    return new Tensor(native, shape, device)
  }

  /** A copy of the values, row after row, made off the event loop. */
  async data(): Promise<Float32Array> {
    return callNativeAsync(() => this.#handle.native.values())
  }

  /** A copy of the values, row after row. */
  dataSync(): Float32Array {
    return callNative(() => {
      const { native } = this.#handle
      const values = allocate(this.shape.reduce((product, size) => product * size, 1))
      native.copyTo(values)
      return values
    })
  }

  /** A copy of the values as 32-bit floats, whatever {@link Tensor.dtype} is. */
  toFloat32(): Float32Array {
    return this.dataSync()
  }

  /** Whether the memory was freed. */
  get disposed(): boolean {
    return this.#handle.disposed
  }

  /** Frees the memory. The second call does nothing. */
  dispose(): void {
    callNative(() => this.#handle.dispose())
  }

  /** {@link Tensor.dispose}, for `using`. */
  [Symbol.dispose](): void {
    this.dispose()
  }
}
