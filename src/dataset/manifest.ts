/**
 * What an input file holds:
 *
 * - `'text'`: one document
 * - `'lines'`: a document per line, without its line end
 * - `{ separator }`: documents with this string between them
 * - `'jsonl'`: an object per line, of which one field is the document
 * - `'parquet'`: a row per document, of which one column is the text
 */
export type InputFormat = 'text' | 'lines' | 'jsonl' | 'parquet' | { readonly separator: string }

/** A form in which `prepare` writes ids; each but `raw` in a folder of its own. */
export type DatasetFormat =
  /** Shards of ids and nothing else, `train-00000.bin`: what {@link TokenStore} opens, and `numpy.memmap`. */
  | 'raw'
  /** `nanogpt/train.bin`, as nanoGPT reads it; for vocabularies of at most 65,536. */
  | 'nanogpt'
  /** `llmc/train_000000.bin`, as llm.c reads it. */
  | 'llmc'
  /** `megatron/train.bin` and `train.idx`, as Megatron-LM reads it. */
  | 'megatron'
  /** `npy/train-00000.npy`, as `numpy.load` reads it. */
  | 'npy'

/** A split of a dataset. */
export type SplitName = 'train' | 'val'

/** A file of a dataset. */
export interface DatasetFile {
  /** Its name in the folder of the manifest. */
  readonly file: string
  /** Its length. */
  readonly bytes: number
  /** The BLAKE3 of its bytes, in hexadecimal. */
  readonly blake3: string
}

/** One split of a dataset. */
export interface SplitManifest {
  /** Its documents. */
  readonly documents: number
  /** Its ids, with separators. */
  readonly tokens: number
  /** Where each document starts: little-endian 64-bit numbers, counted in ids. */
  readonly documentStarts: DatasetFile
  /** The raw shards in order, when `raw` is among the formats. */
  readonly shards: readonly { readonly file: string; readonly tokens: number; readonly blake3: string }[]
  /** The files of the other formats. */
  readonly others: Readonly<Partial<Record<DatasetFormat, readonly DatasetFile[]>>>
}

/** What a dataset holds: its `manifest.json`. Nothing in it depends on when, where or on how many threads it was made. */
export interface Manifest {
  /** `tokenmill-dataset`. */
  readonly kind: string
  /** 1. */
  readonly version: number
  /** Whose ids they are. */
  readonly tokenizer: { readonly name: string; readonly fingerprint: string; readonly vocabSize: number }
  /** The special tokens that documents may hold as such, sorted; absent where all are plain text. */
  readonly allowedSpecial?: readonly string[]
  /** How the raw shards hold an id. */
  readonly dtype: 'uint16' | 'uint32'
  /** The id between documents. */
  readonly separator: { readonly id: number; readonly position: 'before' | 'after' } | null
  /** Ids in a shard; the last of a split may have fewer. */
  readonly shardTokens: number
  /** The share of documents in `val`, and the seed that decides which. */
  readonly validation: { readonly share: number; readonly seed: number } | null
  /** Whether documents that came before were left out. */
  readonly deduplicated: boolean
  /** What was read. */
  readonly inputs: {
    readonly files: number
    readonly bytes: number
    /** The BLAKE3 of the names of the files, without folders, and of how long each is; absent in datasets of earlier versions. */
    readonly digest?: string
  }
  /** How it was read, and in which forms it was written; absent in datasets of earlier versions. */
  readonly preparation?: PreparationFacts
  /** What became of it. */
  readonly counts: DatasetCounts
  /** Each split. */
  readonly splits: Readonly<Partial<Record<SplitName, SplitManifest>>>
}

/** The options of `prepare` that a manifest does not tell otherwise. */
export interface PreparationFacts {
  /** What the files hold; `'detect'`: by the name of each. */
  readonly inputFormat: InputFormat | 'detect'
  /** The field or column that is the text. */
  readonly field: string
  /** The most bytes of a document. */
  readonly maxDocumentBytes: number
  /** What became of lines and values without a document. */
  readonly onMalformed: 'error' | 'skip'
  /** What became of bytes that are not UTF-8. */
  readonly onInvalidUtf8: 'error' | 'skip' | 'replace'
  /** What became of documents that are too large. */
  readonly onTooLarge: 'error' | 'skip'
  /** The forms of the result, sorted. */
  readonly format: readonly DatasetFormat[]
}

/** What became of the documents of the inputs. */
export interface DatasetCounts {
  /** Those that were written. */
  readonly documents: number
  /** Their ids, with separators. */
  readonly tokens: number
  /** The bytes of their text. */
  readonly bytes: number
  /** Documents without text, which are left out. */
  readonly empty: number
  /** Documents that were left out as they came before. */
  readonly duplicates: number
  /** Lines and values that were skipped as they hold no document. */
  readonly malformed: number
  /** Documents that were skipped as they are not UTF-8. */
  readonly invalidUtf8: number
  /** Documents that were skipped as they are too large. */
  readonly tooLarge: number
}
