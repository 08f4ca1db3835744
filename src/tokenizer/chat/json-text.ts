import { TokenmillError } from '../../errors.ts'

/** `value`, which is for `what`, as JSON in which lone surrogates, which UTF-8 has no form for, are U+FFFD; `null` when JSON has none of it. */
export const jsonText = (value: unknown, what: string): string => {
  let text: string
  try {
    text = (JSON.stringify(value) as string | undefined) ?? 'null'
  } catch (error) {
    const [code, kind] =
      error instanceof RangeError
        ? (['ERR_LIMIT', 'nested less deep'] as const)
        : (['ERR_INVALID_ARGUMENT', 'that JSON has'] as const)
    throw new TokenmillError(code, `expected values ${kind} for ${what}: ${(error as Error).message}`, { cause: error })
  }
  // A backslash that is a text's own is written as two; they are passed over.
  return text.replace(/\\\\|\\ud[89a-f][0-9a-f]{2}/g, (escape) => (escape === '\\\\' ? escape : '�'))
}
