import { types } from 'node:util'
import { unsharedNumbers } from '../shared-memory.ts'
import { invalid, invalidAs, isInstance } from '../validate.ts'
import type { NativeTensor } from '../native-binding.d.ts'
import { lengthOf } from './copy.ts'
import { type DeviceName, sharesAddon } from './device.ts'
import { Tensor } from './tensor.ts'

/** An embedding that takes gradients. */
interface Learner {
  backward(output: NativeTensor, grad: Float32Array): void
  backwardTensor(output: NativeTensor, grad: NativeTensor): void
}

/** Checks what `backward` was given, and hands it to `learner`, which is on `device`. */
export const backward = (learner: Learner, device: DeviceName, output: unknown, grad: unknown): void => {
  if (!isInstance(output, Tensor)) throw invalid('output', 'a Tensor that forward gave', output)
  if (!sharesAddon(output.device, device)) {
    throw invalidAs('output', `a Tensor of this embedding, which is on ${device}`, `one on ${output.device}`)
  }
  const size = lengthOf(output.shape)
  const expected = (received: string) => invalidAs('grad', `a value for each of the ${size} of the output`, received)
  if (isInstance(grad, Tensor)) {
    if (String(grad.shape) !== String(output.shape)) throw expected(`a tensor of shape [${grad.shape.join(', ')}]`)
    // Natives of one addon are nothing to the other.
    if (sharesAddon(grad.device, device)) learner.backwardTensor(Tensor.nativeOf(output), Tensor.nativeOf(grad))
    else learner.backward(Tensor.nativeOf(output), grad.toFloat32())
    return
  }
  if (!types.isFloat32Array(grad)) throw invalid('grad', 'a Float32Array or a Tensor', grad)
  if (grad.length !== size) throw expected(`${grad.length} values`)
  learner.backward(Tensor.nativeOf(output), unsharedNumbers(grad))
}
