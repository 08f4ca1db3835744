import { basename } from 'node:path'
import { callNative, fromNative, TokenmillError } from '../errors.ts'
import { native } from '../native.ts'
import { invalid, string } from '../validate.ts'
import { BpeTokenizer } from './bpe-tokenizer.ts'
import { checkedPattern, type PatternSource } from './pattern.ts'
import { checkedSpecialTokens, type SpecialTokenList } from './special-tokens.ts'
import { unshared } from './unshared.ts'

/** What a `.tiktoken` file does not say. */
export interface TiktokenOptions {
  /**
   * How text is split into pieces: a `.tiktoken` file does not say it, and none is guessed. Only for `.tiktoken` files, which need it.
   */
  readonly pattern?: PatternSource | undefined
  /**
   * Special tokens and their ids; those of an array follow the largest id of the file. Those with the same id are names of one token, which is
   * decoded to the first of them. Only for `.tiktoken` files.
   * @default none
   */
  readonly specialTokens?: SpecialTokenList | undefined
  /**
   * The name of the tokenizer. Only for `.tiktoken` files.
   * @default that of the file, without `.tiktoken`; `'tiktoken'` for bytes
   */
  readonly name?: string | undefined
}

/** Those of {@link TiktokenOptions}. */
export const tiktokenOptionNames = ['pattern', 'specialTokens', 'name'] as const

/** Carries an error about an option, as its cause, past those that are about the file. */
export class OptionError extends Error {}

/** The tokenizer of a `.tiktoken` file, the bytes of which come from what is called `source`. */
export const readTiktoken = async (
  bytes: Uint8Array,
  { pattern, specialTokens = {}, name }: TiktokenOptions,
  source: string,
): Promise<BpeTokenizer> => {
  const option = <T>(check: () => T): T => {
    try {
      return check()
    } catch (error) {
      throw new OptionError('', { cause: error })
    }
  }
  const [ownPattern, ownName] = option(() => {
    if (pattern === undefined) {
      throw invalid('options.pattern', 'the pattern of the tokenizer, which a .tiktoken file does not say,', pattern)
    }
    return [
      checkedPattern('options.pattern', pattern),
      name === undefined ? nameOf(source) : string('options.name', name),
    ]
  })
  let handle
  try {
    handle = await native().readTiktoken(unshared(bytes), ownPattern)
  } catch (error) {
    throw withoutArgument(fromNative(error))
  }
  return option(() => {
    const list = checkedSpecialTokens('options.specialTokens', specialTokens, handle.vocabSize)
    return new BpeTokenizer(ownName, list.length === 0 ? handle : callNative(() => handle.withSpecialTokens(list)))
  })
}

/** An error of the native reader: what it says about an argument is about an option. */
const withoutArgument = (error: unknown): unknown =>
  error instanceof TokenmillError && error.code === 'ERR_INVALID_ARGUMENT'
    ? new OptionError('', { cause: error })
    : error

const nameOf = (source: string): string =>
  source === 'the bytes' ? 'tiktoken' : basename(source).replace(/\.tiktoken$/, '')
