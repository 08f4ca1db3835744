import { readSync, writeSync } from 'node:fs'

/** `length` bytes of stdin; fewer at its end. */
const read = (length) => {
  const bytes = Buffer.alloc(length)
  let at = 0
  while (at < length) {
    const count = readSync(0, bytes, at, length - at)
    if (count === 0) break
    at += count
  }
  return bytes.subarray(0, at)
}

const write = (array) => {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
  let at = 0
  while (at < bytes.length) at += writeSync(1, bytes, at)
}

const numbers = (count) => {
  const bytes = read(4 * count)
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
}

/**
 * Answers the questions of `verify_ids` until stdin ends; crates/bpe/examples/verify_ids/peer.rs says what they look like.
 *
 * @param {(texts: Buffer[]) => Uint32Array[]} encode the ids of each text, which is UTF-8
 */
export const serve = (encode) => {
  for (let [count] = numbers(1); count !== undefined; [count] = numbers(1)) {
    const rows = encode([...numbers(count)].map(read))
    write(Uint32Array.from(rows, (ids) => ids.length))
    rows.forEach(write)
  }
}
