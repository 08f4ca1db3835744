import { native } from '../native.ts'
import type { Calls } from '../native-binding.d.ts'
import { lengthOf } from '../shared-memory.ts'

/** Where native code writes the ids of short texts, and reads few ids: to make a typed array there, or to look at one, costs more than slicing and filling one here. */
export const scratch = new Uint32Array(4096)

let opened: Calls | undefined

/** The native calls of every request, which write to {@link scratch}. */
export const calls = (): Calls => (opened ??= native().calls(scratch))

/** So many ids are copied one by one, which is sooner done than to ask an array for its memory. */
const fewIds = 256

/** Copies `ids` to {@link scratch} where they are few; returns how many, else `undefined`. */
export const copyFew = (ids: Uint32Array): number | undefined => {
  const count = lengthOf(ids)
  if (count > fewIds) return undefined
  for (let index = 0; index < count; index++) scratch[index] = ids[index] as number
  return count
}
