import { createRequire } from 'node:module'
import { TokenmillError } from './errors.ts'
import type * as Binding from './native-binding.d.ts'

const require = createRequire(import.meta.url)

let loaded: typeof Binding | undefined

/** The native addon, loaded at the first call. This file is the only one that loads it. */
export const native = (): typeof Binding => (loaded ??= load())

const load = (): typeof Binding => {
  try {
    return require('../build/tokenmill.linux-x64-gnu.node') as typeof Binding
  } catch (cause) {
    throw new TokenmillError('ERR_NATIVE', 'the native addon could not be loaded', { cause })
  }
}
