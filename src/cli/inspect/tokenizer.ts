import { loadTokenizer } from '../../tokenizer/load.ts'
import type { Tokenizer } from '../../tokenizer/tokenizer.ts'
import type { InspectFlags } from '../commands/inspect.ts'
import { write, writeJson } from '../output.ts'
import { integer } from '../terminal/format.ts'
import { aligned } from './aligned.ts'

/** Special tokens that are shown; `--json` has all. */
const most = 20

/** What the tokenizer in `file` is. */
export const inspectTokenizer = async (file: string, { pattern, json }: InspectFlags): Promise<void> => {
  const tokenizer = await loadTokenizer(file, pattern === undefined ? {} : { pattern })
  const { name, vocabSize, fingerprint, endOfTextId } = tokenizer
  const specialTokens = [...tokenizer.specialTokens].sort(([, a], [, b]) => a - b)
  if (json)
    return writeJson({
      ...{ name, vocabSize, tokens: tokensOf(tokenizer), fingerprint, endOfTextId: endOfTextId ?? null },
      specialTokens: Object.fromEntries(specialTokens),
    })
  const left = specialTokens.length - most
  await write(
    aligned([
      ['tokenizer', name],
      ['fingerprint', fingerprint],
      ['ids', `below ${integer(vocabSize)}, ${integer(tokensOf(tokenizer))} of them are tokens`],
      ['end of text', endOfTextId === undefined ? 'none' : String(endOfTextId)],
      ['special tokens', integer(specialTokens.length)],
      ...specialTokens.slice(0, most).map(([token, id]) => ['', `${id} ${token}`] as const),
      ...(left > 0 ? [['', `and ${integer(left)} more`] as const] : []),
    ]),
  )
}

const tokensOf = (tokenizer: Tokenizer): number => {
  let tokens = 0
  for (let id = 0; id < tokenizer.vocabSize; id++) if (tokenizer.idToBytes(id) !== undefined) tokens++
  return tokens
}
