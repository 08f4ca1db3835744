import { types } from 'node:util'
import { cancellable } from '../cancel.ts'
import { callNative, callNativeAsync, TokenmillError } from '../errors.ts'
import { native } from '../native.ts'
import type { CancelFlag, PrepareConfig, PrepareResult, PrepareStatus } from '../native-binding.d.ts'
import type { SpecialTokenPolicy } from '../tokenizer/special-tokens.ts'
import type { EncodeOptions, TokenBatch, Tokenizer } from '../tokenizer/tokenizer.ts'
import { invalid, membersOf } from '../validate.ts'
import { Stop } from '../watching.ts'

/** What `prepare` does, with a tokenizer whose ids are made here: it may be one of the caller's own. What it throws is the error. */
export const prepareWith = async (
  tokenizer: Tokenizer,
  { allowed, disallowed }: SpecialTokenPolicy,
  config: PrepareConfig,
  status: PrepareStatus,
  { signal, untilEnded }: { readonly signal: AbortSignal; readonly untilEnded: boolean },
): Promise<PrepareResult> => {
  const options = { allowedSpecial: allowed, disallowedSpecial: disallowed, addSpecialTokens: false }
  // A failure here ends the native side too, which waits for ids.
  const stop = new Stop(signal)
  const refusals: Refusal[] = []
  const work = async (flag: CancelFlag | undefined) => {
    const session = new (native().PrepareSession)()
    const encode = async () => {
      try {
        for (let texts: string[] | null; (texts = await callNativeAsync(() => session.next())) !== null;) {
          const batch = encodedOrRefused(tokenizer, texts, options)
          if (isRefusal(batch)) {
            refusals.push(batch)
            callNative(() => session.refuse(batch.refused, batch.reason))
          } else {
            const { ids, rowStarts } = checkedRows(batch, texts.length)
            callNative(() => session.reply(ids, rowStarts))
          }
        }
      } catch (error) {
        stop.fail(error)
      }
    }
    const [result] = await Promise.all([session.run(config, status, flag), encode()])
    return result
  }
  try {
    return await cancellable(stop.signal, work, { untilEnded })
  } catch (error) {
    throw inItsCode(stop.reason(error), refusals)
  }
}

/** Which text of a batch has no ids, and why. */
interface Refusal {
  readonly refused: number
  readonly reason: string
  readonly error: TokenmillError
}

const isRefusal = (batch: unknown): batch is Refusal => membersOf<Refusal>(batch).error instanceof TokenmillError

/** The ids of `texts`, or which of them is refused by an error of ours. What else a tokenizer throws is thrown, and says nothing of one text. */
const encodedOrRefused = (tokenizer: Tokenizer, texts: readonly string[], options: EncodeOptions): unknown => {
  try {
    return tokenizer.encodeBatch(texts, options)
  } catch (error) {
    const refusal = error instanceof TokenmillError ? refusalOf(tokenizer, texts, options) : undefined
    if (refusal === undefined) throw error
    return refusal
  }
}

const refusalOf = (tokenizer: Tokenizer, texts: readonly string[], options: EncodeOptions): Refusal | undefined => {
  for (const [refused, text] of texts.entries()) {
    try {
      tokenizer.encodeBatch([text], options)
    } catch (error) {
      if (!(error instanceof TokenmillError)) return undefined
      return { refused, reason: error.message.replaceAll('texts[0]', 'the document'), error }
    }
  }
  return undefined
}

/** `error`, which names file and line of a document that was refused, with the code of why. */
const inItsCode = (error: unknown, refusals: readonly Refusal[]): unknown => {
  if (!(error instanceof TokenmillError)) return error
  const refusal = refusals.find(({ reason }) => error.message.endsWith(`: ${reason}`))
  return refusal === undefined ? error : new TokenmillError(refusal.error.code, error.message, { cause: refusal.error })
}

/** `batch` when it is the ids of `count` texts. That each is below the `vocabSize` is seen where it is written. */
const checkedRows = (batch: unknown, count: number): Pick<TokenBatch, 'ids' | 'rowStarts'> => {
  const { ids, rowStarts } = (batch ?? {}) as Partial<TokenBatch>
  const what = (name: string) => `${name} of encodeBatch of options.tokenizer`
  if (!types.isUint32Array(ids)) throw invalid(what('ids'), 'a Uint32Array', ids)
  if (!types.isUint32Array(rowStarts) || rowStarts.length !== count + 1)
    throw invalid(what('rowStarts'), `a Uint32Array of ${count + 1}`, rowStarts)
  if (rowStarts[0] !== 0 || rowStarts[count] !== ids.length || rowStarts.some(isBefore))
    throw invalid(what('rowStarts'), `places in order, from 0 to ${ids.length},`, [...rowStarts.subarray(0, 8)].join())
  return { ids, rowStarts }
}

const isBefore = (start: number, row: number, starts: Uint32Array): boolean =>
  row > 0 && start < (starts[row - 1] as number)
