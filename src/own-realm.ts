/*
 * Native code makes arrays and objects of the realm in which the addon was loaded. Programs that run in another one (Jest, `node:vm`, some pools of vitest) tell
 * them from their own: by `instanceof`, and when they are compared.
 */

let isOther = false

/** Says of which realm the addon is that has the function `ofAddon`. */
export const tellRealm = (ofAddon: unknown): void => {
  isOther = Object.getPrototypeOf(ofAddon) !== Function.prototype
}

/** `value`, which native code gave, as this realm makes it; the memory of arrays stays. */
export const ofOwnRealm = <T>(value: T): T => (isOther ? (remade(value) as T) : value)

const arrays = { Uint8Array, Uint16Array, Uint32Array, Int32Array, Float32Array, Float64Array } as const

const remade = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || isOwn(value)) return value
  if (Array.isArray(value)) return value.map(remade)
  const name = (value as { constructor?: { name: string } }).constructor?.name ?? ''
  if (Object.hasOwn(arrays, name)) {
    const { buffer, byteOffset, length } = value as Uint8Array<ArrayBuffer>
    return new arrays[name as keyof typeof arrays](buffer, byteOffset, length)
  }
  // Others are of classes of the addon.
  if (name !== 'Object') return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, remade(each)]))
}

const isOwn = (value: object): boolean => Object.prototype.isPrototypeOf(value)
