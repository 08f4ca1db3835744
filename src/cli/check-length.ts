import { CliFailure } from './failure.ts'

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
  throw new CliFailure(
    'ERR_TOO_SHORT',
    `${source === '-' ? 'the text' : source} has ${tokens} tokens; ${window} need at least ${needed}: pass a longer text` +
      (fitting > 0 ? `, or --context-length ${fitting} or less` : ''),
  )
}
