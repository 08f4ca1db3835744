import { usageFailure } from '../failure.ts'
import { readInput } from '../input.ts'
import { chosenTokenizer, encodeOptions, type EncodingChoice, type Special } from '../options.ts'
import { write, writeNumbers } from '../output.ts'
import { styleOf } from '../terminal/style.ts'
import { tokenLines } from '../terminal/token-view.ts'
import { visibleToken } from '../terminal/visible.ts'

export interface EncodeFlags extends EncodingChoice {
  readonly text?: string
  readonly special: Special
  readonly utf8: 'replace' | 'strict'
  readonly show?: boolean
  readonly json?: boolean
  readonly color?: boolean
}

/** `tokenmill encode` */
export const encode = async (file: string | undefined, flags: EncodeFlags): Promise<void> => {
  if (flags.text !== undefined && file !== undefined) throw usageFailure('pass --text or a file, not both')
  if (flags.show && flags.json) throw usageFailure('pass --show or --json, not both')
  const tokenizer = chosenTokenizer(flags)
  const text = flags.text ?? (await readInput(file)).bytes
  const ids = await tokenizer.encodeAsync(text, encodeOptions(flags))

  if (flags.json) {
    await write(`{"encoding":${JSON.stringify(tokenizer.name)},"count":${ids.length},"ids":[`)
    await writeNumbers(ids, ',')
    await write(']}\n')
  } else if (flags.show) {
    const style = styleOf(flags.color)
    const tokens = Array.from(ids, (id) => visibleToken(tokenizer, id))
    await write(`${tokenLines(style, tokens, style.columns, Infinity).join('\n')}\n`)
  } else {
    await writeNumbers(ids, ' ')
    await write('\n')
  }
}
