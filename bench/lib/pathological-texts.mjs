import { random } from './stats.mjs'
import { textOf } from './texts.mjs'

/*
 * What no person writes and every server gets: one piece as long as the text, or text of which nothing is in a word list.
 * Made from seeds, so the same everywhere.
 */

const fill = (bytes, seed, next) => {
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

/** Each of `bytes` bytes (at most three more), after the same 20 KB of ordinary text. */
export const pathologicalTexts = ({ bytes, warmUp }) => {
  const repeated = (character) => Buffer.alloc(bytes, character)
  return [
    textOf('a', repeated('a'), { warmUp }),
    textOf('space', repeated(' '), { warmUp }),
    textOf('newline', repeated('\n'), { warmUp }),
    textOf('random-letters', fill(bytes, 1, pick(letters)), { warmUp }),
    textOf('base64', fill(bytes, 2, pick(base64)), { warmUp }),
    textOf('random-unicode', fill(bytes, 3, codePoint), { warmUp }),
    textOf('emoji', fill(bytes, 4, pick(emoji)), { warmUp }),
  ]
}
