/*
 * This package in Node as a peer of `verify_ids`: encodes the texts that come in on stdin. See
 * crates/bpe/examples/verify_ids/peer.rs. `node scripts/verify-peer.mjs ENCODING`; dist/ must be built.
 *
 * Each text crosses as a string and as bytes, alone and in a batch; where these differ, or the count does, the answer is that no ids
 * could be given, and the process ends with what differed.
 */
import { readSync, writeSync } from 'node:fs'
import { getEncoding } from '../dist/index.js'

const tokenizer = getEncoding(process.argv[2])

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
  const bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength)
  let at = 0
  while (at < bytes.length) at += writeSync(1, bytes, at)
}

const numbers = (count) => {
  const bytes = read(4 * count)
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
}

const same = (some, others) =>
  Buffer.compare(
    Buffer.from(some.buffer, some.byteOffset, some.byteLength),
    Buffer.from(others.buffer, others.byteOffset, others.byteLength),
  ) === 0

for (;;) {
  const [count] = numbers(1)
  if (count === undefined) break
  const blobs = [...numbers(count)].map((length) => read(length))
  const texts = blobs.map((blob) => blob.toString())
  const batches = [texts, blobs].map((some) => tokenizer.encodeBatch(some, { disallowedSpecial: [] }))
  const rows = texts.map((text) => tokenizer.encodeOrdinary(text))
  for (const [index, ids] of rows.entries()) {
    const others = {
      'encodeOrdinary of the bytes': tokenizer.encodeOrdinary(blobs[index]),
      'encodeBatch of strings': batches[0].at(index),
      'encodeBatch of bytes': batches[1].at(index),
    }
    for (const [name, other] of Object.entries(others)) {
      if (!same(ids, other)) throw new Error(`encodeOrdinary and ${name} differ on ${JSON.stringify(texts[index])}`)
    }
    if (tokenizer.count(texts[index], { disallowedSpecial: [] }) !== ids.length)
      throw new Error(`count differs on ${JSON.stringify(texts[index])}`)
    if (tokenizer.decode(ids) !== texts[index]) throw new Error(`decode differs on ${JSON.stringify(texts[index])}`)
  }
  write(Uint32Array.from(rows, (ids) => ids.length))
  for (const ids of rows) write(ids)
}
