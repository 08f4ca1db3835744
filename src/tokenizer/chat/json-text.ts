import { TokenmillError } from '../../errors.ts'

/**
 * How `JSON.stringify` refuses a value itself, in V8, JavaScriptCore and SpiderMonkey: what nests too deep or is too long, cycles, numbers that JSON has not,
 * and proxies that were revoked. All else was thrown by a getter or a `toJSON` of the caller.
 */
const refusals = [
  { kind: RangeError, words: /call stack|string length|memory/i, code: 'ERR_LIMIT', expected: 'nested less deep' },
  {
    kind: TypeError,
    words: /circular|cyclic|BigInt|revoked/i,
    code: 'ERR_INVALID_ARGUMENT',
    expected: 'that JSON has',
  },
] as const

/**
 * `value`, which is for `what`, as JSON in which lone surrogates, which UTF-8 has no form for, are U+FFFD; `null` when JSON has none of it.
 *
 * @throws what a getter or a `toJSON` of the caller throws, as it is
 */
export const jsonText = (value: unknown, what: string): string => {
  let text: string
  try {
    text = (JSON.stringify(value) as string | undefined) ?? 'null'
  } catch (error) {
    const refusal = refusals.find(({ kind, words }) => error instanceof kind && words.test(error.message))
    if (refusal === undefined) throw error
    const { code, expected } = refusal
    throw new TokenmillError(code, `expected values ${expected} for ${what}: ${(error as Error).message}`, {
      cause: error,
    })
  }
  // A backslash that is a text's own is written as two; they are passed over.
  return text.replace(/\\\\|\\ud[89a-f][0-9a-f]{2}/g, (escape) => (escape === '\\\\' ? escape : '�'))
}
