import { loadTokenizer } from '../tokenizer/load.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { usageFailure } from './failure.ts'
import { chosenTokenizer, type EncodingChoice } from './options.ts'

/** Which tokenizer was asked for: one of ours, or a file. */
export interface TokenizerChoice extends EncodingChoice {
  readonly tokenizer?: string
}

/** The tokenizer of `--tokenizer FILE`, `--encoding` or `--model`. */
export const tokenizerOf = async ({ tokenizer, ...choice }: TokenizerChoice): Promise<Tokenizer> => {
  if (tokenizer === undefined) return chosenTokenizer(choice)
  if (choice.encoding !== undefined || choice.model !== undefined)
    throw usageFailure('pass --tokenizer, --encoding or --model, not several')
  return loadTokenizer(tokenizer)
}
