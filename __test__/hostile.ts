/*
 * Values that are wrong, and every place of valid arguments that one can be put into.
 */

/** What getters and conversions of the values below throw: an error of the caller's own, which may come out as it is. */
export class CallersError extends Error {}

const fail = (): never => {
  throw new CallersError('thrown by a value of the caller')
}

const detached = (): Uint32Array => {
  const array = new Uint32Array(4)
  structuredClone(array, { transfer: [array.buffer] })
  return array
}

/** An array whose buffer was made so small that it has no length any more. */
const outOfBounds = (): Uint32Array => {
  // ES2024, in every Node that we support; the TypeScript library of ES2023 does not know it.
  const Resizable = ArrayBuffer as unknown as new (
    length: number,
    options: object,
  ) => ArrayBuffer & { resize(length: number): void }
  const buffer = new Resizable(64, { maxByteLength: 64 })
  const array = new Uint32Array(buffer, 32, 4)
  buffer.resize(16)
  return array
}

const holes = (): unknown[] => {
  const array: unknown[] = []
  array.length = 3
  return array
}

/** Whatever is asked of one throws. */
const revoked = (): unknown => {
  const { proxy, revoke } = Proxy.revocable([], {})
  revoke()
  return proxy
}

/** A value that is refused wherever another type belongs, or is one that is empty, huge, not a number, gone, or throws when it is looked at. */
const hostile: Readonly<Record<string, () => unknown>> = {
  undefined: () => undefined,
  null: () => null,
  true: () => true,
  'an empty string': () => '',
  'a name': () => 'none of these',
  'half a surrogate pair': () => '\ud800',
  'a string of NUL': () => '\0',
  __proto__: () => '__proto__',
  0: () => 0,
  '-1': () => -1,
  1.5: () => 1.5,
  NaN: () => NaN,
  Infinity: () => Infinity,
  '2^32': () => 2 ** 32,
  '2^53 - 1': () => Number.MAX_SAFE_INTEGER,
  1e300: () => 1e300,
  '7n': () => 7n,
  'a symbol': () => Symbol('s'),
  'a function': () => () => undefined,
  'a function that throws': () => fail,
  'an empty object': () => ({}),
  'an object without prototype': () => Object.create(null),
  'an object of other keys': () => ({ none: 1, of: 2 }),
  'an empty array': () => [],
  'an array of undefined': () => [undefined],
  'an array of holes': holes,
  'an array of strings': () => ['a', ''],
  'an array of arrays': () => [[1, 2], []],
  'an array of symbols': () => [Symbol('s')],
  'a length of 2^32': () => ({ length: 2 ** 32 }),
  'a map': () => new Map<unknown, unknown>([['key', 1]]),
  'a set': () => new Set<unknown>([1n, 'a']),
  'a date of NaN': () => new Date(NaN),
  'a regular expression': () => /x/,
  'a promise': () => Promise.resolve(1),
  'no bytes': () => new Uint8Array(0),
  'bytes that are not UTF-8': () => new Uint8Array([0xff, 0xc0]),
  'the largest id': () => Uint32Array.of(0xffffffff),
  'floats of NaN': () => Float32Array.of(NaN),
  'no indices': () => new Float64Array(0),
  'big integers': () => new BigInt64Array(1),
  'shared memory': () => new Uint32Array(new SharedArrayBuffer(16)),
  'a buffer': () => new ArrayBuffer(8),
  'an array that was detached': detached,
  'an array out of bounds': outOfBounds,
  'a proxy that throws': () => new Proxy({}, { get: fail, has: fail, ownKeys: fail, getPrototypeOf: fail }),
  'a value that cannot be converted': () => ({ toString: fail, valueOf: fail, [Symbol.iterator]: fail }),
  'no iterator': () => ({ [Symbol.iterator]: 1 }),
  'an iterator that throws': () => ({ [Symbol.iterator]: () => ({ next: fail }) }),
}

/** One argument list in which one place holds a hostile value. */
export interface Attempt {
  /** Where, and which value. */
  readonly what: string
  readonly args: unknown[]
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype

function* changed(place: string, value: unknown): Generator<[what: string, value: unknown]> {
  for (const [name, make] of Object.entries(hostile)) yield [`${place} is ${name}`, make()]
  // The language asks what is awaited for its `then`, as the elements of some arrays are.
  if (typeof value === 'object' && value !== null && !place.endsWith(']'))
    yield [`${place} is a revoked proxy`, revoked()]
  if (isPlain(value))
    for (const key of Object.keys(value)) {
      const { [key]: own, ...others } = value
      yield [`${place} without ${key}`, others]
      for (const [what, other] of changed(`${place}.${key}`, own)) yield [what, { ...others, [key]: other }]
    }
  else if (Array.isArray(value) && value.length > 0)
    for (const [what, other] of changed(`${place}[0]`, value[0])) yield [what, [other, ...value.slice(1)]]
}

/** `args` with every hostile value in every place: each argument, each key of an object in it, the first element of an array, and what these hold. */
export function* attempts(args: readonly unknown[]): Generator<Attempt> {
  for (let count = 0; count < args.length; count++) yield { what: `${count} arguments`, args: args.slice(0, count) }
  for (const [index, value] of args.entries())
    for (const [what, other] of changed(`argument ${index}`, value))
      yield { what, args: args.map((own, i) => (i === index ? other : own)) }
}
