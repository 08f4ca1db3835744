import { types } from 'node:util'
import { stat } from 'node:fs/promises'
import { filePath } from '../file-path.ts'
import { callNative, callNativeAsync, TokenmillError } from '../errors.ts'
import { native } from '../native.ts'
import type { StoreHandle } from '../native-binding.d.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { checkMade, integerIn, invalid, isOfClass, notShared, oneOf, options as checkedOptions } from '../validate.ts'
import { allocated } from '../allocated.ts'
import type { NonSharedFloat64Array, NonSharedUint32Array } from '../non-shared.ts'
import type { Batch, BatchArrays } from './batch.ts'
import { checkedArrays, freshArrays, givenArrays } from './collate.ts'
import { checkHoldsDataset } from './dataset-folder.ts'
import { headerOf } from './file-header.ts'
import type { Manifest, SplitName } from './manifest.ts'
import { verifyDataset, type VerifyOptions } from './verify.ts'

/** How {@link TokenStore.open} opens a dataset or a file. */
export interface TokenStoreOptions {
  /**
   * Which split of a dataset.
   * @default 'train'
   */
  readonly split?: SplitName | undefined
  /** A dataset whose ids are another tokenizer's is then an `ERR_INVALID_ARGUMENT`. */
  readonly tokenizer?: Pick<Tokenizer, 'name' | 'fingerprint'> | undefined
  /**
   * - `'map'`: the files are mapped into memory, which is the fastest; when somebody truncates one meanwhile, the system ends the process
   * - `'read'`: they are read by position, and a truncated one is an `ERR_CORRUPT_DATASET`
   * @default 'map'
   */
  readonly mode?: 'map' | 'read' | undefined
  /** How a file that is not in a dataset holds its ids: needed for a file, refused for a folder. */
  readonly dtype?: 'uint16' | 'uint32' | undefined
}

/** Where the documents of a {@link TokenStore} start. */
export interface StoreDocuments {
  /** The number of documents. */
  readonly length: number
  /** The place of the first id of document `index`. */
  start(index: number): number
  /** {@link StoreDocuments.start} of `count` documents from `first` on. */
  starts(first: number, count: number): NonSharedFloat64Array
  /** The document that the id at `place` belongs to. */
  at(place: number): number
}

/**
 * The ids of a split of a dataset that {@link prepare} made, or of a file of ids. They stay in their files: what is asked for is copied out, and no array
 * is a view of a file. There may be more than 2^32.
 *
 * ```ts
 * const store = await TokenStore.open('data', { split: 'train' })
 * store.length           // all ids of the split
 * store.slice(0, 1024)   // Uint32Array(1024)
 * ```
 */
export class TokenStore {
  /** The number of ids. */
  readonly length: number
  /** How the files hold an id. */
  readonly dtype: 'uint16' | 'uint32'
  /** What the dataset holds; absent for a file. */
  readonly manifest: Manifest | undefined
  /** Where documents start; absent for a file. */
  readonly documents: StoreDocuments | undefined
  readonly #native: StoreHandle
  readonly #folder: string

  private constructor(handle: StoreHandle, folder: string) {
    checkMade(isOfClass(handle), 'TokenStore', 'TokenStore.open')
    this.#native = handle
    this.#folder = folder
    this.length = handle.length
    this.dtype = handle.dtype
    this.manifest = handle.manifest === '' ? undefined : (JSON.parse(handle.manifest) as Manifest)
    const count = handle.documentCount ?? undefined
    this.documents = count === undefined ? undefined : documentsOf(handle, count)
  }

  /**
   * Opens the dataset in a folder, or a file of ids without a header.
   *
   * @param path the path or `file:` URL of a folder with a `manifest.json`, or of a file
   * @throws `ERR_INVALID_FILE` when there is none, or its preparation is not finished; when a file has the header of numpy, llm.c or Megatron-LM.
   * @throws `ERR_CORRUPT_DATASET` when a file is not there or not as long as the manifest says, or the manifest contradicts itself.
   * @throws `ERR_INVALID_ARGUMENT` when the ids are another tokenizer's, or there is no such split.
   */
  static async open(path: string | URL, options?: TokenStoreOptions): Promise<TokenStore> {
    const known = ['split', 'tokenizer', 'mode', 'dtype'] as const
    const { split = 'train', tokenizer, mode = 'map', dtype } = checkedOptions('options', options, known)
    const place = filePath('path', path)
    const mapped = oneOf('options.mode', mode, ['map', 'read']) === 'map'
    oneOf('options.split', split, ['train', 'val'])
    if (dtype !== undefined) oneOf('options.dtype', dtype, ['uint16', 'uint32'])
    if (tokenizer !== undefined && typeof tokenizer?.fingerprint !== 'string')
      throw invalid('options.tokenizer', 'a tokenizer', tokenizer)
    const cannotRead = (cause: Error): never => {
      throw new TokenmillError('ERR_INVALID_FILE', `cannot read ${place}: ${cause.message}`, { cause })
    }
    const stats = await stat(place).catch(cannotRead)
    const isFolder = stats.isDirectory()
    if (isFolder && dtype !== undefined) throw invalid('options.dtype', 'nothing, as the folder says it', dtype)
    if (!isFolder) {
      if (dtype === undefined) throw invalid('options.dtype', "'uint16' or 'uint32', as the path is a file", dtype)
      if (tokenizer !== undefined)
        throw invalid('options.tokenizer', 'nothing, as a file does not say whose ids it has', tokenizer)
      const header = stats.isFile() ? await headerOf(place).catch(cannotRead) : undefined
      if (header !== undefined)
        throw new TokenmillError(
          'ERR_INVALID_FILE',
          `${place}: expected ids without a header, received that of ${header}`,
        )
      return new TokenStore(
        await callNativeAsync(() => native().StoreHandle.openFile(place, dtype === 'uint32', mapped)),
        '',
      )
    }
    await checkHoldsDataset(place)
    const store = new TokenStore(await callNativeAsync(() => native().StoreHandle.open(place, split, mapped)), place)
    const { name, fingerprint } = (store.manifest as Manifest).tokenizer
    if (tokenizer !== undefined && tokenizer.fingerprint !== fingerprint) {
      store.close()
      throw new TokenmillError(
        'ERR_INVALID_ARGUMENT',
        `expected the tokenizer of the dataset, ${name} with the fingerprint ${fingerprint}, for options.tokenizer, received ${tokenizer.name} with ${tokenizer.fingerprint}`,
      )
    }
    return store
  }

  /** The id at `index`; from the end when it is negative. `undefined` when there is none, as in arrays. */
  at(index: number): number | undefined {
    integerIn('index', index, -Number.MAX_SAFE_INTEGER)
    const place = index < 0 ? this.length + index : index
    return place < 0 || place >= this.length ? undefined : this.slice(place, place + 1)[0]
  }

  /** The ids from `start` up to and without `end`; as in arrays, negative places count from the end, and what is past it is left out. */
  slice(start = 0, end = this.length): NonSharedUint32Array {
    const [from, to] = [this.#place('start', start), this.#place('end', end)]
    const count = Math.max(0, to - from)
    if (count > 2 ** 32 - 1)
      throw new TokenmillError('ERR_LIMIT', `expected at most ${2 ** 32 - 1} ids, received ${count}`)
    return callNative(() => {
      const ids = arrayOf(count)
      this.#native.copy(from, ids)
      return ids
    })
  }

  /**
   * The rows of `length` ids from each of `starts` on, one after the other; into `out` when it is given, which must be as long as they are.
   *
   * @throws `ERR_OUT_OF_RANGE` when a row reaches past the last id; nothing is then written.
   */
  gather(starts: Float64Array, length: number, out?: NonSharedUint32Array): NonSharedUint32Array {
    const size = this.#rows(starts, length)
    const ids = out ?? arrayOf(size)
    if (!types.isUint32Array(ids) || ids.length !== size) throw invalid('out', `a Uint32Array of ${size}`, out)
    notShared('out', 'a Uint32Array', ids)
    callNative(() => this.#native.gather(starts, length, ids))
    return ids
  }

  /** Reads what {@link TokenStore.gather} will copy into the memory of the system, off the event loop. */
  async readAhead(starts: Float64Array, length: number): Promise<void> {
    this.#rows(starts, length)
    return callNativeAsync(() => this.#native.readAhead(starts, length))
  }

  /** {@link TokenStore.gather} off the event loop. */
  async gatherAsync(starts: Float64Array, length: number): Promise<NonSharedUint32Array> {
    this.#rows(starts, length)
    return callNativeAsync(() => this.#native.gatherAsync(starts, length))
  }

  /**
   * Windows of `columns` inputs from each of `starts` on, with the next ids as targets, in one call.
   *
   * @throws `ERR_OUT_OF_RANGE` when a window reaches past the last id; nothing is then written. Also for an id of 2^31 or more, which is no target.
   */
  windows(starts: Float64Array, columns: number, out?: BatchArrays): Batch {
    this.#rows(starts, columns)
    const arrays = out === undefined ? undefined : checkedArrays(out)
    return this.windowsAhead(starts, columns, { rows: starts.length, out: arrays })
  }

  /** @internal The windows of the first `rows` of `starts`; those after them will be asked for next. */
  windowsAhead(
    starts: Float64Array,
    columns: number,
    { rows, out }: { readonly rows: number; readonly out?: BatchArrays | undefined },
  ): Batch {
    const { inputs, targets } = out ? givenArrays(out, rows * columns) : freshArrays(rows * columns)
    callNative(() => this.#native.copyWindows(starts, rows, columns, inputs, targets))
    return { inputs, targets, shape: [rows, columns] }
  }

  /**
   * Hashes every file of the dataset, of all splits and formats, on all cores.
   *
   * @throws `ERR_CORRUPT_DATASET` names the first file that is not what the manifest says.
   */
  async verify(options?: VerifyOptions): Promise<void> {
    if (this.manifest === undefined)
      throw new TokenmillError(
        'ERR_INVALID_ARGUMENT',
        'expected a dataset to verify, received a file, which has no manifest',
      )
    // An error when it is closed.
    callNative(() => this.#native.length)
    await verifyDataset(this.#folder, this.manifest, options)
  }

  /** Lets the files go; other calls are then `ERR_DISPOSED`. */
  close(): void {
    callNative(() => this.#native.close())
  }

  /** {@link TokenStore.close}. */
  [Symbol.dispose](): void {
    this.close()
  }

  #place(name: string, place: number): number {
    integerIn(name, place, -Number.MAX_SAFE_INTEGER)
    return Math.min(place < 0 ? Math.max(0, this.length + place) : place, this.length)
  }

  #rows(starts: Float64Array, length: number): number {
    if (!types.isFloat64Array(starts)) throw invalid('starts', 'a Float64Array', starts)
    const size = starts.length * integerIn('length', length, 0, 2 ** 32 - 1)
    if (size > 2 ** 32 - 1)
      throw new TokenmillError('ERR_LIMIT', `expected at most ${2 ** 32 - 1} ids, received ${size}`)
    return size
  }
}

const documentsOf = (handle: StoreHandle, length: number): StoreDocuments => {
  const starts = (first: number, count: number) =>
    callNative(() => handle.documentStarts(integerIn('first', first, 0), integerIn('count', count, 0, 2 ** 32 - 1)))
  return {
    length,
    start: (index) => starts(integerIn('index', index, 0), 1)[0] as number,
    starts,
    at: (place) => callNative(() => handle.documentAt(integerIn('place', place, 0))),
  }
}

const arrayOf = (length: number): NonSharedUint32Array => allocated(4 * length, () => new Uint32Array(length))
