import { ofOwnRealm } from './own-realm.ts'

/**
 * The stable codes of {@link TokenmillError}.
 *
 * - `ERR_INVALID_ARGUMENT`: an argument or option has the wrong type or value.
 * - `ERR_SPECIAL_TOKEN`: text holds a special token that the options do not allow.
 * - `ERR_UNKNOWN_TOKEN`: a word is not in the vocabulary and there is no `<|unk|>` to stand for it, or it has no vector.
 * - `ERR_OUT_OF_RANGE`: an id or an index does not exist.
 * - `ERR_INVALID_UTF8`: bytes that must be UTF-8 are not.
 * - `ERR_INVALID_FILE`: a file is not what it should be, or cannot be read or written.
 * - `ERR_LIMIT`: something is larger than what can be allocated or than a stated limit.
 * - `ERR_CORRUPT_DATASET`: a dataset is not what its manifest says.
 * - `ERR_DEVICE`: the device that was asked for cannot be used.
 * - `ERR_DISPOSED`: the object was disposed or closed, or the memory of an array was transferred while it was read.
 * - `ERR_BUSY`: the object is at work off the event loop, and a synchronous call would have to wait for it.
 * - `ERR_NATIVE`: the native addon of this platform could not be loaded.
 * - `ERR_INTERNAL`: a defect of Tokenmill; please report it.
 */
export type ErrorCode =
  | 'ERR_INVALID_ARGUMENT'
  | 'ERR_SPECIAL_TOKEN'
  | 'ERR_UNKNOWN_TOKEN'
  | 'ERR_OUT_OF_RANGE'
  | 'ERR_INVALID_UTF8'
  | 'ERR_INVALID_FILE'
  | 'ERR_LIMIT'
  | 'ERR_CORRUPT_DATASET'
  | 'ERR_DEVICE'
  | 'ERR_DISPOSED'
  | 'ERR_BUSY'
  | 'ERR_NATIVE'
  | 'ERR_INTERNAL'

const codes: ReadonlySet<string> = new Set<ErrorCode>([
  'ERR_INVALID_ARGUMENT',
  'ERR_SPECIAL_TOKEN',
  'ERR_UNKNOWN_TOKEN',
  'ERR_OUT_OF_RANGE',
  'ERR_INVALID_UTF8',
  'ERR_INVALID_FILE',
  'ERR_LIMIT',
  'ERR_CORRUPT_DATASET',
  'ERR_DEVICE',
  'ERR_DISPOSED',
  'ERR_BUSY',
  'ERR_NATIVE',
  'ERR_INTERNAL',
])

/** Every error that Tokenmill throws or rejects with, except the `reason` of an aborted signal, and what a callback, iterable or getter of the caller throws. */
export class TokenmillError extends Error {
  /** What went wrong, stable across versions. */
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  static {
    this.prototype.name = 'TokenmillError'
  }
}

/** The codes of Node-API: statuses such as `GenericFailure`, and those that Node itself gives. */
const ofNodeApi = /^([A-Z][a-z]|ERR_NAPI_)/

/**
 * What to throw for an error that came out of a call into the native addon: the {@link TokenmillError} with the native code, of which the original
 * is the `cause`; a panic has none of our codes, and is `ERR_INTERNAL`. An error that has no code, or one such as `ENOENT`, is none of the addon's: a
 * getter or an iterable of the caller threw it when it was asked, and it stays as it is.
 *
 * @internal
 */
export const fromNative = (error: unknown): unknown => {
  if (error instanceof TokenmillError) return error
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  if (typeof code !== 'string') return error
  if (codes.has(code)) return new TokenmillError(code as ErrorCode, String(message), { cause: error })
  return ofNodeApi.test(code)
    ? new TokenmillError('ERR_INTERNAL', `internal error: ${String(message)}`, { cause: error })
    : error
}

/**
 * Calls into the native addon; what it throws becomes a {@link TokenmillError}, with the caller's stack.
 *
 * @internal
 */
export const callNative = <T>(call: () => T): T => {
  try {
    return ofOwnRealm(call())
  } catch (error) {
    throw fromNative(error)
  }
}

/**
 * The same for a call that gives a promise, and what that rejects with.
 *
 * @internal
 */
export const callNativeAsync = async <T>(call: () => Promise<T>): Promise<T> => {
  try {
    return ofOwnRealm(await call())
  } catch (error) {
    throw fromNative(error)
  }
}
