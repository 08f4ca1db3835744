import { random } from './stats.mjs'
import { textOf } from './texts.mjs'

/*
 * What no person writes and every server gets: one piece as long as the text, or text of which nothing is in a word list.
 * Made from seeds, so the same everywhere.
 */

const MiB = 2 ** 20

/* In blocks of 1 MiB, so that a long text begins as a short one does. */
const fill = (bytes, seed, next) => {
  const blocks = []
  for (let left = bytes, block = 0; left > 0; block++) {
    blocks.push(fillBlock(Math.min(left, MiB), seed + 1000 * block, next))
    left -= blocks.at(-1).length
  }
  return Buffer.concat(blocks)
}

const fillBlock = (bytes, seed, next) => {
  const uniform = random(seed)
  const parts = []
  for (let length = 0; length < bytes; length += Buffer.byteLength(parts.at(-1))) parts.push(next(uniform))
  return Buffer.from(parts.join(''))
}

const pick = (items) => (uniform) => items[Math.floor(uniform() * items.length)]

const letters = [...'abcdefghijklmnopqrstuvwxyz']
const base64 = [...letters, ...letters.map((letter) => letter.toUpperCase()), ...'0123456789+/']
const emoji = Array.from({ length: 0x600 }, (_, i) => String.fromCodePoint(0x1f300 + i)).filter((character) =>
  /\p{Extended_Pictographic}/u.test(character),
)

/* Any code point that text can have, assigned or not. */
const codePoint = (uniform) => {
  const code = Math.floor(uniform() * (0x110000 - 0x800))
  return String.fromCodePoint(code < 0xd800 ? code : code + 0x800)
}

const repeated = (character) => (bytes) => Buffer.alloc(bytes, character)
const filled = (seed, next) => (bytes) => fill(bytes, seed, next)

/** What there is, each with what makes so many bytes of it (at most three more). */
export const kinds = [
  { name: 'a', make: repeated('a') },
  { name: 'space', make: repeated(' ') },
  { name: 'newline', make: repeated('\n') },
  { name: 'random-letters', make: filled(1, pick(letters)) },
  { name: 'base64', make: filled(2, pick(base64)) },
  { name: 'random-unicode', make: filled(3, codePoint) },
  { name: 'emoji', make: filled(4, pick(emoji)) },
  { name: 'digits', make: filled(5, pick([...'0123456789'])) },
]

/** One of them, after 20 KB of ordinary text. */
export const pathologicalText = ({ name, make }, { bytes, warmUp, name: called = name }) =>
  textOf(called, make(bytes), { warmUp })

/** Each of `bytes` bytes, after the same 20 KB of ordinary text. */
export const pathologicalTexts = (options) => kinds.map((kind) => pathologicalText(kind, options))
