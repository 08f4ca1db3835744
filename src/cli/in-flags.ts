/*
 * The library's messages name its own options, which nobody passed on a command line. Here they become the flags that were, or can be, passed; only
 * those that the command has.
 */

/** `message` of the library, with its options as `flags`, those of a command: `--shard-tokens` for `options.shardTokens`. */
export const inFlags = (message: string, flags: ReadonlySet<string>): string => {
  const advised = advice.reduce(
    (text, [said, flag, instead]) => (flags.has(flag) ? text.replace(said, () => instead) : text),
    message,
  )
  return advised.replace(optionName, (name: string, ofOptions?: string) => flagOf(ofOptions ?? name, flags) ?? name)
}

/** What the library advises, the flag that does it, and what is said of the flag. */
const advice: readonly (readonly [said: RegExp, flag: string, instead: string])[] = [
  [/(?<=pass )allowedSpecial: \[.*\](?=; to encode it as plain text)/s, '--special', '--special parse'],
  [/(?<=pass )disallowedSpecial: \[\]( or use encodeOrdinary)?$/, '--special', '--special text'],
  [/; strings of the source are paths and globs, texts go in \{ texts \}$/, '--input-format', ''],
  [/with `?resume: false`?/, '--no-resume', 'with --no-resume'],
  [/(?<=use )encodingForModel/, '--model', '--model'],
  [/(?<=use )getEncoding/, '--encoding', '--encoding'],
  [/(?<=an id or )null(?= for options\.separator\b)/, '--separator', 'none'],
  [/\boptions\.(?=inputs\b)/, '--out', ''],
  [/options\.tokenizer\b/, '--encoding', '--tokenizer, --encoding or --model'],
]

/** `options.name` or, after a preposition, a name that is told from other words by a capital letter. */
const optionName = /\boptions\.(\w+(?:\.\w+)?)|(?<=\b(?:for|of) )[a-z]+[A-Z]\w*/g

/** Options whose flag is not called as they are. */
const otherNames: Readonly<Record<string, string>> = {
  outDir: '--out',
  concurrency: '--threads',
  specialTokens: '--special',
  memoryLimit: '--memory',
  onInvalidUtf8: '--utf8',
  format: '--input-format',
  'inputFormat.separator': '--document-separator',
  'split.validation': '--validation',
  'split.seed': '--seed',
  'checkpoint.path': '--checkpoint',
  'checkpoint.everySteps': '--checkpoint-steps',
}

const flagOf = (option: string, flags: ReadonlySet<string>): string | undefined => {
  const same = `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  return [same, otherNames[option]].find((flag) => flag !== undefined && flags.has(flag))
}
