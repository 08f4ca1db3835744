/*
 * What to show of a text that may be long.
 */

const scripts = [
  'Latin',
  'Greek',
  'Cyrillic',
  'Han',
  'Hiragana',
  'Katakana',
  'Hangul',
  'Arabic',
  'Hebrew',
  'Devanagari',
  'Thai',
].map((name) => new RegExp(`\\p{Script=${name}}`, 'u'))
const emoji = /\p{Emoji_Presentation}/u

/** The line with the most scripts in it, emoji being one, among those of a length that can be shown; none if all is in one script. */
export const colourfulLine = (text: string): { readonly line: number; readonly text: string } | undefined => {
  let best: { line: number; text: string } | undefined
  let most = 1
  for (const [index, line] of text.slice(0, searched).split('\n').entries()) {
    if (line.length < 20 || line.length > 400) continue
    const found = scripts.filter((script) => script.test(line)).length + (emoji.test(line) ? 1 : 0)
    if (found > most) [best, most] = [{ line: index + 1, text: line }, found]
  }
  return best
}

/* UTF-16 code units of the text that are searched. */
const searched = 1_000_000

/** The first lines that are not blank. */
export const firstLines = (text: string, count: number): string[] => {
  const lines: string[] = []
  for (let start = 0; start < text.length && lines.length < count;) {
    const end = text.indexOf('\n', start)
    const line = text.slice(start, end < 0 ? text.length : end)
    if (line.trim() !== '') lines.push(line.slice(0, 200))
    start = end < 0 ? text.length : end + 1
  }
  return lines
}

/** Code points and lines; a last line without its end is a line. */
export const textSizes = (text: string): { readonly characters: number; readonly lines: number } => {
  let [characters, lines] = [text.length, 0]
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit === 10) lines++
    // Text decoded from UTF-8 has no surrogate alone: each low one ends a pair.
    else if ((unit & 0xfc00) === 0xdc00) characters--
  }
  return { characters, lines: text === '' || text.endsWith('\n') ? lines : lines + 1 }
}
