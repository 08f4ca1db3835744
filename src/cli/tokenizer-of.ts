import { loadTokenizer } from '../tokenizer/load.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { usageFailure } from './failure.ts'
import { pathOrBytes } from './input.ts'
import { chosenTokenizer, type EncodingChoice } from './options.ts'

/** Which tokenizer was asked for: one of ours, or a file. */
export interface TokenizerChoice extends EncodingChoice {
  readonly tokenizer?: string
  /** Of a `.tiktoken` file. */
  readonly pattern?: string
}

/** The tokenizer of `--tokenizer FILE`, `--encoding` or `--model`; without any, the default encoding. */
export const tokenizerOf = async ({ tokenizer, pattern, ...choice }: TokenizerChoice): Promise<Tokenizer> => {
  if (tokenizer === undefined) {
    if (pattern !== undefined) throw usageFailure('--pattern is for the .tiktoken file of --tokenizer')
    return chosenTokenizer(choice)
  }
  if (choice.encoding !== undefined || choice.model !== undefined)
    throw usageFailure('pass --tokenizer, --encoding or --model, not several')
  return loadTokenizer(await pathOrBytes(tokenizer), pattern === undefined ? {} : { pattern })
}

/** {@link tokenizerOf}, `undefined` when none was asked for. */
export const namedTokenizer = async (choice: TokenizerChoice): Promise<Tokenizer | undefined> => {
  const { tokenizer, encoding, model, pattern } = choice
  return [tokenizer, encoding, model, pattern].every((each) => each === undefined) ? undefined : tokenizerOf(choice)
}
