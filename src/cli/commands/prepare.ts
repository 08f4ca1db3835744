import type { DatasetFormat, InputFormat, Manifest, SplitManifest, SplitName } from '../../dataset/manifest.ts'
import { prepare as prepareDataset, type PrepareProgress } from '../../dataset/prepare.ts'
import { usageFailure } from '../failure.ts'
import { interruptible } from '../interrupt.ts'
import { specialOptions, type Special } from '../options.ts'
import { write, writeJson } from '../output.ts'
import { bytes, integer, time } from '../terminal/format.ts'
import { ProgressLine } from '../terminal/progress-line.ts'
import { escaped } from '../terminal/visible.ts'
import { type TokenizerChoice, tokenizerOf } from '../tokenizer-of.ts'

export interface PrepareFlags extends TokenizerChoice {
  readonly out: string
  readonly inputFormat?: Exclude<InputFormat, object>
  readonly documentSeparator?: string
  readonly field: string
  readonly format: readonly DatasetFormat[]
  readonly validation?: number
  readonly seed?: number
  readonly separator?: number | 'none'
  readonly separatorPosition: 'before' | 'after'
  readonly shardTokens: number
  readonly deduplicate?: boolean
  readonly maxDocumentBytes?: number
  readonly skipMalformed?: boolean
  readonly skipTooLarge?: boolean
  readonly utf8: 'replace' | 'strict' | 'skip'
  readonly special: Special
  readonly threads?: number
  readonly resume: boolean
  readonly checkpointSeconds: number
  readonly json?: boolean
}

/** `tokenmill prepare` */
export const prepare = async (inputs: readonly string[], flags: PrepareFlags): Promise<void> => {
  const { inputFormat, documentSeparator } = flags
  if (inputFormat !== undefined && documentSeparator !== undefined)
    throw usageFailure('pass --input-format or --document-separator, not both')
  if (flags.seed !== undefined && flags.validation === undefined)
    throw usageFailure('--seed is for --validation: it decides which documents are in that split')
  const tokenizer = await tokenizerOf(flags)
  const line = new ProgressLine()
  const skipped: string[] = []
  const began = performance.now()
  const manifest = await interruptible('what was done is kept: the same command goes on from there', (signal) =>
    prepareDataset({
      inputs,
      tokenizer,
      outDir: flags.out,
      ...specialOptions[flags.special],
      field: flags.field,
      format: flags.format,
      separatorPosition: flags.separatorPosition,
      shardTokens: flags.shardTokens,
      deduplicate: flags.deduplicate ?? false,
      onMalformed: flags.skipMalformed ? 'skip' : 'error',
      onTooLarge: flags.skipTooLarge ? 'skip' : 'error',
      onInvalidUtf8: flags.utf8 === 'strict' ? 'error' : flags.utf8,
      resume: flags.resume,
      checkpointSeconds: flags.checkpointSeconds,
      onProgress: (progress) => line.show(progressText(progress)),
      onSkipped: (message) => skipped.push(message),
      signal,
      ...(flags.maxDocumentBytes === undefined ? {} : { maxDocumentBytes: flags.maxDocumentBytes }),
      ...(flags.separator === undefined ? {} : { separator: flags.separator === 'none' ? null : flags.separator }),
      ...(flags.validation === undefined ? {} : { split: { validation: flags.validation, seed: flags.seed ?? 0 } }),
      ...(flags.threads === undefined ? {} : { concurrency: flags.threads }),
      ...(documentSeparator !== undefined
        ? { inputFormat: { separator: documentSeparator } }
        : inputFormat === undefined
          ? {}
          : { inputFormat }),
    }),
  ).finally(() => line.end())
  for (const message of skipped) process.stderr.write(`skipped: ${escaped(message)}\n`)
  for (const name of emptySplits(manifest))
    process.stderr.write(
      `the split ${name} is empty, as a document is in one split as a whole: cut the text into more documents, or choose another --seed\n`,
    )
  if (flags.json) return writeJson(manifest)
  const { documents, tokens } = manifest.counts
  const read = `${integer(documents)} documents, ${bytes(manifest.counts.bytes)} of text`
  await write(`${read}: ${integer(tokens)} tokens in ${flags.out}, ${time(performance.now() - began)}\n`)
  const splits = manifest.validation === null ? [] : splitsOf(manifest)
  const lines = [
    ...splits.map(([name, split]) => `${name}: ${integer(split.documents)} documents, ${integer(split.tokens)} tokens`),
    ...leftOut(manifest).map((text) => `left out: ${text}`),
  ]
  await write(lines.map((line) => `${line}\n`).join(''))
}

/** The splits of a dataset, by name. */
export const splitsOf = ({ splits }: Manifest): [SplitName, SplitManifest][] =>
  (Object.entries(splits) as [SplitName, SplitManifest][]).sort(([a], [b]) => (a < b ? -1 : 1))

const emptySplits = (manifest: Manifest): SplitName[] =>
  splitsOf(manifest).flatMap(([name, { documents }]) => (documents === 0 ? [name] : []))

/** Documents that are not in a dataset, and why. */
export const leftOut = ({ counts }: Manifest): string[] => {
  const kinds = {
    empty: 'without text',
    duplicates: 'that came before',
    malformed: 'malformed lines or values',
    invalidUtf8: 'not UTF-8',
    tooLarge: 'too large',
  } as const
  const names = Object.keys(kinds) as (keyof typeof kinds)[]
  return names.filter((name) => counts[name] > 0).map((name) => `${integer(counts[name])} ${kinds[name]}`)
}

const progressText = (progress: PrepareProgress): string => {
  const { bytesRead, bytesTotal, tokens, tokensPerSecond, bytesPerSecond, secondsLeft } = progress
  const share = bytesTotal > 0 ? `${Math.floor((100 * bytesRead) / bytesTotal)} %  ` : ''
  const rates = `${integer(Math.round(tokensPerSecond))} tokens/s  ${(bytesPerSecond / 1e6).toFixed(1)} MB/s`
  const left = secondsLeft === undefined ? '' : `  ${duration(secondsLeft)} left`
  return `${share}${integer(tokens)} tokens  ${rates}${left}`
}

/** `1:02:03` */
const duration = (seconds: number): string => {
  const whole = Math.ceil(seconds)
  const two = (value: number) => String(value).padStart(2, '0')
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60]
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`
}
