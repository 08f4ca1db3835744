import test from 'ava'
import { setCacheBytes } from '../src/cache-bytes.ts'
import { TokenmillError } from '../src/errors.ts'
import { getEncoding } from '../src/tokenizer/encodings.ts'

/** Words that no vocabulary has, more than the smallest cache holds. */
const words = Array.from({ length: 20_000 }, (_, i) => Math.imul(i + 1, 0x9e3779b1).toString(36)).join(' ')

/** What a tokenizer of its own takes to remember `words`, in bytes. */
const taken = (bytes: number): { readonly ids: Uint32Array; readonly bytes: number } => {
  setCacheBytes(bytes)
  // Another tokenizer on the same tables: this thread has remembered nothing for it.
  const tokenizer = getEncoding('o200k_base').withSpecialTokens([`<|${bytes}|>`])
  const before = process.memoryUsage.rss()
  const ids = tokenizer.encode(words)
  return { ids, bytes: process.memoryUsage.rss() - before }
}

test.after(() => setCacheBytes(2 ** 26))

test('the ids do not depend on it, the memory does', (t) => {
  // The tables are made by the first long text.
  const expected = getEncoding('o200k_base').encode(words)
  const [few, many] = [taken(2 ** 16), taken(2 ** 26)]
  t.deepEqual(few.ids, expected)
  t.deepEqual(many.ids, expected)
  t.true(many.bytes - few.bytes > 2 ** 20, `${few.bytes} and ${many.bytes}`)
})

test('what is not a number of bytes is an error', (t) => {
  for (const bytes of [0, -1, 2 ** 16 - 1, 2 ** 16 + 0.5, Infinity, NaN, '65536', undefined, null] as number[])
    t.throws(() => setCacheBytes(bytes), { instanceOf: TokenmillError, code: 'ERR_INVALID_ARGUMENT' })
})
