import { callNativeAsync } from '../../errors.ts'
import { native } from '../../native.ts'
import type { InspectFlags } from '../commands/inspect.ts'
import { write, writeJson } from '../output.ts'
import { bytes, integer, shape } from '../terminal/format.ts'
import { aligned } from './aligned.ts'

/** Whether a file that starts so is one of safetensors: the length of its header, and an object. */
export const isWeights = (start: Uint8Array): boolean =>
  start.length >= 9 && start[8] === 0x7b && start.subarray(4, 8).every((byte) => byte === 0)

/** The tensors of a safetensors file; none of their values is read. */
export const inspectWeights = async (file: string, { json }: InspectFlags): Promise<void> => {
  const header = await callNativeAsync(() => native().readWeightsHeader(file))
  const metadata = Object.fromEntries(pairsOf(header.metadata))
  const tensors = header.tensors.map((tensor) => ({ ...tensor, values: tensor.shape.reduce((a, b) => a * b, 1) }))
  const values = tensors.reduce((sum, tensor) => sum + tensor.values, 0)
  if (json) return writeJson({ metadata, values, tensors })
  const all = tensors.reduce((sum, tensor) => sum + tensor.bytes, 0)
  await write(
    aligned([
      ...Object.entries(metadata),
      ['values', `${integer(values)} in ${integer(tensors.length)} tensors, ${bytes(all)}`],
      ...tensors.map(({ name, dtype, shape: sizes }) => [name, `${dtype} ${shape(sizes)}`] as const),
    ]),
  )
}

const pairsOf = (list: readonly string[]): [string, string][] =>
  Array.from({ length: list.length / 2 }, (_, index) => [list[2 * index] as string, list[2 * index + 1] as string])
