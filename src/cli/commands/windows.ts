import type { Sample } from '../../dataset/dataset.ts'
import type { Manifest, SplitName } from '../../dataset/manifest.ts'
import { TokenStore } from '../../dataset/token-store.ts'
import { sourceOf as tokensOf } from '../../dataset/tokens.ts'
import { WindowDataset } from '../../dataset/window-dataset.ts'
import { encodingNames, getEncoding } from '../../tokenizer/encodings.ts'
import type { Tokenizer } from '../../tokenizer/tokenizer.ts'
import { checkLength, splitName, textName } from '../check-length.ts'
import { isFolder, openDataset } from '../dataset.ts'
import { usageFailure } from '../failure.ts'
import { readInput } from '../input.ts'
import { encodeOptions, forText, refuseGiven, type Special, textFlags } from '../options.ts'
import { write, writeNumbers } from '../output.ts'
import { integer } from '../terminal/format.ts'
import { type Style, styleOf } from '../terminal/style.ts'
import { visibleToken } from '../terminal/visible.ts'
import { type TokenizerChoice, tokenizerOf } from '../tokenizer-of.ts'
import { oneWindow, windowTitle } from '../walk/window-view.ts'

export interface WindowsFlags extends TokenizerChoice {
  readonly text?: string
  readonly split?: SplitName
  readonly contextLength: number
  readonly stride?: number
  readonly within?: boolean
  readonly tails?: boolean
  readonly first: number
  readonly limit: number
  readonly special: Special
  readonly utf8: 'replace' | 'strict'
  readonly json?: boolean
  readonly color?: boolean
}

/** Ids, where they are from, and whose they are where that is known. */
interface Source {
  readonly name: string
  readonly tokens: Uint32Array | TokenStore
  readonly tokenizer: Tokenizer | undefined
}

/** `tokenmill windows` */
export const windows = async (
  path: string | undefined,
  flags: WindowsFlags,
  given: ReadonlySet<string>,
): Promise<void> => {
  const { contextLength, stride = contextLength, first, limit } = flags
  if (flags.text !== undefined && path !== undefined) throw usageFailure('pass --text or a path, not both')
  const { name, tokens, tokenizer } = await sourceOf(path, flags, given)
  const [length, isOneOf] = flags.within ? [longestOf(tokens), tokens instanceof TokenStore] : [tokens.length, false]
  checkLength(isOneOf ? `the longest document of ${name}` : name, length, flags.tails ? 1 : contextLength)
  const dataset = new WindowDataset(tokens, {
    ...{ contextLength, stride, boundaries: flags.within ? 'within' : 'cross', tails: flags.tails ? 'keep' : 'drop' },
  })
  if (first >= dataset.length)
    throw usageFailure(`expected at most ${dataset.length - 1} for --first, received ${first}`)
  const end = Math.min(first + limit, dataset.length)
  if (flags.json) return writeWindows(dataset, first, end)
  const { droppedTokens } = dataset
  const left = droppedTokens === 1 ? '1 token is in none' : `${integer(droppedTokens)} tokens are in none`
  await write(`${integer(dataset.length)} windows of ${contextLength} inputs, one every ${stride} tokens; ${left}\n`)
  const style = styleOf(flags.color)
  for (let index = first; index < end; index++) {
    const lines = windowLines(dataset.get(index), { style, tokenizer, index, start: index * stride, name, flags })
    await write(`\n${lines.join('\n')}\n`)
  }
  if (tokenizer === undefined)
    process.stderr.write(
      'ids alone are shown, as their tokenizer came from a file: to see the tokens, pass it as --tokenizer\n',
    )
}

/** Windows `first` to before `end` as JSON, one after the other: together they may be longer than a string can be. */
const writeWindows = async (dataset: WindowDataset, first: number, end: number): Promise<void> => {
  const { contextLength, stride, length, droppedTokens } = dataset
  const facts = JSON.stringify({ contextLength, stride, length, droppedTokens })
  await write(`${facts.slice(0, -1)},"windows":[`)
  for (let index = first; index < end; index++) {
    const { inputs, targets } = dataset.get(index)
    await write(`${index > first ? ',' : ''}{"index":${index},"inputs":[`)
    await writeNumbers(inputs, ',')
    await write('],"targets":[')
    await writeNumbers(targets, ',')
    await write(']}')
  }
  await write(']}\n')
}

/** What is shown of a window. */
interface Shown {
  readonly style: Style
  readonly tokenizer: Tokenizer | undefined
  readonly index: number
  readonly start: number
  readonly name: string
  readonly flags: WindowsFlags
}

const windowLines = (
  { inputs, targets, attentionMask }: Sample,
  { style, tokenizer, index, start, name, flags }: Shown,
): string[] => {
  const isToken = (place: number) => attentionMask?.[place] !== 0
  const length = attentionMask === undefined ? inputs.length : attentionMask.filter((place) => place === 1).length
  // Where documents are apart, the place of a window is not told by its number.
  const title = flags.within ? `window ${index}` : windowTitle({ index, start, length }, name)
  // A token takes a column at least: of a long window, more are never seen.
  const shown = (ids: Uint32Array | Int32Array) =>
    Array.from(ids.subarray(0, style.columns), (id, place) => ({
      id,
      text: id < 0 || !isToken(place) ? '–' : tokenizer ? visibleToken(tokenizer, id) : '',
    }))
  return oneWindow(style, { index, start, inputs: shown(inputs), targets: shown(targets) }, style.columns, title)
}

/** The tokens of the longest document. */
const longestOf = (tokens: Uint32Array | TokenStore): number => {
  const starts = tokensOf(tokens).documentStarts()
  return starts.reduce((longest, start, index) => Math.max(longest, (starts[index + 1] ?? start) - start), 0)
}

const sourceOf = async (path: string | undefined, flags: WindowsFlags, given: ReadonlySet<string>): Promise<Source> => {
  if (path !== undefined && (await isFolder(path))) {
    refuseGiven(given, textFlags, forText)
    const { split = 'train' } = flags
    const { store, manifest, tokenizer } = await openDataset(path, flags, { split, mode: 'read' })
    return { name: splitName(path, split), tokens: store, tokenizer: tokenizer ?? known(manifest) }
  }
  if (flags.split !== undefined) throw usageFailure('--split is for the folder of a dataset')
  const tokenizer = await tokenizerOf(flags)
  const text = flags.text ?? (await readInput(path)).bytes
  return { name: textName(path), tokens: tokenizer.encode(text, encodeOptions(flags)), tokenizer }
}

/** The tokenizer of a dataset, when it is one of ours; none when it is a file's. */
const known = ({ tokenizer: { name, fingerprint } }: Manifest): Tokenizer | undefined => {
  const found = encodingNames.find((encoding) => encoding === name)
  if (found === undefined) return undefined
  const tokenizer = getEncoding(found)
  return tokenizer.fingerprint === fingerprint ? tokenizer : undefined
}
