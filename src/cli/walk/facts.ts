import type { EncodeOptions } from '../../tokenizer/tokenizer.ts'

/** What the walk is done with. */
export interface WalkOptions {
  readonly kind: 'bpe' | 'word'
  readonly contextLength: number
  readonly stride: number
  readonly batchSize: number
  readonly dimensions: number
  readonly seed: number
  readonly encode: EncodeOptions
}

/** A token as it is shown. */
export interface ShownToken {
  readonly id: number
  readonly text: string
}

/** One window: `targets` is `inputs` one token later. */
export interface ShownWindow {
  readonly index: number
  /** Where it starts among the ids. */
  readonly start: number
  readonly inputs: readonly ShownToken[]
  readonly targets: readonly ShownToken[]
}

/** What went into each stage of the walk and what came out, with times in milliseconds. */
export interface Walk {
  readonly text: {
    readonly source: string
    readonly bytes: number
    readonly characters: number
    readonly lines: number
    readonly ms: number
    readonly start: readonly string[]
  }
  readonly words: {
    /** Words in the text. */
    readonly count: number
    /** Different ones, with the special tokens. */
    readonly vocabularySize: number
    readonly entries: readonly ShownToken[]
    readonly specialTokens: readonly ShownToken[]
    readonly ms: number
  }
  readonly tokens: {
    readonly tokenizer: string
    readonly vocabSize: number
    readonly count: number
    readonly distinct: number
    readonly loadMs: number
    readonly ms: number
    readonly start: readonly ShownToken[]
    /** A line from elsewhere in the text, with the most scripts in it. */
    readonly passage: { readonly line: number; readonly tokens: readonly ShownToken[] } | null
    /** Whether decoding the ids gives the text back. */
    readonly roundTrip: boolean
  }
  readonly ids: {
    readonly type: 'Uint32Array'
    readonly bytes: number
    readonly smallest: number
    readonly largest: number
    readonly start: readonly number[]
  }
  readonly windows: {
    readonly contextLength: number
    readonly stride: number
    readonly count: number
    readonly ms: number
    readonly start: readonly ShownWindow[]
  }
  readonly batches: {
    readonly batchSize: number
    readonly count: number
    readonly shape: readonly number[]
    readonly lastShape: readonly number[]
    readonly ms: number
  }
  readonly embeddings: {
    readonly device: string
    readonly dtype: string
    readonly tokenTable: readonly number[]
    readonly positionTable: readonly number[]
    readonly tableBytes: number
    readonly shape: readonly number[]
    readonly createMs: number
    readonly ms: number
    /** Tokens that were embedded in `ms`: all, or those of the batches that the time allowed. */
    readonly tokens: number
    readonly batches: number
    /** The start of the first window: what is added, and the sum. */
    readonly rows: readonly EmbeddedToken[]
    /** One token of the first window that stands at two positions, when there is one. */
    readonly twice: { readonly first: EmbeddedToken; readonly second: EmbeddedToken; readonly distance: number } | null
  }
  readonly ms: number
}

/** A token of the first window with its rows: `input` is `token` + `position`. */
export interface EmbeddedToken extends ShownToken {
  readonly at: number
  readonly token: readonly number[]
  readonly position: readonly number[]
  readonly input: readonly number[]
}
