/*
 * The initial values of crates/embedding/src/init.rs, written a second time from their definition there: ChaCha8 (RFC 8439
 * with 8 rounds, a 64-bit counter and a 64-bit nonce) and the Box–Muller transform. Slow and plain.
 */

const DOMAIN = 'tokenmill embedding init'

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by))

const block = (key: DataView, stream: bigint, counter: number): Uint32Array => {
  const start = new Uint32Array(16)
  start.set([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574])
  for (let i = 0; i < 8; i++) start[4 + i] = key.getUint32(4 * i, true)
  start[12] = counter
  start[14] = Number(stream & 0xffffffffn)
  start[15] = Number(stream >> 32n)
  const x = start.slice()
  const at = (i: number): number => x[i] as number
  const quarter = (a: number, b: number, c: number, d: number): void => {
    for (const [p, q, r, by] of [
      [a, b, d, 16],
      [c, d, b, 12],
      [a, b, d, 8],
      [c, d, b, 7],
    ] as const) {
      x[p] = at(p) + at(q)
      x[r] = rotate(at(r) ^ at(p), by)
    }
  }
  for (let round = 0; round < 8; round += 2) {
    for (let i = 0; i < 4; i++) quarter(i, 4 + i, 8 + i, 12 + i)
    for (let i = 0; i < 4; i++) quarter(i, 4 + ((i + 1) % 4), 8 + ((i + 2) % 4), 12 + ((i + 3) % 4))
  }
  return x.map((value, i) => value + (start[i] as number))
}

/** `count` values of N(0, std) from stream `stream` of `seed`. */
export const naiveInitialValues = (seed: number, stream: number, std: number, count: number): Float32Array => {
  const key = new DataView(new ArrayBuffer(32))
  key.setBigUint64(0, BigInt(seed), true)
  new TextEncoder().encodeInto(DOMAIN, new Uint8Array(key.buffer, 8))
  const values = new Float32Array(count)
  let words: Uint32Array = new Uint32Array()
  for (let i = 0; i < count; i += 2) {
    if (i % 16 === 0) words = block(key, BigInt(stream), i / 16)
    const radius = Math.sqrt(-2 * Math.log(((words[i % 16] as number) + 1) / 2 ** 32))
    const angle = 2 * Math.PI * ((words[(i % 16) + 1] as number) / 2 ** 32)
    values[i] = std * radius * Math.cos(angle)
    if (i + 1 < count) values[i + 1] = std * radius * Math.sin(angle)
  }
  return values
}

/** The FNV-1a hash (64 bits, hexadecimal) of the bytes of `values`, little-endian. */
export const hashOf = (values: Float32Array): string => {
  const view = new DataView(new ArrayBuffer(4))
  let hash = 0xcbf29ce484222325n
  for (const value of values) {
    view.setFloat32(0, value, true)
    for (let i = 0; i < 4; i++) hash = BigInt.asUintN(64, (hash ^ BigInt(view.getUint8(i))) * 0x100000001b3n)
  }
  return hash.toString(16).padStart(16, '0')
}
