import { fromNative, TokenmillError } from '../errors.ts'
import { specialTokenError } from './special-tokens.ts'

/**
 * A native error; that of a special token, which says only where and which, as the sentence that tells what to do. `start` is where the
 * text started that native code got, `name` what a text is called that is none of several, or the only one of them.
 */
export const explained = (error: unknown, start = 0, name = 'the text', isOne = false): unknown => {
  const native = fromNative(error)
  if (!(native instanceof TokenmillError)) return native
  const [, row, index, token] =
    (native.code === 'ERR_SPECIAL_TOKEN' && /^(?:(\d+)\/)?(\d+) (.*)$/s.exec(native.message)) || []
  if (index === undefined || token === undefined) return native
  return specialTokenError(token, start + Number(index), row === undefined || isOne ? name : `texts[${row}]`)
}
