/*
 * This package in Node as a peer of `verify_ids`: `node scripts/verify-peer.mjs ENCODING`; dist/ must be built.
 *
 * Each text crosses as a string and as bytes, alone and in a batch. Where these differ, or the counts, the limits or the decoded text do, the
 * process ends with what differed, and with it the comparison.
 */
import { getEncoding } from '../dist/index.js'
import { serve } from './lib/peer.mjs'

const tokenizer = getEncoding(process.argv[2])
const plain = { disallowedSpecial: [] }

const same = (some, others) =>
  Buffer.from(some.buffer, some.byteOffset, some.byteLength).equals(
    Buffer.from(others.buffer, others.byteOffset, others.byteLength),
  )

serve((blobs) => {
  const texts = blobs.map(String)
  const [ofStrings, ofBytes] = [texts, blobs].map((some) => tokenizer.encodeBatch(some, plain))
  const counts = tokenizer.countBatch(texts, plain)
  return texts.map((text, index) => {
    const ids = tokenizer.encodeOrdinary(text)
    const agree = {
      'encodeOrdinary of the bytes': same(ids, tokenizer.encodeOrdinary(blobs[index])),
      'encodeBatch of strings': same(ids, ofStrings.at(index)),
      'encodeBatch of bytes': same(ids, ofBytes.at(index)),
      count: tokenizer.count(text, plain) === ids.length,
      countBatch: counts[index] === ids.length,
      'isWithinLimit of the count': tokenizer.isWithinLimit(text, ids.length, plain) === ids.length,
      'isWithinLimit of one less': ids.length === 0 || tokenizer.isWithinLimit(text, ids.length - 1, plain) === false,
      decode: tokenizer.decode(ids) === text,
    }
    for (const [name, agrees] of Object.entries(agree)) {
      if (!agrees) throw new Error(`encodeOrdinary and ${name} do not agree on ${JSON.stringify(text)}`)
    }
    return ids
  })
})
