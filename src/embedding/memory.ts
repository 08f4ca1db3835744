import { TokenmillError } from '../errors.ts'
import { bytesOf, type DType } from './dtype.ts'

let limit: number | undefined

/** The bytes of memory of this machine, or what the container allows. Asked for once: it is read from files, which takes longer than a small pass. */
export const memoryLimit = (): number => (limit ??= readLimit())

const readLimit = (): number => {
  // Not imported: whoever only tokenizes need not wait for it.
  const total = process.getBuiltinModule('node:os').totalmem()
  const allowed = process.constrainedMemory?.() ?? 0
  return allowed > 0 ? Math.min(total, allowed) : total
}

/**
 * `ERR_LIMIT` when `what`, of so many values, cannot fit into the memory of this machine. Systems that promise more memory
 * than they have would allocate it and end the process when it is written.
 */
export const checkMemory = (what: string, values: number, dtype: DType): void => {
  const bytes = values * bytesOf[dtype]
  if (bytes <= memoryLimit()) return
  throw new TokenmillError('ERR_LIMIT', `${what} takes ${bytes} bytes, and there are ${memoryLimit()} bytes of memory`)
}
