import { callNative, callNativeAsync } from '../errors.ts'
import type { NativeTensor } from '../native-binding.d.ts'
import type { NonSharedFloat32Array } from '../non-shared.ts'
import { copyOf } from './copy.ts'
import type { DeviceName } from './device.ts'
import type { DType, Values } from './dtype.ts'
import { Handle } from './handle.ts'

/**
 * Numbers in a shape, in native memory. {@link Tensor.dispose} frees it, and so does the end of a `using` block. A tensor
 * that is only forgotten is freed after the garbage collector has found it: between turns of the event loop, and one of a megabyte or more also by the next
 * `forward`. The embedding that made it uses the memory again for its next output.
 *
 * After `dispose`, reading values throws `ERR_DISPOSED`; `shape`, `dtype` and `device` stay.
 */
export class Tensor {
  /** The size of each dimension; the last one is the fastest in {@link Tensor.dataSync}. */
  readonly shape: readonly number[]
  /** The type of the values. */
  readonly dtype: DType
  /** Where the values are. */
  readonly device: DeviceName
  readonly #handle: Handle<NativeTensor>

  private constructor(native: NativeTensor, shape: readonly number[], dtype: DType, device: DeviceName) {
    this.shape = Object.freeze([...shape])
    this.dtype = dtype
    this.device = device
    this.#handle = new Handle('tensor', native)
  }

  /** @internal */
  static of(native: NativeTensor, shape: readonly number[], dtype: DType, device: DeviceName): Tensor {
    return new Tensor(native, shape, dtype, device)
  }

  /** @internal */
  static nativeOf(tensor: Tensor): NativeTensor {
    return tensor.#handle.native
  }

  /**
   * A copy of the values, row after row, made off the event loop: a `Float32Array`, or the bits of `bf16` and `f16` values in a
   * `Uint16Array`.
   */
  async data(): Promise<Values> {
    return callNativeAsync<Values>(() =>
      this.dtype === 'f32' ? this.#handle.native.values() : this.#handle.native.bits(),
    )
  }

  /** {@link Tensor.data}, at once. */
  dataSync(): Values {
    return callNative(() => copyOf(this.#handle.native, this.shape, this.dtype))
  }

  /** A copy of the values as 32-bit floats, whatever {@link Tensor.dtype} is. */
  toFloat32(): NonSharedFloat32Array {
    return callNative(() => copyOf(this.#handle.native, this.shape, 'f32'))
  }

  /** Whether the memory was freed. */
  get disposed(): boolean {
    return this.#handle.disposed
  }

  /** Frees the memory, and what was recorded for a backward pass. The second call does nothing. */
  dispose(): void {
    callNative(() => this.#handle.dispose())
  }

  /** {@link Tensor.dispose}, for `using`. */
  [Symbol.dispose](): void {
    this.dispose()
  }
}
