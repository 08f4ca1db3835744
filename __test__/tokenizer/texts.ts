import * as fc from 'fast-check'

/* Texts that are hard to cut. */

const pieces = [
  'Hello, world. ',
  "It’s the mill's wheel.\n",
  '我们在这里。',
  '<|endoftext|>',
  '👩‍👩‍👧',
  '🫠',
  'e\u0301',
  '\ud800',
  '\udc00',
  '\n\n',
  '  \t',
  '\r\n',
  "it's ",
  '1234',
  'aaaa',
  '\uFEFF',
  '# Head\n',
  '- item\n',
  '```\ncode\n```\n',
  '| a |\n|---|\n| b |\n',
  '<|',
]

/** Strings, lone surrogates among them. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc
    .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: 'binary', maxLength: 3 })), { maxLength: 14 })
    .map((parts) => parts.join('')),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 6 }).map((units) => String.fromCharCode(...units)),
)

/** Bytes, UTF-8 or not. */
export const anyBytes: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.oneof(
      fc.constantFrom('a', ' b', '中', '🫠', 'é').map(bytesOf),
      fc.uint8Array({ maxLength: 3 }),
      fc.constantFrom(0xe2, 0x82, 0xf0, 0x9f, 0xc3, 0xed).map((byte) => new Uint8Array([byte])),
    ),
    { maxLength: 10 },
  )
  .map((parts) => new Uint8Array(parts.flatMap((part) => [...part])))

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
