import { HfTokenizer } from '../tokenizer/hf-tokenizer.ts'
import { JsonBpeTokenizer } from '../tokenizer/json-bpe-tokenizer.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { boolean, integerIn, invalid, isArray, iterable, options as checkedOptions, string } from '../validate.ts'

/**
 * A stretch of an example: its text or its ids, and whether the model is asked for them. Where an example is cut, what is `kept` stays, and the end of
 * the rest is left out.
 */
export type ExamplePart =
  | { readonly text: string; readonly scored: boolean; readonly kept?: boolean | undefined }
  | {
      readonly ids: Uint32Array | readonly number[]
      readonly scored: boolean
      readonly kept?: boolean | undefined
    }

/** What a record is to the model. */
export interface Example {
  /** Stretches that follow one another. Each is encoded on its own, its special tokens being plain text. */
  readonly parts: readonly ExamplePart[]
  /** The class of the whole example. The model is then asked for it, and for no token. */
  readonly label?: number | undefined
}

/** What an {@link ExampleDataset} makes of a record. */
export interface ExampleObjective<Record = unknown> {
  /** What messages call it. */
  readonly name: string
  /** The example of a record; `index` is its number, for messages. */
  example(record: Record, index: number, tokenizer: Tokenizer): Example
}

/** Where a text of a record is: the name of a field, or what makes it. */
export type Field<Record> = string | ((record: Record) => string)

/** How {@link completion} reads records. */
export interface CompletionOptions<Record> {
  /**
   * What the model is given.
   * @default 'prompt'
   */
  readonly prompt?: Field<Record> | undefined
  /**
   * What it should go on with.
   * @default 'completion'
   */
  readonly completion?: Field<Record> | undefined
  /**
   * The id after the completion, which the model is asked for too; `null` for none.
   * @default tokenizer.endOfTextId
   */
  readonly endId?: number | null | undefined
}

/**
 * Go on after a prompt: the loss is of the completion and its end alone, the prompt is -100 in the targets. For instructions,
 * summaries and translations, `prompt` is a function that writes the record down.
 */
export const completion = <Record = unknown>(options?: CompletionOptions<Record>): ExampleObjective<Record> => {
  const checked = checkedOptions('options', options, ['prompt', 'completion', 'endId'])
  const prompt = fieldOf<Record>('options.prompt', checked.prompt ?? 'prompt')
  const answer = fieldOf<Record>('options.completion', checked.completion ?? 'completion')
  const end = checked.endId
  if (end !== undefined && end !== null) integerIn('options.endId', end, 0, largestId)
  return {
    name: 'completion',
    example: (record, index, tokenizer) => {
      const endId = end === undefined ? (tokenizer.endOfTextId ?? null) : end
      return {
        parts: [
          { text: prompt(record, index), scored: false },
          { text: answer(record, index), scored: true },
          ...(endId === null ? [] : [{ ids: [endId], scored: true }]),
        ],
      }
    },
  }
}

/** How {@link classification} reads records. */
export interface ClassificationOptions<Record> {
  /** The classes; the target is the place of a label among them. */
  readonly labels: readonly string[]
  /**
   * The text.
   * @default 'text'
   */
  readonly text?: Field<Record> | undefined
  /**
   * Its label.
   * @default 'label'
   */
  readonly label?: Field<Record> | undefined
  /**
   * Whether the ids that the post-processor of a tokenizer.json puts around a text are added, as `[CLS] … [SEP]` for BERT. They stay where a text is
   * cut. Other tokenizers have none.
   * @default false
   */
  readonly addSpecialTokens?: boolean | undefined
}

/** Tell the class of a text: a batch has one target for each row. */
export const classification = <Record = unknown>(options: ClassificationOptions<Record>): ExampleObjective<Record> => {
  const known = ['labels', 'text', 'label', 'addSpecialTokens'] as const
  const { labels, text = 'text', label = 'label', addSpecialTokens = false } = checkedOptions('options', options, known)
  boolean('options.addSpecialTokens', addSpecialTokens)
  if (!isArray(labels) || labels.length === 0) throw invalid('options.labels', 'an array of labels', labels)
  const places = new Map(
    Array.from(
      labels as readonly unknown[],
      (name, place) => [string(`options.labels[${place}]`, name), place] as const,
    ),
  )
  if (places.size < labels.length)
    throw invalid('options.labels', 'labels of which none comes twice', (labels as readonly string[]).join(', '))
  const [textOf, labelOf] = [fieldOf<Record>('options.text', text), fieldOf<Record>('options.label', label)]
  return {
    name: 'classification',
    example: (record, index, tokenizer) => {
      const name = labelOf(record, index)
      const place = places.get(name)
      if (place === undefined)
        throw invalid(`the label of records[${index}]`, `one of ${[...places.keys()].join(', ')}`, name)
      const part = { text: textOf(record, index), scored: false }
      return { parts: addSpecialTokens ? withEnds(part, tokenizer) : [part], label: place }
    },
  }
}

/** `part` between what the tokenizer puts around one text. */
const withEnds = (part: ExamplePart, tokenizer: Tokenizer): readonly ExamplePart[] => {
  if (!(tokenizer instanceof HfTokenizer || tokenizer instanceof JsonBpeTokenizer)) return [part]
  const [before, after] = tokenizer.ends()
  return [{ ids: before, scored: false, kept: true }, part, { ids: after, scored: false, kept: true }]
}

/** Ids of examples are also targets, which are signed. */
const largestId = 2 ** 31 - 1

/** What an objective made of records[`index`], when it is an {@link Example}. */
export const checkedExample = (example: unknown, index: number): Example => {
  const name = `the example of records[${index}]`
  const { parts, label } = (example ?? {}) as Partial<Example>
  if (!isArray(parts)) throw invalid(name, 'an object with an array of parts', example)
  for (const [place, part] of (parts as readonly unknown[]).entries()) {
    const { text, ids, scored, kept } = (part ?? {}) as {
      readonly text?: unknown
      readonly ids?: unknown
      readonly scored?: unknown
      readonly kept?: unknown
    }
    const partName = `parts[${place}] of ${name}`
    if (ids === undefined) string(`the text of ${partName}`, text)
    else {
      const idName = `an id of ${partName}`
      for (const id of iterable(`the ids of ${partName}`, 'an array of ids', ids)) integerIn(idName, id, 0, largestId)
    }
    boolean(`scored of ${partName}`, scored)
    if (kept !== undefined) boolean(`kept of ${partName}`, kept)
  }
  if (label !== undefined) integerIn(`the label of ${name}`, label, 0, largestId)
  return example as Example
}

/** Reads a text out of record `index`. */
const fieldOf = <Record>(name: string, field: unknown): ((record: Record, index: number) => string) => {
  if (typeof field === 'function')
    return (record, index) =>
      string(`what ${name} makes of records[${index}]`, (field as (record: Record) => unknown)(record))
  const key = string(name, field)
  return (record, index) => {
    if (typeof record !== 'object' || record === null) throw invalid(`records[${index}]`, 'an object', record)
    return string(`records[${index}].${key}`, (record as { readonly [key: string]: unknown })[key])
  }
}
