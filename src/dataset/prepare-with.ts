import { types } from 'node:util'
import { cancellable } from '../cancel.ts'
import { callNative, callNativeAsync } from '../errors.ts'
import { native } from '../native.ts'
import type { CancelFlag, PrepareConfig, PrepareResult, PrepareStatus } from '../native-binding.d.ts'
import type { SpecialTokenPolicy } from '../tokenizer/special-tokens.ts'
import type { TokenBatch, Tokenizer } from '../tokenizer/tokenizer.ts'
import { invalid } from '../validate.ts'
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
  const work = async (flag: CancelFlag | undefined) => {
    const session = new (native().PrepareSession)()
    const encode = async () => {
      try {
        for (let texts: string[] | null; (texts = await callNativeAsync(() => session.next())) !== null;) {
          const { ids, rowStarts } = checkedRows(tokenizer.encodeBatch(texts, options), texts.length)
          callNative(() => session.reply(ids, rowStarts))
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
    throw stop.reason(error)
  }
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
