import test from 'ava'
import * as fc from 'fast-check'
import { encodingNames, getEncoding } from '../../src/tokenizer/encodings.ts'
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { Vocabulary } from '../../src/tokenizer/vocabulary.ts'
import { WordTokenizer } from '../../src/tokenizer/word-tokenizer.ts'
import { anyBytes, anyText, bytesOf } from './texts.ts'

const words = new WordTokenizer(Vocabulary.fromText('Hello, world. And more <|endoftext|> words! 我们'))
const halves = new WordTokenizer(Vocabulary.fromText('ab', { split: /(?:)/ }), { name: 'half characters' })
const tokenizers: readonly Tokenizer[] = [...encodingNames.map(getEncoding), words, halves]
const o200k = getEncoding('o200k_base')
const plain = { disallowedSpecial: [] } as const

/** What each token is of. */
const parts = (tokenizer: Tokenizer, text: string): string[] => {
  const { offsets, ends } = tokenizer.encodeWithOffsets(text)
  return Array.from(ends, (end, index) => text.slice(offsets[index], end))
}

for (const tokenizer of tokenizers) {
  test(`${tokenizer.name}: the ids are those of encode`, (t) => {
    fc.assert(
      fc.property(fc.oneof(anyText, anyBytes), (text) => {
        const { ids, offsets, ends } = tokenizer.encodeWithOffsets(text, plain)
        t.deepEqual(ids, tokenizer.encode(text, plain))
        t.is(offsets.length, ids.length + 1)
        t.is(offsets.at(-1), text.length)
        t.is(ends.length, ids.length)
      }),
    )
  })

  test(`${tokenizer.name}: bytes of a well-formed text have the same tokens at the same characters`, (t) => {
    fc.assert(
      fc.property(anyText, (text) => {
        const read = Buffer.from(text).toString()
        const ofString = tokenizer.encodeWithOffsets(read, { ...plain, byteOffsets: true })
        const ofBytes = tokenizer.encodeWithOffsets(bytesOf(read), { ...plain, byteOffsets: true })
        const inBytes = (places: Uint32Array) => places.map((place) => Buffer.byteLength(read.slice(0, place)))
        t.deepEqual(inBytes(ofString.offsets), ofBytes.offsets)
        t.deepEqual(inBytes(ofString.ends), ofBytes.ends)
        t.deepEqual(ofString.byteOffsets, ofBytes.byteOffsets)
        t.deepEqual(ofString.byteEnds, ofBytes.byteEnds)
      }),
    )
  })

  test(`${tokenizer.name}: invalid bytes are found where they are`, (t) => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        // Each character of the text with the bytes that it was read from, by trying every end.
        const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
        const text = decoder.decode(bytes)
        const byteOf = new Map<number, number>([[0, 0]])
        let [at, unit] = [0, 0]
        for (const character of text) {
          let end = at + 1
          // The longest row of bytes that is this character and leaves the rest as it is.
          while (decoder.decode(bytes.subarray(at, end)) + decoder.decode(bytes.subarray(end)) !== text.slice(unit))
            end++
          if (character === '\ufffd') {
            while (
              end < bytes.length &&
              decoder.decode(bytes.subarray(at, end + 1)) === character &&
              decoder.decode(bytes.subarray(end + 1)) === text.slice(unit + 1)
            )
              end++
          }
          at = end
          unit += character.length
          byteOf.set(unit, at)
        }
        const ofText = tokenizer.encodeWithOffsets(text, plain)
        const ofBytes = tokenizer.encodeWithOffsets(bytes, plain)
        t.deepEqual(ofBytes.ids, ofText.ids)
        t.deepEqual(
          [...ofBytes.offsets],
          Array.from(ofText.offsets, (place) => byteOf.get(place)),
        )
        t.deepEqual(
          [...ofBytes.ends],
          Array.from(ofText.ends, (place) => byteOf.get(place)),
        )
      }),
    )
  })
}

for (const tokenizer of encodingNames.map(getEncoding)) {
  test(`${tokenizer.name}: byte offsets are where the bytes of tokens are`, (t) => {
    fc.assert(
      fc.property(anyText, (text) => {
        const { ids, byteOffsets, byteEnds } = tokenizer.encodeWithOffsets(text, { ...plain, byteOffsets: true })
        const bytes = bytesOf(text)
        for (const [index, id] of ids.entries()) {
          t.deepEqual(
            bytes.slice(byteOffsets?.[index], byteEnds?.[index]),
            new Uint8Array(tokenizer.idToBytes(id) as Uint8Array),
          )
        }
        t.is(byteOffsets?.at(-1), bytes.length)
      }),
    )
  })

  test(`${tokenizer.name}: no token cuts a character, and together they have all`, (t) => {
    fc.assert(
      fc.property(anyText, (text) => {
        const { offsets, ends } = tokenizer.encodeWithOffsets(text, plain)
        let covered = 0
        for (const [index, end] of ends.entries()) {
          const start = offsets[index] as number
          t.true(start <= covered && start < end)
          t.is((text.slice(0, start) + '|' + text.slice(start)).toWellFormed().length, text.length + 1)
          covered = end
          t.true(
            Buffer.byteLength(text.slice(start, end)) >=
              (tokenizer.idToBytes(tokenizer.encodeOrdinary(text)[index] as number)?.length as number),
          )
        }
        t.is(covered, text.length)
      }),
    )
  })
}

test('tokens of one character all have it', (t) => {
  t.deepEqual(parts(o200k, 'a🫠b'), ['a', '🫠', '🫠', '🫠', 'b'])
  t.deepEqual(parts(o200k, '\ud800x'), ['\ud800', 'x'])
  t.deepEqual(parts(o200k, 'e\u0301 don’t'), ['e', '\u0301', ' don', '’t'])
})

test('bytes that are not UTF-8 are of the token of their U+FFFD', (t) => {
  const { offsets, ends } = o200k.encodeWithOffsets(new Uint8Array([0x61, 0xe2, 0x82, 0x20, 0x62]))
  t.deepEqual(
    [[...offsets], [...ends]],
    [
      [0, 1, 3, 5],
      [1, 3, 5],
    ],
  )
})

test('words that a RegExp cuts a character for all have it', (t) => {
  t.deepEqual(parts(halves, '🙂ab'), ['🙂', '🙂', 'a', 'b'])
  for (const text of ['🙂ab', Buffer.from('🙂ab')]) {
    const { byteOffsets, byteEnds } = halves.encodeWithOffsets(text, { byteOffsets: true })
    t.deepEqual(byteOffsets, Uint32Array.of(0, 0, 4, 5, 6))
    t.deepEqual(byteEnds, Uint32Array.of(4, 4, 5, 6))
  }
})

test('words have the white space between them in no token', (t) => {
  t.deepEqual(parts(words, ' Hello,  我们 world'), ['Hello', ',', '我们', 'world'])
})

test('special tokens follow the options of encode', (t) => {
  const text = 'a<|endoftext|>b'
  t.throws(() => o200k.encodeWithOffsets(text), { code: 'ERR_SPECIAL_TOKEN' })
  t.throws(() => words.encodeWithOffsets(text), { code: 'ERR_SPECIAL_TOKEN' })
  for (const tokenizer of [o200k, words]) {
    const { offsets, ends } = tokenizer.encodeWithOffsets(text, { allowedSpecial: 'all' })
    t.deepEqual([offsets[1], ends[1]], [1, 14])
  }
})

test('a wrong option is named', (t) => {
  for (const tokenizer of [o200k, words]) {
    t.throws(() => tokenizer.encodeWithOffsets('a', { byteOffsets: 1 as never }), {
      message: 'expected a boolean for options.byteOffsets, received 1',
    })
    t.throws(() => tokenizer.encodeWithOffsets(1 as never), { code: 'ERR_INVALID_ARGUMENT' })
    t.throws(() => tokenizer.encodeWithOffsets(new Uint8Array([0xff]), { utf8: 'strict' }), {
      code: 'ERR_INVALID_UTF8',
    })
  }
})
