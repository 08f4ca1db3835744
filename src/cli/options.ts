import { type Command, InvalidArgumentError, Option } from 'commander'
import { getEncoding } from '../tokenizer/encodings.ts'
import { encodingForModel } from '../tokenizer/models.ts'
import type { EncodeOptions, Tokenizer } from '../tokenizer/tokenizer.ts'
import { usageFailure } from './failure.ts'

/** The encoding of a command that names none. */
export const defaultEncoding = 'o200k_base'

/** What a special token in a text is: plain text, an error, or the special token. */
export type Special = 'text' | 'throw' | 'parse'

/** Options that more than one command has. */
export const shared = {
  encoding: () => new Option('-e, --encoding <name>', `the encoding (default: ${defaultEncoding})`),
  model: () => new Option('-m, --model <name>', 'the encoding of this model, as in gpt-4o'),
  tokenizer: () =>
    new Option(
      '--tokenizer <file>',
      'the tokenizer of a file (tokenizer.json, .tiktoken, vocabulary.json), or of the folder of a model',
    ),
  pattern: () =>
    new Option(
      '-p, --pattern <pattern>',
      'pre-tokenization pattern of a .tiktoken file, which does not contain it: a name, as in cl100k, or a regular expression',
    ),
  special: (byDefault: Special) =>
    new Option('--special <how>', 'special tokens in the text: plain text, an error, or parsed')
      .choices(['text', 'throw', 'parse'])
      .default(byDefault),
  utf8: (byDefault: 'replace' | 'strict') =>
    new Option('--utf8 <how>', 'invalid UTF-8: replace by U+FFFD, or fail')
      .choices(['replace', 'strict'])
      .default(byDefault),
  json: () => new Option('--json', 'print JSON'),
  text: () => new Option('-t, --text <text>', 'the text itself, instead of a file'),
}

/** Which of a command's flags stand on the command line, as in `--batch-size`: those that have a default can be told in no other way. */
export const givenFlags = (command: Command): ReadonlySet<string> =>
  new Set(
    command.options.flatMap((option) =>
      command.getOptionValueSource(option.attributeName()) === 'cli' ? [option.long ?? ''] : [],
    ),
  )

/** What says how a text is read. */
export const textFlags = ['--special', '--utf8'] as const

/** Why a dataset takes none of these. */
export const forText = 'is for a text: what a dataset holds was encoded by `prepare`'

/** Refuses the first of `flags` that was given and would do nothing; `why` says what they are for. */
export const refuseGiven = (given: ReadonlySet<string>, flags: readonly string[], why: string): void => {
  const useless = flags.find((flag) => given.has(flag))
  if (useless !== undefined) throw usageFailure(`${useless} ${why}`)
}

/** Which tokenizer was asked for. */
export interface EncodingChoice {
  readonly encoding?: string
  readonly model?: string
}

/** The tokenizer that `--encoding` or `--model` names. */
export const chosenTokenizer = ({ encoding, model }: EncodingChoice): Tokenizer => {
  if (encoding !== undefined && model !== undefined) throw usageFailure('pass --encoding or --model, not both')
  return model === undefined ? getEncoding(encoding ?? defaultEncoding) : encodingForModel(model)
}

/** The library's options for `--special` and `--utf8`. */
export const encodeOptions = ({ special, utf8 }: { special: Special; utf8: 'replace' | 'strict' }): EncodeOptions => ({
  ...specialOptions[special],
  utf8,
})

/** The library's options for `--special`. */
export const specialOptions: Readonly<Record<Special, EncodeOptions>> = {
  text: { disallowedSpecial: [] },
  throw: { disallowedSpecial: 'all' },
  parse: { allowedSpecial: 'all' },
}

/** A parser of option values: an integer of at least `min`. */
export const integer =
  (min: number) =>
  (value: string): number => {
    const number = Number(value)
    if (!/^\d+$/.test(value) || !Number.isSafeInteger(number) || number < min) {
      throw new InvalidArgumentError(`Expected an integer ≥ ${min}.`)
    }
    return number
  }
