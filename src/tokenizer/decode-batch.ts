import { TokenmillError } from '../errors.ts'
import { invalid, isGone, iterable } from '../validate.ts'
import { checkedDecodeOptions } from './arguments.ts'
import { TokenBatch, type DecodeOptions, type Tokenizer } from './tokenizer.ts'

/** `decodeBatch` of every tokenizer: row after row, as strings are made by the calling thread alone, which takes most of the time. */
export const decodeRows = (
  tokenizer: Pick<Tokenizer, 'decode'>,
  rows: Parameters<Tokenizer['decodeBatch']>[0],
  options: DecodeOptions | undefined,
): string[] => {
  const { strict, skipSpecialTokens } = checkedDecodeOptions(options)
  const own: DecodeOptions = { errors: strict ? 'strict' : 'replace', skipSpecialTokens }
  const texts: string[] = []
  for (const ids of checkedRows(rows)) {
    try {
      texts.push(tokenizer.decode(ids as Iterable<number>, own))
    } catch (error) {
      if (!(error instanceof TokenmillError)) throw error
      throw new TokenmillError(error.code, `rows[${texts.length}]: ${error.message}`, { cause: error })
    }
  }
  return texts
}

const checkedRows = (rows: unknown): Iterable<unknown> => {
  const expected = 'a TokenBatch or an array of ids of each text'
  const checked = iterable('rows', expected, rows)
  if (checked instanceof TokenBatch && (isGone(checked.ids) || isGone(checked.rowStarts)))
    throw invalid('rows', expected, rows)
  return checked
}
