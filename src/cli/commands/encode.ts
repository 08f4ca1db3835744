import { usageFailure } from '../failure.ts'
import { readInput } from '../input.ts'
import { encodeOptions, type Special } from '../options.ts'
import { write, writeLines, writeNumbers } from '../output.ts'
import { styleOf } from '../terminal/style.ts'
import { tokenLines } from '../terminal/token-view.ts'
import { visibleTokens } from '../terminal/visible.ts'
import { type TokenizerChoice, tokenizerOf } from '../tokenizer-of.ts'
import type { Text, Tokenizer } from '../../tokenizer/tokenizer.ts'

export interface EncodeFlags extends TokenizerChoice {
  readonly text?: string
  readonly special: Special
  readonly utf8: 'replace' | 'strict'
  readonly show?: boolean
  readonly offsets?: boolean
  readonly json?: boolean
  readonly color?: boolean
}

/** `tokenmill encode` */
export const encode = async (file: string | undefined, flags: EncodeFlags): Promise<void> => {
  if (flags.text !== undefined && file !== undefined) throw usageFailure('pass --text or a file, not both')
  if (flags.show && flags.json) throw usageFailure('pass --show or --json, not both')
  if (flags.show && flags.offsets) throw usageFailure('pass --show or --offsets, not both')
  const tokenizer = await tokenizerOf(flags)
  const text = flags.text ?? (await readInput(file)).bytes
  if (flags.offsets) return writeOffsets(tokenizer, text, flags)
  const ids = await tokenizer.encodeAsync(text, encodeOptions(flags))

  if (flags.json) {
    await write(`{"encoding":${JSON.stringify(tokenizer.name)},"count":${ids.length},"ids":[`)
    await writeNumbers(ids, ',')
    await write(']}\n')
  } else if (flags.show) {
    const style = styleOf(flags.color)
    await writeLines(tokenLines(style, visibleTokens(tokenizer, ids), style.columns, Infinity))
  } else {
    await writeNumbers(ids, ' ')
    await write('\n')
  }
}

/** A line `id start end` for each token, or all three as arrays of JSON. */
const writeOffsets = async (tokenizer: Tokenizer, text: Text, flags: EncodeFlags): Promise<void> => {
  const { ids, offsets, ends } = tokenizer.encodeWithOffsets(text, encodeOptions(flags))
  if (flags.json) {
    await write(`{"encoding":${JSON.stringify(tokenizer.name)},"count":${ids.length},"ids":[`)
    await writeNumbers(ids, ',')
    await write('],"offsets":[')
    await writeNumbers(offsets, ',')
    await write('],"ends":[')
    await writeNumbers(ends, ',')
    await write(']}\n')
    return
  }
  for (let from = 0; from < ids.length; from += 10_000) {
    const lines = Array.from(
      ids.subarray(from, from + 10_000),
      (id, index) => `${id} ${offsets[from + index]} ${ends[from + index]}\n`,
    )
    await write(lines.join(''))
  }
}
