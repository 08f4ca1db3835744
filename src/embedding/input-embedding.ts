import { types } from 'node:util'
import { callNative, callNativeAsync } from '../errors.ts'
import type { NativeInputEmbedding, NativeInputEmbeddingConfig, NativePass, NativeTensor } from '../native-binding.d.ts'
import {
  boolean,
  checkMade,
  finiteNumber,
  integerIn,
  invalid,
  isOfClass,
  oneOf,
  options as known,
  own,
  positiveInteger,
} from '../validate.ts'
import { addonOf, cudaOf, type DeviceName, onFirst, onFirstAsync } from './device.ts'
import type { DType, Values } from './dtype.ts'
import { type LookupOptions, resolvePadding, resolveTable, type TableOptions } from './embedding.ts'
import { filePath } from '../file-path.ts'
import { backward } from './gradient.ts'
import { TablesHandle } from './handle.ts'
import { checkedIdentity, madeFor, readIdentity, type TokenizerIdentity, writeIdentity } from './made-for.ts'
import { checkMemory, memoryLimit } from './memory.ts'
import { checkOutput, outputFor } from './output.ts'
import { Parameter } from './parameter.ts'
import { Tensor } from './tensor.ts'
import { type BatchInputs, idsForEach, shapedIds, type ShapedIds, type TokenIds } from './token-ids.ts'

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
  readonly position?: Position | undefined
  /**
   * Factor of the token rows before positions are added: `true` is √dimensions (Vaswani et al.,
   * section 3.4), `false` is 1.
   * @default false
   */
  readonly scale?: boolean | number | undefined
  /**
   * Rows of a table of token types, which is added too: BERT has 2, and tells two sentences apart by them. 0 is no such table.
   * @default 0
   */
  readonly tokenTypes?: number | undefined
  /**
   * Whether the sum is normalised (Ba, Kiros and Hinton, "Layer Normalization", 2016), as in BERT; `true` is `{ epsilon: 1e-5 }`, as in
   * torch, and BERT has 1e-12.
   * @default false
   */
  readonly layerNorm?: boolean | { readonly epsilon: number } | undefined
  /**
   * Dropout rate in training; the other values are scaled by 1 / (1 - dropout). At least 0 and less than 1.
   * @default 0
   */
  readonly dropout?: number | undefined
  /**
   * An id whose row of the token table is zeros and has no gradient.
   * @default none
   */
  readonly paddingId?: number | undefined
  /**
   * Random seed of the initial values, which are N(0, 0.02) as in GPT-2, and of dropout. The same seed gives the same
   * values on every machine.
   * @default 0
   */
  readonly seed?: number | undefined
  /** The tokenizer whose ids it is for. Files keep its name and fingerprint, and {@link InputEmbedding.load} compares them. */
  readonly tokenizer?: TokenizerIdentity | undefined
}

/** How {@link InputEmbedding.load} reads. */
export interface InputEmbeddingLoadOptions extends TableOptions {
  /** The tokenizer whose ids are to be read. Weights that are known to be made for another one are refused. */
  readonly tokenizer?: TokenizerIdentity | undefined
}

/** How {@link InputEmbedding.forward} reads ids. */
export interface ForwardOptions extends LookupOptions {
  /**
   * The position of the first id of each row: what was read before it, when a text is read in pieces.
   * @default 0
   */
  readonly positionOffset?: number | undefined
  /**
   * The position of each id, where a row holds several texts. A batch of packed documents has its own.
   * @default positionOffset and the following, along each row
   */
  readonly positionIds?: Uint32Array | undefined
  /**
   * The type of each id, of an embedding with `tokenTypes`.
   * @default 0 for all
   */
  readonly typeIds?: Uint32Array | undefined
  /**
   * Whether dropout is applied. Each such pass has another mask, made from the seed and the number of passes before, which `save` keeps.
   * @default false
   */
  readonly training?: boolean | undefined
}

/** How {@link InputEmbedding.save} writes. */
export interface SaveOptions {
  /**
   * What the tables are called: `'gpt2'` is `wte.weight` and `wpe.weight`, `'bert'` is `bert.embeddings.word_embeddings.weight` and so on.
   * @default 'gpt2'
   */
  readonly names?: 'gpt2' | 'bert' | undefined
}

/** How {@link InputEmbedding.resize} makes new rows. */
export interface ResizeOptions {
  /**
   * The seed of the new rows: they are what `create` with this seed would give them.
   * @default the seed of the embedding; 0 when it was loaded from a file that has none, which is one without dropout
   */
  readonly seed?: number | undefined
}

/**
 * What a language model reads: a row of a token table plus a row of a position table,
 * `out[b, t] = scale * token[ids[b, t]] + position[positionOffset + t]`. Where asked for, rows of token types are added, the sum is
 * normalised, and in training values are left out.
 *
 * After {@link InputEmbedding.dispose}, everything but its sizes throws `ERR_DISPOSED`.
 */
export class InputEmbedding {
  /** Positions: the most tokens of one row of input. */
  readonly contextLength: number
  /** Values per token. */
  readonly dimensions: number
  /** How the position of a token enters. */
  readonly position: Position
  /** Factor of the token rows, as a 32-bit float. */
  readonly scale: number
  /** Rows of the table of token types; 0 where there is none. */
  readonly tokenTypes: number
  /** Dropout rate in training. */
  readonly dropout: number
  /** The type of the values. */
  readonly dtype: DType
  /** Where the tables are. */
  readonly device: DeviceName
  #tokenizer: TokenizerIdentity | undefined
  readonly #handle: TablesHandle<NativeInputEmbedding>
  readonly #seed: number
  #vocabSize: number
  /** Passes in training, each with another mask. */
  #passes: number

  private constructor(native: NativeInputEmbedding, device: DeviceName, seed: number, passes = 0) {
    checkMade(isOfClass(native), 'InputEmbedding', 'InputEmbedding.create or InputEmbedding.load')
    const { vocabSize, contextLength, dimensions, position, scale, tokenTypes, dropout, dtype, tokenizer } =
      native.config
    this.#vocabSize = vocabSize
    this.contextLength = contextLength
    this.dimensions = dimensions
    this.position = position
    this.scale = scale
    this.tokenTypes = tokenTypes
    this.dropout = dropout
    this.dtype = dtype
    this.device = device
    this.#seed = seed
    this.#tokenizer = readIdentity(tokenizer)
    this.#passes = passes
    this.#handle = new TablesHandle('embedding', native)
  }

  /** Rows of the token table. */
  get vocabSize(): number {
    return this.#vocabSize
  }

  /** The tokenizer whose ids it is for, when whoever made it said so. After {@link InputEmbedding.resize} it is not known. */
  get tokenizer(): TokenizerIdentity | undefined {
    return this.#tokenizer
  }

  /**
   * Tables of initial values.
   * @throws `ERR_LIMIT` when the tables do not fit into memory.
   */
  static create(options: InputEmbeddingOptions): InputEmbedding {
    const { config, seed, devices } = resolveInputEmbedding(options)
    return callNative(() =>
      onFirst(devices, (device) => {
        const { NativeInputEmbedding } = addonOf(device)
        return new InputEmbedding(NativeInputEmbedding.create(config, seed, cudaOf(device)), device, seed)
      }),
    )
  }

  /** {@link InputEmbedding.create} off the event loop. */
  static async createAsync(options: InputEmbeddingOptions): Promise<InputEmbedding> {
    const { config, seed, devices } = resolveInputEmbedding(options)
    return callNativeAsync(() =>
      onFirstAsync(devices, async (device) => {
        const { NativeInputEmbedding } = addonOf(device)
        return new InputEmbedding(await NativeInputEmbedding.createAsync(config, seed, cudaOf(device)), device, seed)
      }),
    )
  }

  /** @internal */
  static of(native: NativeInputEmbedding, seed: number): InputEmbedding {
    return new InputEmbedding(native, 'cpu', seed)
  }

  /**
   * Reads what {@link InputEmbedding.save} wrote, or the tables of a GPT-2 or a BERT in safetensors, by their names, with and without
   * the prefix of the whole model: positions of such files are learned, and nothing is scaled; those of BERT have token types, and a
   * normalisation. `path` is a file, a `model.safetensors.index.json` of several, or the folder of one of these. Values are rounded to `dtype`; in `'f32'`, the default, that loses nothing.
   * @throws `ERR_INVALID_FILE` says what is wrong with the file; `ERR_LIMIT` when a table does not fit into memory; `ERR_INVALID_ARGUMENT` when the
   *   file says that it was made for another tokenizer than `options.tokenizer`.
   */
  static async load(path: string | URL, options?: InputEmbeddingLoadOptions): Promise<InputEmbedding> {
    const file = filePath('path', path)
    const { tokenizer, ...table } = known('options', options, ['device', 'dtype', 'tokenizer'])
    const { devices, dtype } = resolveTable(table)
    const given = checkedIdentity('options.tokenizer', tokenizer)
    const embedding = await callNativeAsync(() =>
      onFirstAsync(devices, async (device) => {
        const { NativeInputEmbedding } = addonOf(device)
        const native = await NativeInputEmbedding.load(file, dtype, memoryLimit(), cudaOf(device))
        return new InputEmbedding(native, device, ...native.passes)
      }),
    )
    return madeFor(file, embedding, given)
  }

  /**
   * The embeddings of a batch or of ids, as a tensor of the shape of the ids and then `dimensions`. The last size of the
   * shape is the row of input along which positions count. With `out`, they are written into that array, which is returned, and nothing
   * is recorded for {@link InputEmbedding.backward}: a `Float32Array`, or for the bits of halves a `Uint16Array`.
   * @throws `ERR_OUT_OF_RANGE` names the first id that is not in the table, or says how long a row can be.
   */
  forward<Out extends Values>(input: BatchInputs | TokenIds, options: ForwardOptions & { readonly out: Out }): Out
  forward(input: BatchInputs | TokenIds, options?: ForwardOptions): Tensor
  forward(input: BatchInputs | TokenIds, options?: ForwardOptions & { readonly out?: Values }): Tensor | Values {
    const { out: target, ...rest } = known('options', options, [...forwardKeys, 'out'])
    const { ids, shape, pass } = this.#passOf(input, own(rest))
    if (target !== undefined) {
      const out = outputFor({ ids, shape }, this.dimensions, this.dtype, target)
      callNative(() => {
        const { native } = this.#handle
        if (types.isFloat32Array(out)) native.forwardInto(ids, pass, out)
        else native.forwardBitsInto(ids, pass, out)
      })
      this.#count(pass)
      return out
    }
    checkOutput({ ids, shape }, this.dimensions, this.dtype)
    const output = callNative(() => this.#output(this.#handle.native.forward(ids, pass), shape))
    this.#count(pass)
    return output
  }

  /** {@link InputEmbedding.forward} off the event loop. The ids are copied first. */
  async forwardAsync(input: BatchInputs | TokenIds, options?: ForwardOptions): Promise<Tensor> {
    const { ids, shape, pass } = this.#passOf(input, known('options', options, forwardKeys))
    checkOutput({ ids, shape }, this.dimensions, this.dtype)
    const before = this.#passes
    const output = callNativeAsync(async () => this.#output(await this.#handle.native.forwardAsync(ids, pass), shape))
    // At once: the next pass has another mask, also while this one is under way.
    this.#count(pass)
    try {
      return await output
    } catch (error) {
      // Where a later one has the next mask, there is no way back.
      if (pass.training !== undefined && this.#passes === before + 1) this.#passes = before
      throw error
    }
  }

  #count({ training }: NativePass): void {
    if (training !== undefined) this.#passes += 1
  }

  #passOf(
    input: BatchInputs | TokenIds,
    { shape: given, positionOffset = 0, positionIds, typeIds, training = false }: Partial<ForwardOptions>,
  ): ShapedIds & { pass: NativePass } {
    const { ids, shape, positionIds: ofBatch } = shapedIds(input, given)
    const offset = integerIn('options.positionOffset', positionOffset, 0)
    const pass: NativePass = own({ shape: [...shape], offset })
    const positions = positionIds ?? ofBatch
    if (positions !== undefined) {
      if (offset !== 0) throw invalid('options.positionOffset', '0, because each id has a position of its own,', offset)
      pass.positionIds = idsForEach(positionIds ? 'options.positionIds' : 'batch.positionIds', positions, ids.length)
    }
    if (typeIds !== undefined) pass.typeIds = idsForEach('options.typeIds', typeIds, ids.length)
    if (boolean('options.training', training)) pass.training = [this.#seed, this.#passes]
    return { ids, shape, pass }
  }

  #output(tensor: NativeTensor, shape: readonly number[]): Tensor {
    return Tensor.of(tensor, [...shape, this.dimensions], this.dtype, this.device)
  }

  /**
   * Adds to the gradients of the parameters what `grad`, the gradient of `output`, makes of them. Each output of
   * {@link InputEmbedding.forward} can be used once.
   * @throws `ERR_INVALID_ARGUMENT` for an output of another embedding, for the second time, for a gradient of another size, and where sums
   * that were normalised are of tables that have changed since; `ERR_DISPOSED` when the tables were replaced. Nothing is changed then.
   */
  backward(output: Tensor, grad: Tensor | Float32Array): void {
    callNative(() => backward(this.#handle.native, this.device, output, grad))
  }

  /**
   * What training changes, named as in GPT-2 and BERT: `wte.weight`, `wpe.weight` when positions are learned,
   * `token_type_embeddings.weight` with token types, `LayerNorm.weight` and `LayerNorm.bias` with a normalisation.
   */
  parameters(): readonly Parameter[] {
    return callNative(() => this.#handle.native.parameters()).map((parameter) =>
      Parameter.of(parameter, this.dtype, this.device, this.#handle),
    )
  }

  /**
   * Changes the number of tokens. Rows of ids that stay keep their values. All parameters from before, gradients and optimisers of them are
   * gone: they throw `ERR_DISPOSED`.
   * @throws `ERR_LIMIT` when the table does not fit into memory, `ERR_OUT_OF_RANGE` when the padding row would go, `ERR_BUSY` while the embedding
   * is saved, or changed by a step off the event loop; nothing is changed then.
   */
  resize(vocabSize: number, options?: ResizeOptions): void {
    const { seed = this.#seed } = known('options', options, ['seed'])
    const [size, checkedSeed] = [positiveInteger('vocabSize', vocabSize), integerIn('options.seed', seed, 0)]
    checkMemory(`a table of ${size} rows and ${this.dimensions} dimensions`, size * this.dimensions, this.dtype)
    this.#handle.calls.now(() => callNative(() => this.#handle.native.resize(size, checkedSeed)))
    this.#vocabSize = size
    this.#tokenizer = undefined
  }

  /**
   * Writes the parameters, as they are between two steps, and how they are used, into a safetensors file. It replaces an older file in one
   * step, so that nobody ever reads half of it. Steps of optimisers wait until it is written, or are `ERR_BUSY`.
   * @throws `ERR_INVALID_FILE` when the file cannot be written.
   */
  async save(path: string | URL, options?: SaveOptions): Promise<void> {
    const file = filePath('path', path)
    const { names = 'gpt2' } = known('options', options, ['names'])
    const checked = oneOf('options.names', names, ['gpt2', 'bert'])
    const save = () => this.#handle.native.save(file, checked, [this.#seed, this.#passes])
    await this.#handle.calls.later(() => callNativeAsync(save))
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

const forwardKeys = ['shape', 'positionOffset', 'positionIds', 'typeIds', 'training'] as const
const optionKeys = [
  'vocabSize',
  'contextLength',
  'dimensions',
  'position',
  'scale',
  'tokenTypes',
  'layerNorm',
  'dropout',
  'paddingId',
  'seed',
  'device',
  'dtype',
  'tokenizer',
] as const

const resolveInputEmbedding = (
  options: InputEmbeddingOptions,
): { config: NativeInputEmbeddingConfig; seed: number; devices: readonly DeviceName[] } => {
  const { position = 'learned', scale = false, seed = 0, ...rest } = known('options', options, optionKeys)
  const { tokenTypes = 0, layerNorm = false, dropout = 0, paddingId, tokenizer, ...others } = own(rest)
  const sizes = own(others)
  const identity = checkedIdentity('options.tokenizer', tokenizer)
  const { devices, dtype } = resolveTable(sizes)
  const dimensions = positiveInteger('options.dimensions', sizes.dimensions)
  const vocabSize = positiveInteger('options.vocabSize', sizes.vocabSize)
  const config: NativeInputEmbeddingConfig = own({
    vocabSize,
    contextLength: positiveInteger('options.contextLength', sizes.contextLength),
    dimensions,
    position: oneOf('options.position', position, ['learned', 'sinusoidal', 'none']),
    scale: resolveScale('options.scale', scale, dimensions),
    tokenTypes: integerIn('options.tokenTypes', tokenTypes, 0),
    dropout: resolveDropout('options.dropout', dropout),
    dtype,
    ...resolvePadding(paddingId, vocabSize - 1),
    ...resolveLayerNorm('options.layerNorm', layerNorm),
    ...(identity && { tokenizer: writeIdentity(identity) }),
  })
  const rows = vocabSize + config.tokenTypes + (config.position === 'none' ? 0 : config.contextLength)
  checkMemory(`tables of ${rows} rows and ${dimensions} dimensions`, rows * dimensions, dtype)
  return { config, seed: integerIn('options.seed', seed, 0), devices }
}

const resolveDropout = (name: string, dropout: unknown): number => {
  const share = finiteNumber(name, dropout)
  if (share >= 0 && share < 1) return share
  throw invalid(name, 'a number ≥ 0 and < 1', dropout)
}

const resolveLayerNorm = (name: string, layerNorm: unknown): { layerNorm?: number } => {
  if (typeof layerNorm === 'boolean') return layerNorm ? { layerNorm: 1e-5 } : {}
  if (
    typeof layerNorm !== 'object' ||
    layerNorm === null ||
    !('epsilon' in layerNorm && Object.hasOwn(layerNorm, 'epsilon'))
  ) {
    throw invalid(name, 'a boolean or { epsilon: number }', layerNorm)
  }
  const epsilon = finiteNumber(`${name}.epsilon`, layerNorm.epsilon)
  if (Math.fround(epsilon) > 0) return { layerNorm: epsilon }
  throw invalid(`${name}.epsilon`, 'a number > 0', epsilon)
}

const resolveScale = (name: string, scale: unknown, dimensions: number): number => {
  if (typeof scale === 'boolean') return scale ? Math.sqrt(dimensions) : 1
  const factor = Math.fround(finiteNumber(name, scale))
  if (factor !== 0 && Number.isFinite(factor)) return factor
  throw invalid(name, 'a boolean, or a number that a 32-bit float can hold and that is not 0,', scale)
}
