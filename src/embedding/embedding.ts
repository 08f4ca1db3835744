import { types } from 'node:util'
import { callNative, callNativeAsync } from '../errors.ts'
import type { NativeEmbedding, NativeEmbeddingOptions, NativeTableOptions, NativeTensor } from '../native-binding.d.ts'
import { unsharedNumbers } from '../shared-memory.ts'
import {
  boolean,
  checkMade,
  finiteNumber,
  integerIn,
  invalid,
  invalidAs,
  isArray,
  isOfClass,
  options as known,
  own,
  positiveInteger,
  string,
} from '../validate.ts'
import { checkedNumbers } from './checked-numbers.ts'
import { addonOf, cudaOf, type Device, type DeviceName, onFirst, onFirstAsync, resolveDevice } from './device.ts'
import { type DType, resolveDType, type Values } from './dtype.ts'
import { filePath } from '../file-path.ts'
import { backward } from './gradient.ts'
import { TablesHandle } from './handle.ts'
import { checkedIdentity, madeFor, readIdentity, type TokenizerIdentity, writeIdentity } from './made-for.ts'
import { checkMemory, memoryLimit } from './memory.ts'
import { checkOutput, outputFor } from './output.ts'
import { Parameter } from './parameter.ts'
import { Tensor } from './tensor.ts'
import { type BatchInputs, shapedIds, type TokenIds } from './token-ids.ts'

/** Where a table is and of what type. */
export interface TableOptions {
  /**
   * Where to compute.
   * @default 'auto'
   */
  readonly device?: Device | undefined
  /**
   * The type of the values.
   * @default 'f32'
   */
  readonly dtype?: DType | undefined
}

/** How a table is trained. */
export interface LearningOptions {
  /**
   * An id whose row is zeros and has no gradient.
   * @default none
   */
  readonly paddingId?: number | undefined
  /**
   * Whether backward passes give the table a gradient, and steps change it; `parameters()[0].trainable` says so later.
   * @default true
   */
  readonly trainable?: boolean | undefined
}

/** Whose ids a table is for. */
export interface MadeForOptions {
  /** The tokenizer whose ids the table is for. Safetensors files keep its name and fingerprint, and `load` compares them. */
  readonly tokenizer?: TokenizerIdentity | undefined
}

/** A table of given values. */
export interface EmbeddingSize extends TableOptions, LearningOptions, MadeForOptions {
  /** Rows: ids are 0 to count - 1. */
  readonly count: number
  /** Values per row. */
  readonly dimensions: number
}

/** A table of initial values. */
export interface EmbeddingOptions extends EmbeddingSize {
  /**
   * How rows start: `'normal'` is N(0, 1), `{ std }` a normal distribution with that standard deviation.
   * @default 'normal'
   */
  readonly init?: 'normal' | 'zeros' | { readonly std: number } | undefined
  /**
   * The seed of the initial values. The same seed gives the same values on every machine.
   * @default 0
   */
  readonly seed?: number | undefined
}

/** How {@link Embedding.forward} reads ids. */
export interface LookupOptions {
  /**
   * The shape of the ids. A batch has its own.
   * @default [ids.length]
   */
  readonly shape?: readonly number[] | undefined
}

/**
 * A table of one row per id, like torch's `nn.Embedding`.
 *
 * After {@link Embedding.dispose}, everything but its sizes throws `ERR_DISPOSED`.
 */
export class Embedding {
  /** Rows: ids are 0 to count - 1. */
  readonly count: number
  /** Values per row. */
  readonly dimensions: number
  /** The type of the values. */
  readonly dtype: DType
  /** Where the table is. */
  readonly device: DeviceName
  /** The tokenizer whose ids it is for, when whoever made it said so, or its file does. */
  readonly tokenizer: TokenizerIdentity | undefined
  readonly #handle: TablesHandle<NativeEmbedding>

  private constructor(native: NativeEmbedding, dtype: DType, device: DeviceName) {
    checkMade(isOfClass(native), 'Embedding', 'Embedding.create, Embedding.fromArray or Embedding.load')
    this.count = native.count
    this.dimensions = native.dimensions
    this.dtype = dtype
    this.device = device
    this.tokenizer = readIdentity(native.tokenizer ?? undefined)
    this.#handle = new TablesHandle('embedding', native)
  }

  /**
   * A table of initial values.
   * @throws `ERR_LIMIT` when the table does not fit into memory.
   */
  static create(options: EmbeddingOptions): Embedding {
    const { devices, ...table } = resolveEmbedding(options)
    return callNative(() =>
      onFirst(devices, (device) => {
        const { NativeEmbedding } = addonOf(device)
        return new Embedding(NativeEmbedding.create(table, cudaOf(device)), table.table.dtype, device)
      }),
    )
  }

  /** {@link Embedding.create} off the event loop. */
  static async createAsync(options: EmbeddingOptions): Promise<Embedding> {
    const { devices, ...table } = resolveEmbedding(options)
    return callNativeAsync(() =>
      onFirstAsync(devices, async (device) => {
        const { NativeEmbedding } = addonOf(device)
        return new Embedding(await NativeEmbedding.createAsync(table, cudaOf(device)), table.table.dtype, device)
      }),
    )
  }

  /** A table of the values `data`, row after row, which are copied, and rounded to the type of the table. */
  static fromArray(data: Float32Array | readonly number[], size: EmbeddingSize): Embedding {
    const { devices, count, dimensions, table } = resolveSize(known('options', size, sizeKeys))
    const values = valuesOf(data, count, dimensions)
    return callNative(() =>
      onFirst(devices, (device) => {
        const { NativeEmbedding } = addonOf(device)
        const native = NativeEmbedding.fromArray(values, count, dimensions, table, cudaOf(device))
        return new Embedding(native, table.dtype, device)
      }),
    )
  }

  /**
   * Reads a table, whose values are rounded to `dtype`; in `'f32'`, the default, that loses nothing. A name that ends in `.npy` is a
   * matrix of `float32` or `float16` that numpy saved. Any other is safetensors, and the table the matrix `key` of F32, F16 or BF16 values: a
   * file, a `model.safetensors.index.json` of several, or the folder of one of these.
   * @throws `ERR_INVALID_FILE` says what is wrong with the file; `ERR_LIMIT` when a table does not fit into memory;
   * `ERR_OUT_OF_RANGE` when the padding row does not exist; `ERR_INVALID_ARGUMENT` when the file says that it was made for another tokenizer than
   * `options.tokenizer`.
   */
  static async load(
    path: string | URL,
    key = 'weight',
    options?: TableOptions & LearningOptions & MadeForOptions,
  ): Promise<Embedding> {
    const [file, name] = [filePath('path', path), string('key', key)]
    const { tokenizer, ...others } = known('options', options, [...tableKeys, ...learningKeys, 'tokenizer'])
    const { devices, table } = resolveKind(own(others), maxId)
    const given = checkedIdentity('options.tokenizer', tokenizer)
    const embedding = await callNativeAsync(() =>
      onFirstAsync(devices, async (device) => {
        const { NativeEmbedding } = addonOf(device)
        const native = isNpy(file)
          ? await NativeEmbedding.loadNpy(file, table, memoryLimit(), cudaOf(device))
          : await NativeEmbedding.load(file, name, table, memoryLimit(), cudaOf(device))
        return new Embedding(native, table.dtype, device)
      }),
    )
    return madeFor(file, embedding, given)
  }

  /**
   * The rows of `ids`, as a tensor of the shape of the ids and then `dimensions`. With `out`, they are written into that
   * array, which is returned, and nothing is recorded for {@link Embedding.backward}: a `Float32Array`, or for the bits of halves a
   * `Uint16Array`.
   * @throws `ERR_OUT_OF_RANGE` names the first id that is not in the table.
   */
  forward<Out extends Values>(ids: BatchInputs | TokenIds, options: LookupOptions & { readonly out: Out }): Out
  forward(ids: BatchInputs | TokenIds, options?: LookupOptions): Tensor
  forward(input: BatchInputs | TokenIds, options?: LookupOptions & { readonly out?: Values }): Tensor | Values {
    const { shape: given, out: target } = known('options', options, ['shape', 'out'])
    const shaped = shapedIds(input, given)
    const shape = [...shaped.shape]
    if (target !== undefined) {
      const out = outputFor(shaped, this.dimensions, this.dtype, target)
      callNative(() => {
        const { native } = this.#handle
        if (types.isFloat32Array(out)) native.forwardInto(shaped.ids, shape, out)
        else native.forwardBitsInto(shaped.ids, shape, out)
      })
      return out
    }
    checkOutput(shaped, this.dimensions, this.dtype)
    return callNative(() => this.#output(this.#handle.native.forward(shaped.ids, shape), shape))
  }

  /** {@link Embedding.forward} off the event loop. The ids are copied first. */
  async forwardAsync(input: BatchInputs | TokenIds, options?: LookupOptions): Promise<Tensor> {
    const { shape: given } = known('options', options, ['shape'])
    const { ids, shape } = shapedIds(input, given)
    checkOutput({ ids, shape }, this.dimensions, this.dtype)
    return callNativeAsync(async () => this.#output(await this.#handle.native.forwardAsync(ids, [...shape]), shape))
  }

  #output(tensor: NativeTensor, shape: readonly number[]): Tensor {
    return Tensor.of(tensor, [...shape, this.dimensions], this.dtype, this.device)
  }

  /**
   * Adds to the gradient of the table what `grad`, the gradient of `output`, makes of it. Each output of {@link Embedding.forward} can
   * be used once.
   * @throws `ERR_INVALID_ARGUMENT` for an output of another embedding, for the second time, and for a gradient of another size; nothing
   * is changed then.
   */
  backward(output: Tensor, grad: Tensor | Float32Array): void {
    callNative(() => backward(this.#handle.native, this.device, output, grad))
  }

  /** The table, named `weight`. */
  parameters(): readonly Parameter[] {
    return callNative(() => [Parameter.of(this.#handle.native.parameter(), this.dtype, this.device, this.#handle)])
  }

  /**
   * Writes the table under the name `key` into a safetensors file; or, when the name of the file ends in `.npy`, as numpy saves a matrix.
   * It replaces an older file in one step, so that nobody ever reads half of it. Steps of optimisers wait until it is written, or are `ERR_BUSY`.
   * @throws `ERR_INVALID_FILE` when the file cannot be written; numpy has no `bf16`.
   */
  async save(path: string | URL, key = 'weight'): Promise<void> {
    const [file, name] = [filePath('path', path), string('key', key)]
    const save = () => (isNpy(file) ? this.#handle.native.saveNpy(file) : this.#handle.native.save(file, name))
    await this.#handle.calls.later(() => callNativeAsync(save))
  }

  /** Whether the memory was freed. */
  get disposed(): boolean {
    return this.#handle.disposed
  }

  /** Frees the table. Tensors that came out of it stay. The second call does nothing. */
  dispose(): void {
    callNative(() => this.#handle.dispose())
  }

  /** {@link Embedding.dispose}, for `using`. */
  [Symbol.dispose](): void {
    this.dispose()
  }
}

const isNpy = (file: string): boolean => file.toLowerCase().endsWith('.npy')

const tableKeys = ['device', 'dtype'] as const
const learningKeys = ['paddingId', 'trainable'] as const
const sizeKeys = ['count', 'dimensions', 'tokenizer', ...tableKeys, ...learningKeys] as const
const embeddingKeys = [...sizeKeys, 'init', 'seed'] as const
const maxId = 0xffffffff

/** Checks `device` and `dtype`. */
export const resolveTable = (options: Partial<TableOptions>) => {
  const { device = 'auto', dtype = 'f32' } = own(options)
  return {
    devices: resolveDevice('options.device', device),
    dtype: resolveDType('options.dtype', dtype),
  }
}

/** Checks all that does not say how large a table is. */
const resolveKind = (
  { paddingId, trainable = true, ...rest }: Partial<TableOptions & LearningOptions>,
  lastId: number,
): { devices: readonly DeviceName[]; table: NativeTableOptions } => {
  const { devices, dtype } = resolveTable(rest)
  const padding = resolvePadding(paddingId, lastId)
  return { devices, table: own({ dtype, trainable: boolean('options.trainable', trainable), ...padding }) }
}

/** `paddingId`, when it is given, as an id that exists. */
export const resolvePadding = (paddingId: unknown, lastId: number): { paddingId?: number } =>
  paddingId === undefined ? {} : { paddingId: integerIn('options.paddingId', paddingId, 0, lastId) }

const resolveSize = (options: Partial<EmbeddingSize>) => {
  const { count, dimensions, tokenizer, ...rest } = own(options)
  const size = {
    count: positiveInteger('options.count', count),
    dimensions: positiveInteger('options.dimensions', dimensions),
  }
  const { devices, table } = resolveKind(own(rest), size.count - 1)
  const identity = checkedIdentity('options.tokenizer', tokenizer)
  const what = `a table of ${size.count} rows and ${size.dimensions} dimensions`
  checkMemory(what, size.count * size.dimensions, table.dtype)
  return { ...size, table: own({ ...table, ...(identity && { tokenizer: writeIdentity(identity) }) }), devices }
}

const resolveEmbedding = (options: EmbeddingOptions): NativeEmbeddingOptions & { devices: readonly DeviceName[] } => {
  const { init = 'normal', seed = 0, ...size } = known('options', options, embeddingKeys)
  return {
    ...resolveSize(size),
    std: resolveStd('options.init', init),
    seed: integerIn('options.seed', seed, 0),
  }
}

/** The standard deviation of the initial values; 0 is all zeros. */
const resolveStd = (name: string, init: unknown): number => {
  if (init === 'normal') return 1
  if (init === 'zeros') return 0
  if (typeof init !== 'object' || init === null || !('std' in init && Object.hasOwn(init, 'std'))) {
    throw invalid(name, "'normal', 'zeros' or { std: number }", init)
  }
  const std = finiteNumber(`${name}.std`, init.std)
  if (std <= 0) throw invalid(`${name}.std`, 'a number > 0', std)
  return std
}

/** `rows` times `dimensions` values that no other thread can change while they are copied. */
const valuesOf = (data: unknown, rows: number, dimensions: number): Float32Array => {
  const isTyped = types.isFloat32Array(data)
  if (!isTyped && !isArray(data)) throw invalid('data', 'a Float32Array or an array of numbers', data)
  const length = rows * dimensions
  if (data.length !== length)
    throw invalidAs('data', `${rows} × ${dimensions} = ${length} values`, `${data.length} values`)
  if (isTyped) return unsharedNumbers(data)
  return checkedNumbers(Float32Array, data, (value, index) => finiteNumber(`data[${index}]`, value))
}
