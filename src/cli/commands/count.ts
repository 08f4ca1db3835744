import { usageFailure } from '../failure.ts'
import { readInput } from '../input.ts'
import { encodeOptions, type Special } from '../options.ts'
import { write, writeJson } from '../output.ts'
import { type TokenizerChoice, tokenizerOf } from '../tokenizer-of.ts'
import { countChatFile } from './count-chat.ts'

export interface CountFlags extends TokenizerChoice {
  readonly text?: string
  readonly chat?: string
  readonly special: Special
  readonly utf8: 'replace' | 'strict'
  readonly json?: boolean
}

/** `tokenmill count` */
export const count = async (files: readonly string[], flags: CountFlags): Promise<void> => {
  const { chat } = flags
  if (chat !== undefined) {
    if (flags.text !== undefined || files.length > 0) throw usageFailure('pass --chat, --text or files, not several')
    if (flags.encoding !== undefined) throw usageFailure('pass --model with --chat, not --encoding')
    if (flags.tokenizer !== undefined || flags.pattern !== undefined)
      throw usageFailure('pass --model with --chat, not --tokenizer')
    return countChatFile({ ...flags, chat })
  }
  if (flags.text !== undefined && files.length > 0) throw usageFailure('pass --text or files, not both')
  if (files.filter((file) => file === '-').length > 1) throw usageFailure('stdin (-) can be read once only')
  const tokenizer = await tokenizerOf(flags)
  const counted: { file: string | null; tokens: number; bytes: number }[] = []
  // One after another: at most one text is in memory.
  for (const file of flags.text === undefined && files.length === 0 ? [undefined] : files) {
    const { name, bytes } = await readInput(file)
    counted.push({ file: name, tokens: tokenizer.count(bytes, encodeOptions(flags)), bytes: bytes.length })
  }
  if (flags.text !== undefined) {
    const { text } = flags
    counted.push({ file: null, tokens: tokenizer.count(text, encodeOptions(flags)), bytes: Buffer.byteLength(text) })
  }

  const tokens = counted.reduce((sum, each) => sum + each.tokens, 0)
  if (flags.json) return writeJson({ encoding: tokenizer.name, tokens, texts: counted })
  if (counted.length === 1) return write(`${tokens}\n`)
  const columns = String(tokens).length
  for (const each of counted) await write(`${String(each.tokens).padStart(columns)}  ${each.file}\n`)
  await write(`${tokens}  total\n`)
}
