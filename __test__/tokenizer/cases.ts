import { readFileSync } from 'node:fs'

/*
 * Readers of the case files in testdata/tokenizer/; its README says what they hold.
 */

/** The groups of encodings that share a list of ids, as the files name them. */
export type Group = 'r' | 'p' | 'c' | 'o'

/** The encodings and their groups. */
export const groups = {
  gpt2: 'r',
  r50k_base: 'r',
  p50k_base: 'p',
  p50k_edit: 'p',
  cl100k_base: 'c',
  o200k_base: 'o',
  o200k_harmony: 'o',
} as const satisfies Record<string, Group>

/** A text and its ids; `p` is left out where it is `r`. */
export interface IdsRow {
  readonly text: string
  readonly r: readonly number[]
  readonly p?: readonly number[]
  readonly c: readonly number[]
  readonly o: readonly number[]
}

/** A line of special.jsonl: ids, or the token that was refused. */
export interface SpecialRow {
  readonly encoding: string
  readonly text: string
  readonly allowed: 'all' | readonly string[]
  readonly disallowed: 'all' | readonly string[]
  readonly ids?: readonly number[]
  readonly refused?: string
}

/** A line of tokens.jsonl: `bytes` is hex. */
export interface TokenRow {
  readonly encoding: string
  readonly id: number | null
  readonly bytes: string | null
}

/** A line of decode.jsonl: `bytes` is hex; both are null when an id does not exist. */
export interface DecodeRow {
  readonly encoding: string
  readonly ids: readonly number[]
  readonly bytes: string | null
  readonly text: string | null
}

const lines = <Row>(name: string): Row[] =>
  readFileSync(new URL(`../../testdata/tokenizer/${name}`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Row)

/** The rows of golden.jsonl, each with its line and title. */
export const goldenRows = (): (IdsRow & { readonly line: number; readonly title: string })[] => {
  let title = ''
  return lines<IdsRow & { title?: string }>('golden.jsonl').flatMap((row, index) => {
    title = row.title ?? title
    return row.text === undefined ? [] : [{ ...row, line: index + 1, title }]
  })
}

export const surrogateRows = (): IdsRow[] => lines('surrogates.jsonl')
export const specialRows = (): SpecialRow[] => lines('special.jsonl')
export const tokenRows = (): TokenRow[] => lines('tokens.jsonl')
export const decodeRows = (): DecodeRow[] => lines('decode.jsonl')

/** The inclusive ranges of code points of each class of unicode.json. */
export const unicodeClasses = (): Record<string, readonly (readonly [number, number])[]> =>
  lines<{ classes: Record<string, [number, number][]> }>('unicode.json')[0]!.classes

/** The ids of `row` in the encodings of `group`. */
export const idsOf = (row: IdsRow, group: Group): readonly number[] => row[group] ?? row.r
