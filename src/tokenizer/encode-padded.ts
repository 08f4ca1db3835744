import { allocated } from '../allocated.ts'
import { TokenmillError } from '../errors.ts'
import type { NonSharedInt32Array, NonSharedUint32Array, NonSharedUint8Array } from '../non-shared.ts'
import { boolean, integerIn, invalid, isArray, oneOf, options as checkedOptions, own } from '../validate.ts'
import { encodeOptionNames } from './arguments.ts'
import { cutRows, mostIds, type Part } from './cut-rows.ts'
import { PostProcessor, type RowTokens } from './post-processor.ts'
import { checkedText } from './read-text.ts'
import { noOrigins, partOfOrigins } from './row-origins.ts'
import type { EncodeOptions, Text, Tokenizer } from './tokenizer.ts'

/** A row of `encodePadded`: a text, or two that belong together. */
export type TextOrPair = Text | readonly [Text, Text]

/** {@link EncodeOptions}, and how rows are made equally long. */
export interface PaddedOptions extends EncodeOptions {
  /**
   * The most ids of a row, with those that the post-processor adds: longer texts are cut.
   * @default what the tokenizer.json says, else no limit
   */
  readonly maxLength?: number | undefined
  /**
   * The least ids of a row: shorter rows are padded with `padId`. Rows are as long as the longest of them in any case.
   * @default what the tokenizer.json says, else 0
   */
  readonly padTo?: number | undefined
  /**
   * Rows are as long as a multiple of this.
   * @default what the tokenizer.json says, else 1
   */
  readonly padToMultipleOf?: number | undefined
  /**
   * Which text of a pair is cut: `'longest-first'` the longer one until both are equally long, then both; else always the same one.
   * @default what the tokenizer.json says, else 'longest-first'
   */
  readonly truncation?: 'longest-first' | 'only-first' | 'only-second' | undefined
  /**
   * Where texts are cut.
   * @default what the tokenizer.json says, else 'end'
   */
  readonly truncationSide?: 'start' | 'end' | undefined
  /**
   * Whether what does not fit a row goes on in further rows, which follow it, and is not lost: `return_overflowing_tokens` of Hugging Face's.
   * {@link PaddedBatch.inputOf} says of which input a row is.
   * @default false
   */
  readonly overflow?: boolean | undefined
  /**
   * With `overflow`, how many ids of a text each further row has in common with the row before.
   * @default what the tokenizer.json says, else 0
   */
  readonly stride?: number | undefined
  /**
   * The side on which rows are padded.
   * @default what the tokenizer.json says, else 'end'
   */
  readonly paddingSide?: 'start' | 'end' | undefined
  /**
   * The id of padding.
   * @default what the tokenizer.json says, else that of `[PAD]`, `<pad>`, `<|pad|>` or `<|endoftext|>`, the first of them that the tokenizer
   * has, else 0
   */
  readonly padId?: number | undefined
  /**
   * The type id of padding.
   * @default what the tokenizer.json says, else 0
   */
  readonly padTypeId?: number | undefined
  /**
   * Whether the post-processor of a tokenizer.json adds its ids. Other tokenizers have none to add.
   * @default true
   */
  readonly addSpecialTokens?: boolean | undefined
  /**
   * Whether the batch says where its tokens are from: it is then a {@link PaddedBatchWithOffsets}.
   * @default false
   */
  readonly offsets?: boolean | undefined
}

/** {@link PaddedOptions} that ask for a {@link PaddedBatchWithOffsets}. */
export type PaddedOffsetOptions = PaddedOptions & { readonly offsets: true }

/** Rows of ids, all equally long, one after the other: row `i` is `ids.subarray(i * shape[1], (i + 1) * shape[1])`. */
export interface PaddedBatch {
  /** The ids, `shape[0] * shape[1]` of them. */
  readonly ids: NonSharedUint32Array
  /** 1 for each id, 0 for padding. */
  readonly attentionMask: NonSharedUint8Array
  /** 1 for each id that the post-processor adds and for padding, 0 for ids of the texts, also for special tokens in them. */
  readonly specialTokensMask: NonSharedUint8Array
  /** 0 for the first text and 1 for the second, unless the post-processor says otherwise. */
  readonly typeIds: NonSharedUint32Array
  /** Rows and ids of each. */
  readonly shape: readonly [number, number]
  /** Of each row the index of its input: with `overflow` several rows may be of one. */
  readonly inputOf: NonSharedUint32Array
}

/**
 * A {@link PaddedBatch}, and where each of its ids is from, in arrays that are as long as `ids`. What is of no text, as padding and ids that the
 * post-processor adds, is of text -1 and word -1, at 0 to 0.
 */
export interface PaddedBatchWithOffsets extends PaddedBatch {
  /** Where the first character of the token starts in its text: see `TokenOffsets`. */
  readonly offsets: NonSharedUint32Array
  /** Where the last character of the token ends in its text. */
  readonly ends: NonSharedUint32Array
  /** The number of the token's word in its text: see `TokenOffsets`. */
  readonly wordIds: NonSharedInt32Array
  /** 0 for tokens of the first text of an input, 1 for those of the second. */
  readonly sequenceIds: Int8Array
}

/** How a tokenizer.json says that rows are made. */
export type RowShape = Omit<PaddedOptions, keyof EncodeOptions | 'addSpecialTokens' | 'overflow' | 'offsets'>

const names = [
  ...encodeOptionNames,
  ...(['maxLength', 'padTo', 'padToMultipleOf', 'truncation', 'truncationSide', 'paddingSide'] as const),
  ...(['padId', 'padTypeId', 'overflow', 'stride', 'offsets'] as const),
]

/** The same, and what it puts around texts. */
export interface RowMaking {
  readonly postProcessor: PostProcessor
  readonly rowShape: RowShape
}

/** `encodePadded` of a tokenizer. */
export const encodePadded = (
  tokenizer: EncodingTokenizer,
  inputs: readonly TextOrPair[],
  options: PaddedOptions | undefined,
  { postProcessor, rowShape }: RowMaking = { postProcessor: PostProcessor.none, rowShape: {} },
): PaddedBatch | PaddedBatchWithOffsets => {
  const given = checkedOptions('options', options, names)
  const { texts, isPair } = checkedInputs(inputs)
  const shape = checkedShape(own({ ...rowShape, ...withoutUndefined(given) }), tokenizer.specialTokens)
  const { overflow = false, addSpecialTokens = true, offsets = false } = given
  boolean('options.overflow', overflow)
  boolean('options.addSpecialTokens', addSpecialTokens)
  // What is put around a text is put around a row, below.
  const ofTexts = encodeOptionNames.filter((name) => name !== 'addSpecialTokens' && given[name] !== undefined)
  const encodeOptions = Object.fromEntries(ofTexts.map((name) => [name, given[name]]))
  const encode = boolean('options.offsets', offsets) ? encodeWithOffsets : encodeBatch
  const tokens = encode(tokenizer, texts, encodeOptions, isPair)

  const rows: (readonly [first: RowTokens, second: RowTokens | undefined])[] = []
  const inputOf: number[] = []
  let [at, longest] = [0, 0]
  for (const [index, pair] of isPair.entries()) {
    const first = tokens[at++] as RowTokens
    const second = pair ? (tokens[at++] as RowTokens) : undefined
    const added = addSpecialTokens ? postProcessor.added(pair) : 0
    const parts = cutRows(first.ids.length, second?.ids.length, { ...shape, overflow }, added, index)
    for (const [ofFirst, ofSecond] of parts) {
      const row = [cut(first, ofFirst), second && ofSecond && cut(second, ofSecond)] as const
      rows.push(row)
      inputOf.push(index)
      longest = Math.max(longest, lengthOf(row) + added)
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
  const size = width * rows.length
  const origins = offsets ? allocated(13 * size, () => noOrigins(size)) : undefined
  const arrays = allocated(10 * size, () => ({
    ids: new Uint32Array(size),
    attentionMask: new Uint8Array(size),
    specialTokensMask: new Uint8Array(size),
    typeIds: new Uint32Array(size),
  }))
  arrays.ids.fill(padId)
  arrays.specialTokensMask.fill(1)
  arrays.typeIds.fill(padTypeId)
  const result = {
    ...arrays,
    shape: [rows.length, width] as const,
    inputOf: Uint32Array.from(inputOf),
    ...origins,
  }
  const toFill = { ...result, origins }
  for (const [index, row] of rows.entries()) {
    const [first, second] = row
    const length = lengthOf(row) + (addSpecialTokens ? postProcessor.added(second !== undefined) : 0)
    const start = index * width + (shape.paddingSide === 'start' ? width - length : 0)
    postProcessor.write(toFill, start, first, second, addSpecialTokens)
    result.attentionMask.fill(1, start, start + length)
  }
  return result
}

const lengthOf = ([first, second]: readonly [first: RowTokens, second: RowTokens | undefined]): number =>
  first.ids.length + (second?.ids.length ?? 0)

const cut = ({ ids, origins }: RowTokens, [start, end]: Part): RowTokens => ({
  ids: ids.subarray(start, end),
  origins: origins && partOfOrigins(origins, start, end),
})

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

/** {@link RowShape} with nothing left open. */
type WholeShape = { readonly [Name in keyof RowShape]-?: NonNullable<RowShape[Name]> }

const checkedShape = (shape: RowShape, specialTokens: ReadonlyMap<string, number>): WholeShape => {
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

/** What makes tokens. */
type EncodingTokenizer = Pick<Tokenizer, 'specialTokens' | 'encodeBatch' | 'encodeWithOffsets'>

type Encode = (
  tokenizer: EncodingTokenizer,
  texts: readonly Text[],
  options: EncodeOptions,
  isPair: readonly boolean[],
) => readonly RowTokens[]

/** The tokens of all texts, with where they are from. */
const encodeWithOffsets: Encode = (tokenizer, texts, options, isPair) => {
  try {
    return texts.map((text) => {
      const { ids, offsets, ends, wordIds } = tokenizer.encodeWithOffsets(text, { ...options, wordIds: true })
      return { ids, origins: { offsets, ends, wordIds: wordIds as NonSharedInt32Array } }
    })
  } catch (error) {
    // Its error names the row.
    encodeBatch(tokenizer, texts, options, isPair)
    throw error
  }
}

/** The ids of all texts; errors name the row. */
const encodeBatch: Encode = (tokenizer, texts, options, isPair) => {
  try {
    return Array.from(tokenizer.encodeBatch(texts, options), (ids) => ({ ids }))
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
