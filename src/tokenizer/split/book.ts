import type { Steps } from '../../event-loop.ts'
import { whiteSpace, type Emit } from './white-space.ts'

const [inWord, space, mark, dash] = [0, 1, 2, 3]
const dashUnit = 0x2d

/** What each UTF-16 code unit is to this rule. A copy, as making it unit by unit would take 20 ms of every start. */
const classes = whiteSpace.slice()
for (const char of ',.:;?_!"()\'') classes[char.charCodeAt(0)] = mark
classes[dashUnit] = dash

/** Code units per step: about a millisecond. */
const stepUnits = 1 << 16

/**
 * The words of "Build a Large Language Model (From Scratch)", chapter 2: what Python's
 * `re.split(r'([,.:;?_!"()\']|--|\s)', text)` gives, stripped, without the empty. Marks and `--` are words.
 */
export function* splitBook(text: string, emit: Emit): Steps<void> {
  for (let at = 0; at < text.length; yield) at = scan(text, at, at + stepUnits, emit)
}

/** Emits words from `at`, where no word is open, until one ends at or after `until`; returns where that is. */
const scan = (text: string, at: number, until: number, emit: Emit): number => {
  const length = text.length
  let start = at
  for (let index = at; index < length; index++) {
    const unit = text.charCodeAt(index)
    const kind = classes[unit]
    if (kind === inWord || (kind === dash && text.charCodeAt(index + 1) !== dashUnit)) continue
    if (start < index) emit(text, start, index, start)
    start = index + (kind === dash ? 2 : 1)
    if (kind !== space) emit(text, index, start, index)
    index = start - 1
    if (start >= until) return start
  }
  if (start < length) emit(text, start, length, start)
  return length
}
