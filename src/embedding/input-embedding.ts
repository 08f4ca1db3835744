import { callNative } from '../errors.ts'
import { native } from '../native.ts'
import type { NativeInputEmbedding, NativeInputEmbeddingConfig, NativeTensor } from '../native-binding.d.ts'
import { finiteNumber, integerIn, invalid, oneOf, options as known, positiveInteger } from '../validate.ts'
import type { DeviceName } from './device.ts'
import type { DType } from './dtype.ts'
import { type LookupOptions, resolveTable, type TableOptions } from './embedding.ts'
import { filePath } from './file-path.ts'
import { callNativeAsync, Handle } from './handle.ts'
import { checkMemory, memoryLimit } from './memory.ts'
import { checkOutput, outputFor } from './output.ts'
import { Parameter } from './parameter.ts'
import { Tensor } from './tensor.ts'
import { type BatchInputs, shapedIds, type TokenIds } from './token-ids.ts'

/**
 * How the position of a token enters its embedding:
 *
 * - `'learned'`: a trained row per position is added (GPT-2)
 * - `'sinusoidal'`: a fixed row of sines and cosines per position is added (Vaswani et al., "Attention Is All You Need", 2017)
 * - `'none'`: nothing is added
 */
export type Position = 'learned' | 'sinusoidal' | 'none'

/** What an {@link InputEmbedding} is made of. */
export interface InputEmbeddingOptions extends TableOptions {
  /** Rows of the token table: ids are 0 to vocabSize - 1. */
  readonly vocabSize: number
  /** Positions: the most tokens of one row of input. */
  readonly contextLength: number
  /** Values per token. */
  readonly dimensions: number
  /**
   * How the position of a token enters.
   * @default 'learned'
   */
  readonly position?: Position
  /**
   * What rows of the token table are multiplied by before positions are added: `true` is √dimensions (Vaswani et al.,
   * section 3.4), `false` is 1.
   * @default false
   */
  readonly scale?: boolean | number
  /**
   * The seed of the initial values, which are N(0, 0.02) as in GPT-2. The same seed gives the same values on every machine.
   * @default 0
   */
  readonly seed?: number
}

/** How {@link InputEmbedding.forward} reads ids. */
export interface ForwardOptions extends LookupOptions {
  /**
   * The position of the first id of each row: what was read before it, when a text is read in pieces.
   * @default 0
   */
  readonly positionOffset?: number
}

/**
 * What a language model reads: a row of a token table plus a row of a position table,
 * `out[b, t] = scale * token[ids[b, t]] + position[positionOffset + t]`.
 *
 * After {@link InputEmbedding.dispose}, everything but its sizes throws `ERR_DISPOSED`.
 */
export class InputEmbedding {
  /** Rows of the token table. */
  readonly vocabSize: number
  /** Positions: the most tokens of one row of input. */
  readonly contextLength: number
  /** Values per token. */
  readonly dimensions: number
  /** How the position of a token enters. */
  readonly position: Position
  /** What rows of the token table are multiplied by, as a 32-bit float. */
  readonly scale: number
  /** The type of the values. */
  readonly dtype: DType = 'f32'
  /** Where the tables are. */
  readonly device: DeviceName
  readonly #handle: Handle<NativeInputEmbedding>

  private constructor(native: NativeInputEmbedding, device: DeviceName) {
    const { vocabSize, contextLength, dimensions, position, scale } = native.config
    this.vocabSize = vocabSize
    this.contextLength = contextLength
    this.dimensions = dimensions
    this.position = position
    this.scale = scale
    this.device = device
    this.#handle = new Handle('embedding', native)
  }

  /**
   * Tables of initial values.
   * @throws `ERR_LIMIT` when the tables do not fit into memory.
   */
  static create(options: InputEmbeddingOptions): InputEmbedding {
    const { config, seed, device } = resolveInputEmbedding(options)
    return callNative(() => new InputEmbedding(native().NativeInputEmbedding.create(config, seed), device))
  }

  /** {@link InputEmbedding.create} off the event loop. */
  static async createAsync(options: InputEmbeddingOptions): Promise<InputEmbedding> {
    const { config, seed, device } = resolveInputEmbedding(options)
    return callNativeAsync(
      async () => new InputEmbedding(await native().NativeInputEmbedding.createAsync(config, seed), device),
    )
  }

  /**
   * Reads what {@link InputEmbedding.save} wrote, or `wte.weight` and `wpe.weight` of a GPT-2 in safetensors: positions of
   * such a file are learned, and nothing is scaled. F16 and BF16 values are widened, which loses nothing.
   * @throws `ERR_INVALID_FILE` says what is wrong with the file; `ERR_LIMIT` when a table does not fit into memory.
   */
  static async load(path: string | URL, options?: TableOptions): Promise<InputEmbedding> {
    const file = filePath('path', path)
    const { device } = resolveTable(known('options', options, ['device', 'dtype']))
    return callNativeAsync(
      async () => new InputEmbedding(await native().NativeInputEmbedding.load(file, memoryLimit()), device),
    )
  }

  /**
   * The embeddings of a batch or of ids, as a tensor of the shape of the ids and then `dimensions`. The last size of the
   * shape is the row of input along which positions count. With `out`, they are written into that array, which is returned.
   * @throws `ERR_OUT_OF_RANGE` names the first id that is not in the table, or says how long a row can be.
   */
  forward(input: BatchInputs | TokenIds, options: ForwardOptions & { readonly out: Float32Array }): Float32Array
  forward(input: BatchInputs | TokenIds, options?: ForwardOptions): Tensor
  forward(
    input: BatchInputs | TokenIds,
    options?: ForwardOptions & { readonly out?: Float32Array },
  ): Tensor | Float32Array {
    const { shape: given, positionOffset = 0, out: target } = known('options', options, [...forwardKeys, 'out'])
    const shaped = shapedIds(input, given)
    const offset = integerIn('options.positionOffset', positionOffset, 0)
    if (target !== undefined) {
      const { ids, shape, out } = outputFor(shaped, this.dimensions, target)
      callNative(() => this.#handle.native.forwardInto(ids, [...shape], offset, out))
      return out
    }
    const { ids, shape } = shaped
    checkOutput(shaped, this.dimensions)
    return callNative(() => this.#output(this.#handle.native.forward(ids, [...shape], offset), shape))
  }

  /** {@link InputEmbedding.forward} off the event loop. The ids are copied first. */
  async forwardAsync(input: BatchInputs | TokenIds, options?: ForwardOptions): Promise<Tensor> {
    const { shape: given, positionOffset = 0 } = known('options', options, forwardKeys)
    const { ids, shape } = shapedIds(input, given)
    const offset = integerIn('options.positionOffset', positionOffset, 0)
    checkOutput({ ids, shape }, this.dimensions)
    return callNativeAsync(async () =>
      this.#output(await this.#handle.native.forwardAsync(ids, [...shape], offset), shape),
    )
  }

  #output(tensor: NativeTensor, shape: readonly number[]): Tensor {
    return Tensor.of(tensor, [...shape, this.dimensions], this.device)
  }

  /** The tables that training changes, named as in GPT-2: `wte.weight`, and `wpe.weight` when positions are learned. */
  parameters(): readonly Parameter[] {
    return callNative(() => this.#handle.native.parameters()).map(({ name, shape }) =>
      Parameter.of(name, shape, () =>
        callNative(() => Tensor.of(this.#handle.native.parameter(name), shape, this.device)),
      ),
    )
  }

  /**
   * Writes the parameters, and how they are used, into a safetensors file. It replaces an older file in one step, so that
   * nobody ever reads half of it.
   * @throws `ERR_INVALID_FILE` when the file cannot be written.
   */
  async save(path: string | URL): Promise<void> {
    const file = filePath('path', path)
    await callNativeAsync(() => this.#handle.native.save(file))
  }

  /** Whether the memory was freed. */
  get disposed(): boolean {
    return this.#handle.disposed
  }

  /** Frees the tables. Tensors that came out of them stay. The second call does nothing. */
  dispose(): void {
    callNative(() => this.#handle.dispose())
  }

  /** {@link InputEmbedding.dispose}, for `using`. */
  [Symbol.dispose](): void {
    this.dispose()
  }
}

const forwardKeys = ['shape', 'positionOffset'] as const
const optionKeys = ['vocabSize', 'contextLength', 'dimensions', 'position', 'scale', 'seed', 'device', 'dtype'] as const

const resolveInputEmbedding = (
  options: InputEmbeddingOptions,
): { config: NativeInputEmbeddingConfig; seed: number; device: DeviceName } => {
  const { position = 'learned', scale = false, seed = 0, ...rest } = known('options', options, optionKeys)
  const { device } = resolveTable(rest)
  const dimensions = positiveInteger('options.dimensions', rest.dimensions)
  const config = {
    vocabSize: positiveInteger('options.vocabSize', rest.vocabSize),
    contextLength: positiveInteger('options.contextLength', rest.contextLength),
    dimensions,
    position: oneOf('options.position', position, ['learned', 'sinusoidal', 'none']),
    scale: resolveScale('options.scale', scale, dimensions),
  }
  const rows = config.vocabSize + (config.position === 'none' ? 0 : config.contextLength)
  checkMemory(`tables of ${rows} rows and ${dimensions} dimensions`, rows * dimensions)
  return { config, seed: integerIn('options.seed', seed, 0), device }
}

const resolveScale = (name: string, scale: unknown, dimensions: number): number => {
  if (typeof scale === 'boolean') return scale ? Math.sqrt(dimensions) : 1
  const factor = Math.fround(finiteNumber(name, scale))
  if (factor !== 0 && Number.isFinite(factor)) return factor
  throw invalid(name, 'a boolean, or a number that a 32-bit float can hold and that is not 0,', scale)
}
