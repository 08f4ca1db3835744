import { types } from 'node:util'
import { TokenmillError } from './errors.ts'
import { isShared } from './shared-memory.ts'

/*
 * Arguments are checked here, before they cross to native code: Node-API turns Infinity into 0 and 1.5 into 1 without a
 * word. Every message has one shape: what was expected, for which argument, what was received.
 */

/** `value` as an error message shows it, cut when it is long. What throws when it is looked at is shown too. */
export const received = (value: unknown): string => {
  try {
    return shown(value)
  } catch {
    return `${typeof value === 'object' ? 'an object' : 'a function'} that cannot be read`
  }
}

const shown = (value: unknown): string => {
  if (value === null) return 'null'
  switch (typeof value) {
    case 'string':
      return value.length > 60 ? `${JSON.stringify(value.slice(0, 60))}…` : JSON.stringify(value)
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value)
    case 'bigint':
      return `${value}n`
    case 'symbol':
      return value.toString()
    case 'function':
      return `function ${String(value.name)}`.trimEnd()
    default:
      if (isGone(value)) return `a ${value.constructor.name} whose memory was transferred`
      return Array.isArray(value)
        ? `an array of ${value.length}`
        : `an object of ${String(value.constructor?.name ?? 'no class')}`
  }
}

/** The `ERR_INVALID_ARGUMENT` that says: expected `expected` for `name`, received `value`. */
export const invalid = (name: string, expected: string, value: unknown): TokenmillError =>
  invalidAs(name, expected, received(value))

/** {@link invalid} that says in words what was received, where the value itself says too little. */
export const invalidAs = (name: string, expected: string, what: string): TokenmillError =>
  new TokenmillError('ERR_INVALID_ARGUMENT', `expected ${expected} for ${name}, received ${what}`)

/** Refuses `new` of a class by whoever is not of the library: its constructor takes what `isOurs` is true for, and `makers` are the functions to call. */
export const checkMade = (isOurs: boolean, name: string, makers: string): void => {
  if (!isOurs) throw invalidAs(`a new ${name}`, makers, 'a call of its constructor')
}

/** Whether `value` is an object of a class, as those of native code are: no array and no plain object. */
export const isOfClass = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.getPrototypeOf(value) !== Object.prototype

/** `value` when it is an integer of at least `min` and at most `max`. */
export const integerIn = (name: string, value: unknown, min: number, max: number = Number.MAX_SAFE_INTEGER): number => {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  const hasLimit = max !== Number.MAX_SAFE_INTEGER || (Number.isInteger(value) && (value as number) > max)
  throw invalid(name, hasLimit ? `an integer from ${min} to ${max}` : `an integer ≥ ${min}`, value)
}

/** `value` when it is an integer ≥ 1. */
export const positiveInteger = (name: string, value: unknown): number => integerIn(name, value, 1)

/** `value` when it is a finite number. */
export const finiteNumber = (name: string, value: unknown): number => {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw invalid(name, 'a finite number', value)
}

/** `value` when it is a boolean. */
export const boolean = (name: string, value: unknown): boolean => {
  if (typeof value === 'boolean') return value
  throw invalid(name, 'a boolean', value)
}

/** `value` when it is a string. */
export const string = (name: string, value: unknown): string => {
  if (typeof value === 'string') return value
  throw invalid(name, 'a string', value)
}

/** `value` when it is one of `choices`. */
export const oneOf = <const T extends string>(name: string, value: unknown, choices: readonly T[]): T => {
  if ((choices as readonly unknown[]).includes(value)) return value as T
  throw invalid(name, `one of ${choices.map((choice) => `'${choice}'`).join(', ')}`, value)
}

/** `array`, which native code writes as if nobody else saw it, when that is so; `expected` is what it is. */
export const notShared = <T extends NodeJS.TypedArray>(name: string, expected: string, array: T): T => {
  if (!isShared(array)) return array
  throw invalid(name, `${expected} that is not shared with other threads`, array)
}

/** Whether `value` is a proxy that was revoked: whatever is asked of one throws. */
export const isRevoked = (value: unknown): boolean => {
  try {
    Array.isArray(value)
    return false
  } catch {
    return true
  }
}

/** What `value` has: nothing where it is absent, or a proxy that was revoked. */
export const membersOf = <T>(value: unknown): Partial<T> =>
  value === undefined || value === null || isRevoked(value) ? {} : (value as Partial<T>)

/** Whether `value` was made by `Class`. */
export const isInstance = <T>(value: unknown, Class: { readonly prototype: T }): value is T =>
  !isRevoked(value) && value instanceof (Class as unknown as new () => T & object)

/** `Array.isArray` of what a caller gave, which may be a proxy that was revoked. */
export const isArray = (value: unknown): value is readonly unknown[] => {
  try {
    return Array.isArray(value)
  } catch {
    return false
  }
}

/** Made like other objects, and so as fast as they are, but nothing is inherited: what is put on `Object.prototype` is no option. */
const OwnOptions = function () {} as unknown as new () => object
OwnOptions.prototype = Object.freeze(Object.create(null))

const noOptions: object = Object.freeze(new OwnOptions())

/** A copy of `value` that inherits nothing: for what is left of options when some were taken, and for records whose absent fields native code looks for. */
export const own = <T extends object>(value: T): T => Object.assign(new OwnOptions(), value)

/**
 * A copy of the options of an object, which are its own properties: `undefined` has none. Other keys than the known ones are an error, and so is an object
 * without any that is not a plain one, as a Map or a Date.
 */
export const options = <T extends object>(
  name: string,
  value: T | undefined,
  known: readonly (keyof T & string)[],
): Partial<T> => {
  if (value === undefined) return noOptions
  if (typeof value !== 'object' || value === null || isArray(value) || isRevoked(value))
    throw invalid(name, `an object${exampleOf(known)}`, value)
  const keys = Object.keys(value) as (keyof T & string)[]
  if (keys.length === 0 && !isPlain(value)) throw invalid(name, `an object with options${exampleOf(known)}`, value)
  const checked: Partial<T> = new OwnOptions()
  for (const key of keys) {
    if (!known.includes(key)) {
      throw new TokenmillError('ERR_INVALID_ARGUMENT', `expected only ${known.join(', ')} in ${name}, received ${key}`)
    }
    const option = value[key]
    if (isRevoked(option)) throw invalid(`${name}.${key}`, 'a value', option)
    checked[key] = option
  }
  return checked
}

/** Other libraries take the special tokens in the place of options. */
const exampleOf = (known: readonly string[]): string =>
  known.includes('maxTokens')
    ? ', as { maxTokens: 512 },'
    : known.includes('allowedSpecial')
      ? ", as { allowedSpecial: 'all' },"
      : ''

/** Whether `value` is of no class, of whatever realm. */
export const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** `signal` when it is an `AbortSignal` or absent. */
export const abortSignal = (signal: unknown): AbortSignal | undefined => {
  if (signal === undefined || isInstance(signal, AbortSignal)) return signal
  throw invalid('options.signal', 'an AbortSignal', signal)
}

/** `value` when it is a function or absent. */
export const callback = <F>(name: string, value: F): F => {
  if (value === undefined || typeof value === 'function') return value
  throw invalid(name, 'a function', value)
}

/** `value` when one can go through it. A string is not meant, and a typed array whose memory is gone has nothing to go through. */
export const iterable = (name: string, expected: string, value: unknown): Iterable<unknown> => {
  const isIterable =
    typeof value === 'object' &&
    value !== null &&
    !isRevoked(value) &&
    typeof (value as Partial<Iterable<unknown>>)[Symbol.iterator] === 'function'
  if (isIterable && !isGone(value)) return value as unknown as Iterable<unknown>
  throw invalid(name, expected, value)
}

/** {@link iterable}, or what gives its values in time. */
export const iterableOrAsync = (
  name: string,
  expected: string,
  value: unknown,
): Iterable<unknown> | AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && !isRevoked(value) && Symbol.asyncIterator in value
    ? (value as AsyncIterable<unknown>)
    : iterable(name, expected, value)

/** Whether `value` is a typed array whose memory was transferred or cut off: its own methods then throw. */
export const isGone = (value: unknown): boolean => {
  // Nothing is left in one.
  if (!ArrayBuffer.isView(value) || types.isDataView(value) || (value as Uint8Array).length > 0) return false
  try {
    Uint8Array.prototype.values.call(value as Uint8Array)
    return false
  } catch {
    return true
  }
}
