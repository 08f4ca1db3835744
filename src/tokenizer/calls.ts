import { native } from '../native.ts'
import type { Calls } from '../native-binding.d.ts'

/** Where native code writes the ids of short texts, and reads few ids: to make a typed array there, or to look at one, costs more than slicing and filling one here. */
export const scratch = new Uint32Array(4096)

let opened: Calls | undefined

/** The native calls of every request, which write to {@link scratch}. */
export const calls = (): Calls => (opened ??= native().calls(scratch))
