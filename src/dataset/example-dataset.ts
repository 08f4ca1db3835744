import { TokenmillError } from '../errors.ts'
import { HfTokenizer } from '../tokenizer/hf-tokenizer.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { integerIn, invalid, iterable, oneOf, options as checkedOptions, positiveInteger } from '../validate.ts'
import { readsInPlace } from './apart.ts'
import { ignored } from './collate.ts'
import type { Dataset, Sample } from './dataset.ts'
import { checkedExample, type Example, type ExampleObjective, type ExamplePart } from './example-objective.ts'
import { indexBelow } from './sample-call.ts'

/** How {@link ExampleDataset} reads records. */
export interface ExampleOptions<Record> {
  /** What makes ids of their texts. */
  readonly tokenizer: Tokenizer
  /** The most inputs of an example. */
  readonly maxLength: number
  /** What the model is asked for, as `completion()`, `chat()` or `classification()` say. */
  readonly objective: ExampleObjective<Record>
  /**
   * What becomes of longer examples; `cutExamples` and `droppedExamples` count them:
   *
   * - `'cut'`: their end is left out, but for what the objective keeps, as special tokens around a text
   * - `'drop'`: they are left out
   * - `'error'`: the first one is an `ERR_LIMIT`
   * @default 'cut'
   */
  readonly tooLong?: 'cut' | 'drop' | 'error' | undefined
  /**
   * What shorter rows of a batch are padded with; their targets are -100.
   * @default tokenizer.endOfTextId, else 0
   */
  readonly paddingId?: number | undefined
}

/** Ids of many examples in one row. */
interface Row {
  readonly ids: Uint32Array
  /** 1 where the model is asked for an id. */
  readonly scored: Uint8Array
  /** Where each example starts, and at last the end. */
  readonly starts: Float64Array
  /** The class of each, where there are classes. */
  readonly labels: Int32Array | undefined
}

/**
 * Records as examples of a task, for fine-tuning. All are encoded at once, on all cores; text of a record never becomes a special
 * token. Examples differ in length: a `DataLoader` fills the rows of a batch up to the longest, with an `attentionMask`.
 *
 * ```ts
 * const dataset = new ExampleDataset(records, { tokenizer, maxLength: 512, objective: completion() })
 * dataset.get(0) // the prompt is -100 in the targets
 * ```
 */
export class ExampleDataset<Record = unknown> implements Dataset {
  /** The number of examples. */
  readonly length: number
  /** What shorter rows of a batch are padded with. */
  readonly paddingId: number
  /** The most inputs of an example. */
  readonly maxLength: number
  /** What the model is asked for. */
  readonly objective: ExampleObjective<Record>
  /** Examples whose end is left out. */
  readonly cutExamples: number
  /** Examples that are left out, as they are longer than `maxLength` or have no input. */
  readonly droppedExamples: number
  /** Examples that ask for nothing: all of their targets are -100, as the cut left the prompt alone. */
  readonly unscoredExamples: number
  readonly #row: Row

  /** The examples that `records` are. @throws `ERR_INVALID_ARGUMENT` when a record has not what the objective reads, there is no example, or an option is wrong. */
  constructor(records: Iterable<Record>, options: ExampleOptions<Record>) {
    const known = ['tokenizer', 'maxLength', 'objective', 'tooLong', 'paddingId'] as const
    const checked = checkedOptions('options', options, known)
    const tokenizer = checkedTokenizer(checked.tokenizer)
    const { tooLong = 'cut', paddingId = tokenizer.endOfTextId ?? 0 } = checked
    this.maxLength = positiveInteger('options.maxLength', checked.maxLength)
    this.objective = checkedObjective<Record>(checked.objective)
    this.paddingId = integerIn('options.paddingId', paddingId, 0, 2 ** 31 - 1)
    const policy = oneOf('options.tooLong', tooLong, ['cut', 'drop', 'error'])
    iterable('records', 'an array or another iterable of records', records)
    const examples = Array.from(records, (record, index) =>
      checkedExample(this.objective.example(record, index, tokenizer), index),
    )
    const encoded = encodedParts(examples, tokenizer)

    const isLabelled = examples.some(({ label }) => label !== undefined)
    const rows: RowParts[] = []
    let [cut, dropped, total] = [0, 0, 0]
    for (const [index, parts] of encoded.entries()) {
      const [all, kept] = [idsOf(parts), idsOf(parts.filter(({ isKept }) => isKept))]
      // The last id is a target only, unless the target is a label.
      const most = this.maxLength + (isLabelled ? 0 : 1)
      const isTooLong = all > most
      if (isTooLong && policy === 'error')
        throw new TokenmillError(
          'ERR_LIMIT',
          `expected examples of at most ${most} tokens, as options.maxLength says, received ${all} in records[${index}]`,
        )
      if ((isTooLong && policy === 'drop') || all < (isLabelled ? 1 : 2)) {
        dropped++
        continue
      }
      if (kept > most)
        throw new TokenmillError(
          'ERR_INVALID_ARGUMENT',
          `expected options.maxLength to leave room for the ${kept} tokens of records[${index}] that are kept, received ${this.maxLength}`,
        )
      if (isTooLong) cut++
      const length = Math.min(all, most)
      total += length
      rows.push({ parts, cuttable: length - kept, label: (examples[index] as Example).label ?? ignored })
    }
    if (rows.length === 0)
      throw new TokenmillError(
        'ERR_INVALID_ARGUMENT',
        `expected at least one example, received ${dropped} that are left out`,
      )
    this.length = rows.length
    this.cutExamples = cut
    this.droppedExamples = dropped
    const row = joined(rows, total, isLabelled)
    this.#row = row
    readsInPlace(this, row.labels === undefined ? [row.ids] : [row.ids, row.labels])
    this.unscoredExamples = isLabelled ? 0 : unscored(this.#row)
  }

  /**
   * Example `index`.
   * @throws `ERR_OUT_OF_RANGE` when there is no such example.
   */
  get(index: number): Sample {
    indexBelow(this.length, index)
    const { ids, scored, starts, labels } = this.#row
    const [start, end] = [starts[index] as number, starts[index + 1] as number]
    if (labels !== undefined) return { inputs: ids.subarray(start, end), targets: labels.subarray(index, index + 1) }
    const targets = new Int32Array(end - start - 1)
    for (let place = 0; place < targets.length; place++) {
      const next = start + place + 1
      targets[place] = scored[next] === 1 ? (ids[next] as number) : ignored
    }
    return { inputs: ids.subarray(start, end - 1), targets }
  }
}

interface Part {
  readonly ids: Uint32Array
  readonly scored: boolean
  readonly isKept: boolean
}

/** What a row is made of: parts that are kept, and so many ids of the others. */
interface RowParts {
  readonly parts: readonly Part[]
  readonly cuttable: number
  readonly label: number
}

const idsOf = (parts: readonly Part[]): number => parts.reduce((sum, { ids }) => sum + ids.length, 0)

/** The ids of the parts of each example. */
const encodedParts = (examples: readonly Example[], tokenizer: Tokenizer): readonly (readonly Part[])[] => {
  const rows =
    tokenizer instanceof HfTokenizer
      ? examples.flatMap(({ parts }) => rowsOfOneText(parts, tokenizer))
      : tokenizer.encodeBatch(
          examples.flatMap(({ parts }) => parts.flatMap((part) => ('text' in part ? [part.text] : []))),
          { disallowedSpecial: [] },
        )
  let next = 0
  return examples.map(({ parts }) =>
    parts.map((part) => ({
      ids: 'text' in part ? (rows.at(next++) as Uint32Array) : Uint32Array.from(part.ids),
      scored: part.scored,
      isKept: part.kept === true,
    })),
  )
}

/**
 * The ids of the texts among `parts`, which are one text: a tokenizer may write something before a text that it does not write before a part. Ids are those
 * of special tokens in it; what is kept is put around it.
 */
const rowsOfOneText = (parts: readonly ExamplePart[], tokenizer: HfTokenizer): readonly Uint32Array[] => {
  const specialToken = (id: number) => {
    const token = tokenizer.idToToken(id)
    return token !== undefined && tokenizer.specialTokens.get(token) === id ? token : ''
  }
  const rows = tokenizer.segmentRows(
    parts.map((part) => {
      if ('text' in part) return { text: part.text, trusted: false }
      return { text: part.kept === true ? '' : Array.from(part.ids, specialToken).join(''), trusted: true }
    }),
  )
  return [...rows].filter((_, index) => 'text' in (parts[index] as ExamplePart))
}

const joined = (rows: readonly RowParts[], total: number, isLabelled: boolean): Row => {
  const ids = new Uint32Array(total)
  const scored = new Uint8Array(total)
  const starts = new Float64Array(rows.length + 1)
  let end = 0
  for (const [index, { parts, cuttable }] of rows.entries()) {
    let left = cuttable
    for (const part of parts) {
      const taken = part.isKept ? part.ids : part.ids.subarray(0, left)
      ids.set(taken, end)
      if (part.scored) scored.fill(1, end, end + taken.length)
      end += taken.length
      if (!part.isKept) left -= taken.length
    }
    starts[index + 1] = end
  }
  return { ids, scored, starts, labels: isLabelled ? Int32Array.from(rows, ({ label }) => label) : undefined }
}

/** Examples of which no id is asked for; the first one never is. */
const unscored = ({ scored, starts }: Row): number => {
  let count = 0
  for (let index = 0; index + 1 < starts.length; index++)
    if (!scored.subarray((starts[index] as number) + 1, starts[index + 1]).includes(1)) count++
  return count
}

const checkedTokenizer = (tokenizer: unknown): Tokenizer => {
  if (typeof (tokenizer as Tokenizer | undefined)?.encodeBatch === 'function') return tokenizer as Tokenizer
  throw invalid('options.tokenizer', 'a tokenizer', tokenizer)
}

const checkedObjective = <Record>(objective: unknown): ExampleObjective<Record> => {
  if (typeof (objective as ExampleObjective | undefined)?.example === 'function')
    return objective as ExampleObjective<Record>
  throw invalid('options.objective', 'an objective such as completion()', objective)
}
