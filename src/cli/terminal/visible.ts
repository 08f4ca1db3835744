import type { Tokenizer } from '../../tokenizer/tokenizer.ts'

const named: Readonly<Record<string, string>> = {
  ' ': '·',
  '\n': '↵',
  '\r': '␍',
  '\t': '→',
  '\u00a0': '⍽',
  '\u3000': '□',
}

/* Controls, formats, other white space: what a terminal would obey or not show. */
const hidden = /[\p{Cc}\p{Cf}\p{Zs}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}]/gu
const startsWithMark = /^[\p{M}\ufe0f]/u
const endsWithEmoji = /\p{Emoji}[\ufe0f\p{Emoji_Modifier}]?$/u
const startsWithEmoji = /^\p{Emoji}/u

/** `text` with what cannot be seen made visible: `·` a space, `↵` a line end, `→` a tab, `U+200B` anything else. */
export const visible = (text: string): string => {
  const shown = text.replace(hidden, (character, at: number) =>
    character === '\u200d' && endsWithEmoji.test(text.slice(0, at)) && startsWithEmoji.test(text.slice(at + 1))
      ? character // it joins two emoji into one picture
      : (named[character] ?? `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`),
  )
  // A mark without its letter would join whatever the terminal shows before it.
  return startsWithMark.test(shown) ? `◌${shown}` : shown
}

const controls = /\p{Cc}/gu

/** `text` of a file or a name as one line that a terminal only shows: `\\n` for a line end, `\\u001b` for what would start a command. */
export const escaped = (text: string): string =>
  text.replace(controls, (control) => {
    const inJson = JSON.stringify(control).slice(1, -1)
    return inJson === control ? `\\u00${control.charCodeAt(0).toString(16)}` : inJson
  })

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Token `id` as a person can read it; bytes that are a part of a character are `⟨f0 9f⟩`. */
export const visibleToken = (tokenizer: Tokenizer, id: number): string =>
  visibleBytes(tokenizer.idToBytes(id) ?? new Uint8Array())

/** {@link visibleToken} of each of `ids`, when it is asked for; those that come again are kept. */
export function* visibleTokens(tokenizer: Tokenizer, ids: Iterable<number>): Generator<string, void> {
  const known = new Map<number, string>()
  for (const id of ids) {
    let shown = known.get(id)
    if (shown === undefined) known.set(id, (shown = visibleToken(tokenizer, id)))
    yield shown
  }
}

/** Whole characters as in {@link visible}, the bytes of broken ones in hexadecimal. */
export const visibleBytes = (bytes: Uint8Array): string => {
  let shown = ''
  let whole = 0 // where the whole characters before `at` start
  const loose: string[] = []
  const flushLoose = () => {
    if (loose.length > 0) shown += `⟨${loose.splice(0).join(' ')}⟩`
  }
  for (let at = 0; at < bytes.length;) {
    const length = characterLength(bytes, at)
    if (length > 0) {
      flushLoose()
      at += length
    } else {
      if (loose.length === 0) shown += visible(strict.decode(bytes.subarray(whole, at)))
      loose.push((bytes[at++] as number).toString(16).padStart(2, '0'))
      whole = at
    }
  }
  flushLoose()
  return shown + visible(strict.decode(bytes.subarray(whole)))
}

/* The length of the character that starts at `at`; 0 when none does. */
const characterLength = (bytes: Uint8Array, at: number): number => {
  const first = bytes[at] as number
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  try {
    strict.decode(bytes.subarray(at, at + length))
    return length
  } catch {
    return 0
  }
}
