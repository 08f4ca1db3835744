import { types } from 'node:util'
import { callNative, callNativeAsync } from '../errors.ts'
import type { NativeOptimizer, NativeRule, NativeSlotState } from '../native-binding.d.ts'
import {
  boolean,
  checkMade,
  finiteNumber,
  integerIn,
  invalid,
  invalidAs,
  isArray,
  options as known,
  own,
} from '../validate.ts'
import { addonOf } from './device.ts'
import { filePath } from '../file-path.ts'
import { unsharedNumbers } from '../shared-memory.ts'
import { Calls } from './calls.ts'
import { Handle } from './handle.ts'
import { memoryLimit } from './memory.ts'
import { Parameter } from './parameter.ts'

/** What both rules have. */
export interface OptimizerOptions {
  /** Learning rate. */
  readonly learningRate: number
  /**
   * Whether a step updates rows without a gradient too, as torch's dense optimisers do: their moments decay, their weights decay, and the
   * moments still move them. Without it a step costs no more than the rows that were looked up.
   * @default false
   */
  readonly dense?: boolean | undefined
}

/** Options of {@link Optimizer.adamW}. */
export interface AdamWOptions extends OptimizerOptions {
  /**
   * Decay rates (β1, β2) of the moment estimates, each at least 0 and less than 1.
   * @default [0.9, 0.999]
   */
  readonly betas?: readonly [number, number] | undefined
  /**
   * Added to the denominator for numerical stability.
   * @default 1e-8
   */
  readonly epsilon?: number | undefined
  /**
   * Decoupled weight decay.
   * @default 0.01
   */
  readonly weightDecay?: number | undefined
}

/** Options of {@link Optimizer.sgd}. */
export interface SgdOptions extends OptimizerOptions {
  /**
   * Momentum factor.
   * @default 0
   */
  readonly momentum?: number | undefined
  /**
   * Weight decay (L2 penalty).
   * @default 0
   */
  readonly weightDecay?: number | undefined
  /**
   * Whether to use Nesterov momentum.
   * @default false
   */
  readonly nesterov?: boolean | undefined
}

/** What an optimiser keeps; it survives `structuredClone`. */
export interface OptimizerState {
  /** The rule. */
  readonly rule: 'adamW' | 'sgd'
  /** Learning rate. */
  readonly learningRate: number
  /** For each parameter, in order. */
  readonly parameters: readonly ParameterState[]
}

/** What an optimiser keeps for one parameter. */
export interface ParameterState {
  /** Its name. */
  readonly name: string
  /** Steps that changed it. */
  readonly steps: number
  /** Its moments, each with as many values as the parameter has; none before the first step. AdamW keeps two, SGD with momentum one. */
  readonly moments: readonly Float32Array[]
}

/**
 * Changes parameters by their gradients.
 *
 * Gradients of embeddings have few rows. A step changes those rows alone, and their moments: the rule of torch's `SparseAdam`, where
 * weights of these rows decay too. With `dense: true`, a step changes all rows, as torch's `AdamW` and `SGD`. A parameter without a gradient
 * and one that is frozen are left out.
 *
 * The same steps give the same bits, on every processor and for any number of threads.
 *
 * Calls that return a promise are made one after the other. While one is under way, those that do not are an `ERR_BUSY`: they would have to wait
 * for it.
 */
export class Optimizer {
  readonly #parameters: readonly Parameter[]
  readonly #rule: 'adamW' | 'sgd'
  #learningRate: number
  readonly #handle: Handle<NativeOptimizer>
  readonly #calls = new Calls('optimizer')
  /** Its own, and those of the embeddings that a step changes. */
  readonly #stepCalls: readonly Calls[]

  private constructor(parameters: readonly Parameter[], whole: NativeRule & { readonly learningRate: number }) {
    checkMade(whole?.betas !== undefined, 'Optimizer', 'Optimizer.adamW or Optimizer.sgd')
    const { learningRate, ...rule } = whole
    this.#parameters = parametersOf(parameters)
    const addon = callNative(() => addonOf(this.#parameters[0]?.device ?? 'cpu'))
    this.#stepCalls = [this.#calls, ...new Set(this.#parameters.map(Parameter.callsOf))]
    this.#rule = rule.name
    this.#learningRate = learningRate
    this.#handle = callNative(
      () => new Handle('optimizer', addon.NativeOptimizer.create(this.#parameters.map(Parameter.nativeOf), rule)),
    )
  }

  /**
   * Adam with decoupled weight decay (Loshchilov and Hutter, 2019).
   * @throws `ERR_DISPOSED` when an embedding was disposed.
   */
  static adamW(parameters: readonly Parameter[], options: AdamWOptions): Optimizer {
    const { betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0.01, ...rest } = known('options', options, adamWKeys)
    if (!isArray(betas) || betas.length !== 2) throw invalid('options.betas', 'two numbers', betas)
    return new Optimizer(parameters, {
      ...resolveBoth(rest),
      name: 'adamW',
      betas: betas.map((beta, index) => fraction(`options.betas[${index}]`, beta)),
      epsilon: atLeastZero('options.epsilon', epsilon),
      weightDecay: atLeastZero('options.weightDecay', weightDecay),
      momentum: 0,
      nesterov: false,
    })
  }

  /**
   * Stochastic gradient descent.
   * @throws `ERR_DISPOSED` when an embedding was disposed.
   */
  static sgd(parameters: readonly Parameter[], options: SgdOptions): Optimizer {
    const { momentum = 0, weightDecay = 0, nesterov = false, ...rest } = known('options', options, sgdKeys)
    const rule = {
      ...resolveBoth(rest),
      name: 'sgd' as const,
      betas: [],
      epsilon: 0,
      weightDecay: atLeastZero('options.weightDecay', weightDecay),
      momentum: atLeastZero('options.momentum', momentum),
      nesterov: boolean('options.nesterov', nesterov),
    }
    if (rule.nesterov && rule.momentum === 0) throw invalid('options.momentum', 'a number > 0 with nesterov', momentum)
    return new Optimizer(parameters, rule)
  }

  /** Learning rate. It can be set at any time, for the steps that are asked for after it. */
  get learningRate(): number {
    return this.#learningRate
  }

  set learningRate(learningRate: number) {
    this.#learningRate = atLeastZero('learningRate', learningRate)
  }

  /**
   * Changes the parameters by their gradients, which stay until {@link Optimizer.zeroGrad}.
   * @throws `ERR_DISPOSED` when an embedding was disposed or resized, `ERR_BUSY` while one is saved; nothing is changed then.
   */
  step(): void {
    Calls.nowOf(this.#stepCalls, () => callNative(() => this.#ready.step(this.#learningRate)))
  }

  /**
   * {@link Optimizer.step} off the event loop, once embeddings that are saved are so. A pass over an embedding reads all of its tables as they were before a
   * step, or as they are after it; `forward` and `backward` on the event loop wait for the step that is under way.
   */
  async stepAsync(): Promise<void> {
    const learningRate = this.#learningRate
    await Calls.laterOf(this.#stepCalls, () => callNativeAsync(() => this.#ready.stepAsync(learningRate)))
  }

  /**
   * Makes the norm of all gradients together at most `maxNorm`, by multiplying each of them by `maxNorm / (norm + 1e-6)` where that is below 1: torch's
   * `clip_grad_norm_`, called between `backward` and {@link Optimizer.step}. A row that was looked up several times has one gradient, their sum. Parameters
   * that a step leaves out are left out here. `maxNorm` of `Infinity` changes nothing.
   *
   * @returns the norm before: the square root of the sum of the squares of all values. Where it is `NaN` or `Infinity`, gradients are then not numbers
   *   either; leave the step out.
   * @throws `ERR_DISPOSED` when an embedding was disposed or resized.
   */
  clipGradNorm(maxNorm: number): number {
    const checked = normLimit(maxNorm)
    return this.#calls.now(() => callNative(() => this.#ready.clipGradNorm(checked)))
  }

  /**
   * {@link Optimizer.clipGradNorm} off the event loop. `forward` and `backward` on the event loop wait for it, and a {@link Optimizer.stepAsync} that is asked for
   * meanwhile comes after it.
   */
  async clipGradNormAsync(maxNorm: number): Promise<number> {
    const checked = normLimit(maxNorm)
    return this.#calls.later(() => callNativeAsync(() => this.#ready.clipGradNormAsync(checked)))
  }

  /** Lets the gradients of all parameters go. */
  zeroGrad(): void {
    this.#calls.now(() => callNative(() => this.#handle.native.zeroGrad()))
  }

  /** A copy of what it keeps, to go on from with {@link Optimizer.load}. The values of the parameters are not in it. */
  state(): OptimizerState {
    const slots = this.#calls.now(() => callNative(() => this.#handle.native.state()))
    const parameters = slots.map((slot, index) => ({ name: this.#parameters[index]?.name ?? '', ...slot }))
    return { rule: this.#rule, learningRate: this.#learningRate, parameters }
  }

  /**
   * Goes on from the state of an optimiser of the same rule and of parameters of the same names and sizes.
   * @throws `ERR_INVALID_ARGUMENT` says what does not fit; nothing is changed then.
   */
  load(state: OptimizerState): void {
    const { learningRate, slots } = this.#slotsOf(state)
    this.#calls.now(() => callNative(() => this.#handle.native.load(slots)))
    this.#learningRate = learningRate
  }

  /**
   * Writes what {@link Optimizer.state} gives into a safetensors file, which replaces an older one in one step. Keep the parameters beside
   * it, with `save` of their embedding.
   * @throws `ERR_INVALID_FILE` when the file cannot be written.
   */
  async save(path: string | URL): Promise<void> {
    const file = filePath('path', path)
    const learningRate = this.#learningRate
    await this.#calls.later(() => callNativeAsync(() => this.#handle.native.save(file, learningRate)))
  }

  /**
   * {@link Optimizer.load} of a file that {@link Optimizer.save} wrote. Training then goes on as if it had not been interrupted, to the last
   * bit.
   * @throws `ERR_INVALID_FILE` says what is wrong with the file, `ERR_INVALID_ARGUMENT` what does not fit; nothing is changed then.
   */
  async loadFile(path: string | URL): Promise<void> {
    const file = filePath('path', path)
    const load = () => callNativeAsync(() => this.#handle.native.loadFile(file, memoryLimit()))
    this.#learningRate = await this.#calls.later(load)
  }

  #slotsOf(state: unknown): { learningRate: number; slots: NativeSlotState[] } {
    const { rule, learningRate, parameters } = known('state', state as OptimizerState, [
      'rule',
      'learningRate',
      'parameters',
    ])
    if (rule !== this.#rule) throw invalid('state.rule', `'${this.#rule}'`, rule)
    if (!isArray(parameters)) throw invalid('state.parameters', 'an array', parameters)
    const slots = Array.from(parameters as readonly unknown[], (each, index): NativeSlotState => {
      const place = `state.parameters[${index}]`
      const { name, steps, moments } = known(place, each as ParameterState, ['name', 'steps', 'moments'])
      const expected = this.#parameters[index]?.name
      if (expected !== undefined && name !== expected) throw invalid(`${place}.name`, `'${expected}'`, name)
      const fault = () => invalid(`${place}.moments`, 'an array of Float32Arrays', moments)
      if (!isArray(moments)) throw fault()
      const own = Array.from(moments, (values) => {
        if (types.isFloat32Array(values)) return unsharedNumbers(values)
        throw fault()
      })
      return { steps: integerIn(`${place}.steps`, steps, 0), moments: own }
    })
    return { learningRate: atLeastZero('state.learningRate', learningRate), slots }
  }

  /** The native optimiser, when no embedding was disposed. */
  get #ready(): NativeOptimizer {
    this.#parameters.forEach(Parameter.nativeOf)
    return this.#handle.native
  }

  /** Whether the memory was freed. */
  get disposed(): boolean {
    return this.#handle.disposed
  }

  /** Frees the moments; the parameters stay. The second call does nothing. */
  dispose(): void {
    callNative(() => this.#handle.dispose())
  }

  /** {@link Optimizer.dispose}, for `using`. */
  [Symbol.dispose](): void {
    this.dispose()
  }
}

const bothKeys = ['learningRate', 'dense'] as const
const adamWKeys = [...bothKeys, 'betas', 'epsilon', 'weightDecay'] as const
const sgdKeys = [...bothKeys, 'momentum', 'weightDecay', 'nesterov'] as const

const resolveBoth = (options: Partial<OptimizerOptions>) => {
  const { learningRate, dense = false } = own(options)
  return {
    learningRate: atLeastZero('options.learningRate', learningRate),
    dense: boolean('options.dense', dense),
  }
}

const atLeastZero = (name: string, value: unknown): number => {
  const number = finiteNumber(name, value)
  if (number >= 0) return number
  throw invalid(name, 'a number ≥ 0', value)
}

const normLimit = (maxNorm: unknown): number => {
  if (typeof maxNorm === 'number' && maxNorm >= 0) return maxNorm
  throw invalid('maxNorm', 'a number ≥ 0', maxNorm)
}

const fraction = (name: string, value: unknown): number => {
  const number = finiteNumber(name, value)
  if (number >= 0 && number < 1) return number
  throw invalid(name, 'a number ≥ 0 and < 1', value)
}

const parametersOf = (parameters: unknown): readonly Parameter[] => {
  if (!isArray(parameters)) throw invalid('parameters', 'an array of parameters', parameters)
  const checked = Array.from(parameters as readonly unknown[], (parameter, index) => {
    if (parameter instanceof Parameter) return parameter
    throw invalid(`parameters[${index}]`, 'a Parameter', parameter)
  })
  if (checked.length === 0) throw invalid('parameters', 'at least one parameter', parameters)
  const device = checked[0]?.device
  const other = checked.findIndex((parameter) => parameter.device !== device)
  if (other < 0) return checked
  throw invalidAs(`parameters[${other}]`, `a Parameter on ${device}, as the first`, `one on ${checked[other]?.device}`)
}
