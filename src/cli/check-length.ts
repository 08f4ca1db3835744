import type { SplitName } from '../dataset/manifest.ts'
import { CliFailure } from './failure.ts'

/** What messages call the text of a file, or that of stdin or `--text`. */
export const textName = (file: string | undefined): string => (file === undefined || file === '-' ? 'the text' : file)

/** What messages call a split of the dataset in `folder`. */
export const splitName = (folder: string, split: SplitName): string => `the split ${split} of ${folder}`

/** Fails when `source`, which has `tokens`, has not the `needed` ones of a window of `contextLength`. */
export const checkLength = (
  source: string,
  tokens: number,
  contextLength: number,
  needed = contextLength + 1,
): void => {
  if (tokens >= needed) return
  const window = `windows of ${contextLength}${needed > contextLength ? ' and the next token' : ''}`
  const fitting = tokens - (needed - contextLength)
  const shorter = fitting > 0 ? `: pass --context-length ${fitting} or less, or more text` : ': pass more text'
  throw new CliFailure('ERR_TOO_SHORT', `${source} has ${tokens} tokens; ${window} need at least ${needed}${shorter}`)
}
