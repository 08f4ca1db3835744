import { TokenmillError } from '../errors.ts'
import { boolean, integerIn, invalid, isArray, oneOf, options as checkedOptions, own } from '../validate.ts'
import { encodeOptionNames } from './arguments.ts'
import { cutRows, mostIds, type RowIds } from './cut-rows.ts'
import { PostProcessor } from './post-processor.ts'
import { checkedText } from './read-text.ts'
import type { EncodeOptions, Text, TokenBatch, Tokenizer } from './tokenizer.ts'

/** A row of `encodePadded`: a text, or two that belong together. */
export type TextOrPair = Text | readonly [Text, Text]

/** {@link EncodeOptions}, and how rows are made equally long. */
export interface PaddedOptions extends EncodeOptions {
  /**
   * The most ids of a row, with those that the post-processor adds: longer texts are cut.
   * @default what the tokenizer.json says, else no limit
   */
  readonly maxLength?: number
  /**
   * The least ids of a row: shorter rows are padded with `padId`. Rows are as long as the longest of them in any case.
   * @default what the tokenizer.json says, else 0
   */
  readonly padTo?: number
  /**
   * Rows are as long as a multiple of this.
   * @default what the tokenizer.json says, else 1
   */
  readonly padToMultipleOf?: number
  /**
   * Which text of a pair is cut: `'longest-first'` the longer one until both are equally long, then both; else always the same one.
   * @default what the tokenizer.json says, else 'longest-first'
   */
  readonly truncation?: 'longest-first' | 'only-first' | 'only-second'
  /**
   * Where texts are cut.
   * @default what the tokenizer.json says, else 'end'
   */
  readonly truncationSide?: 'start' | 'end'
  /**
   * Whether what does not fit a row goes on in further rows, which follow it, and is not lost: `return_overflowing_tokens` of Hugging Face's.
   * {@link PaddedBatch.inputOf} says of which input a row is.
   * @default false
   */
  readonly overflow?: boolean
  /**
   * With `overflow`, how many ids of a text each further row has in common with the row before.
   * @default what the tokenizer.json says, else 0
   */
  readonly stride?: number
  /**
   * The side on which rows are padded.
   * @default what the tokenizer.json says, else 'end'
   */
  readonly paddingSide?: 'start' | 'end'
  /**
   * The id of padding.
   * @default what the tokenizer.json says, else that of `[PAD]`, `<pad>`, `<|pad|>` or `<|endoftext|>`, the first of them that the tokenizer
   * has, else 0
   */
  readonly padId?: number
  /**
   * The type id of padding.
   * @default what the tokenizer.json says, else 0
   */
  readonly padTypeId?: number
  /**
   * Whether the post-processor of a tokenizer.json adds its ids. Other tokenizers have none to add.
   * @default true
   */
  readonly addSpecialTokens?: boolean
}

/** Rows of ids, all equally long, one after the other: row `i` is `ids.subarray(i * shape[1], (i + 1) * shape[1])`. */
export interface PaddedBatch {
  /** The ids, `shape[0] * shape[1]` of them. */
  readonly ids: Uint32Array
  /** 1 for each id, 0 for padding. */
  readonly attentionMask: Uint8Array
  /** 1 for each id that the post-processor adds and for padding, 0 for ids of the texts, also for special tokens in them. */
  readonly specialTokensMask: Uint8Array
  /** 0 for the first text and 1 for the second, unless the post-processor says otherwise. */
  readonly typeIds: Uint32Array
  /** Rows and ids of each. */
  readonly shape: readonly [number, number]
  /** Of each row the index of its input: with `overflow` several rows may be of one. */
  readonly inputOf: Uint32Array
}

/** How a tokenizer.json says that rows are made. */
export type RowShape = Omit<PaddedOptions, keyof EncodeOptions | 'addSpecialTokens' | 'overflow'>

const names = [
  ...encodeOptionNames,
  ...(['maxLength', 'padTo', 'padToMultipleOf', 'truncation', 'truncationSide', 'paddingSide'] as const),
  ...(['padId', 'padTypeId', 'overflow', 'stride'] as const),
]

/** How a tokenizer.json says that rows are made. */
export interface RowMaking {
  readonly postProcessor: PostProcessor
  readonly rowShape: RowShape
}

/** `encodePadded` of a tokenizer. */
export const encodePadded = (
  tokenizer: Pick<Tokenizer, 'specialTokens' | 'encodeBatch'>,
  inputs: readonly TextOrPair[],
  options: PaddedOptions | undefined,
  { postProcessor, rowShape }: RowMaking = { postProcessor: PostProcessor.none, rowShape: {} },
): PaddedBatch => {
  const given = checkedOptions('options', options, names)
  const { texts, isPair } = checkedInputs(inputs)
  const shape = checkedShape(own({ ...rowShape, ...withoutUndefined(given) }), tokenizer.specialTokens)
  const overflow = boolean('options.overflow', given.overflow ?? false)
  const addSpecialTokens = boolean('options.addSpecialTokens', given.addSpecialTokens ?? true)
  // What is put around a text is put around a row, below.
  const ofTexts = encodeOptionNames.filter((name) => name !== 'addSpecialTokens' && given[name] !== undefined)
  const encodeOptions = Object.fromEntries(ofTexts.map((name) => [name, given[name]]))
  const batch = encodeBatch(tokenizer, texts, encodeOptions, isPair)

  const rows: RowIds[] = []
  const inputOf: number[] = []
  let [at, longest] = [0, 0]
  for (const [index, pair] of isPair.entries()) {
    const first = batch.at(at++) as Uint32Array
    const second = pair ? (batch.at(at++) as Uint32Array) : undefined
    const added = addSpecialTokens ? postProcessor.added(pair) : 0
    for (const row of cutRows(first, second, { ...shape, overflow }, added, index)) {
      rows.push(row)
      inputOf.push(index)
      longest = Math.max(longest, row[0].length + (row[1]?.length ?? 0) + added)
    }
  }
  const { padTo, padToMultipleOf: multiple, padId, padTypeId } = shape
  const width = Math.ceil(Math.max(longest, padTo) / multiple) * multiple
  if (width * rows.length > mostIds) {
    throw new TokenmillError(
      'ERR_LIMIT',
      `expected rows of at most ${mostIds} ids together, received ${rows.length} of ${width}`,
    )
  }
  const result = {
    ids: new Uint32Array(width * rows.length).fill(padId),
    attentionMask: new Uint8Array(width * rows.length),
    specialTokensMask: new Uint8Array(width * rows.length).fill(1),
    typeIds: new Uint32Array(width * rows.length).fill(padTypeId),
    shape: [rows.length, width] as const,
    inputOf: Uint32Array.from(inputOf),
  }
  for (const [index, [first, second]] of rows.entries()) {
    const added = addSpecialTokens ? postProcessor.added(second !== undefined) : 0
    const length = first.length + (second?.length ?? 0) + added
    const start = index * width + (shape.paddingSide === 'start' ? width - length : 0)
    postProcessor.write(result, start, first, second, addSpecialTokens)
    result.attentionMask.fill(1, start, start + length)
  }
  return result
}

/** All texts one after the other, and of each row whether it has two of them. */
const checkedInputs = (inputs: unknown): { texts: Text[]; isPair: boolean[] } => {
  if (!isArray(inputs)) throw invalid('inputs', 'an array', inputs)
  const texts: Text[] = []
  const isPair = Array.from(inputs as readonly unknown[], (input, index) => {
    const pair = isArray(input)
    if (pair && input.length !== 2) throw invalid(`inputs[${index}]`, 'a text, or an array of two', input)
    for (const [place, text] of (pair ? (input as unknown[]) : [input]).entries())
      texts.push(checkedText(`inputs[${index}]${pair ? `[${place}]` : ''}`, text))
    return pair
  })
  return { texts, isPair }
}

const withoutUndefined = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T

const checkedShape = (shape: RowShape, specialTokens: ReadonlyMap<string, number>): Required<RowShape> => {
  const padNames = ['[PAD]', '<pad>', '<|pad|>', '<|endoftext|>']
  const padName = padNames.find((name) => specialTokens.has(name))
  const {
    maxLength = Infinity,
    padTo = 0,
    padToMultipleOf = 1,
    truncation = 'longest-first',
    truncationSide = 'end',
    stride = 0,
    paddingSide = 'end',
    padId = (padName && specialTokens.get(padName)) ?? 0,
    padTypeId = 0,
  } = shape
  const sides = ['start', 'end'] as const
  return {
    maxLength: maxLength === Infinity ? maxLength : integerIn('options.maxLength', maxLength, 0),
    padTo: integerIn('options.padTo', padTo, 0),
    padToMultipleOf: integerIn('options.padToMultipleOf', padToMultipleOf, 1),
    truncation: oneOf('options.truncation', truncation, ['longest-first', 'only-first', 'only-second']),
    truncationSide: oneOf('options.truncationSide', truncationSide, sides),
    stride: integerIn('options.stride', stride, 0),
    paddingSide: oneOf('options.paddingSide', paddingSide, sides),
    padId: integerIn('options.padId', padId, 0, 0xffffffff),
    padTypeId: integerIn('options.padTypeId', padTypeId, 0, 0xffffffff),
  }
}

/** The ids of all texts; errors name the row. */
const encodeBatch = (
  tokenizer: Pick<Tokenizer, 'encodeBatch'>,
  texts: readonly Text[],
  options: EncodeOptions,
  isPair: readonly boolean[],
): TokenBatch => {
  try {
    return tokenizer.encodeBatch(texts, options)
  } catch (error) {
    if (!(error instanceof TokenmillError)) throw error
    // Which row text number n is of.
    const rowNames: string[] = []
    for (const [row, pair] of isPair.entries())
      rowNames.push(...(pair ? [`inputs[${row}][0]`, `inputs[${row}][1]`] : [`inputs[${row}]`]))
    const message = error.message.replace(/texts\[(\d+)\]/, (name, number) => rowNames[Number(number)] ?? name)
    throw new TokenmillError(error.code, message, { cause: error.cause })
  }
}
