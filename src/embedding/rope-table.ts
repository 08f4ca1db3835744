import { allocated } from '../allocated.ts'
import { callNative } from '../errors.ts'
import { native } from '../native.ts'
import type { NativeRopeScaling } from '../native-binding.d.ts'
import type { NonSharedFloat32Array } from '../non-shared.ts'
import {
  boolean,
  finiteNumber,
  integerIn,
  invalid,
  oneOf,
  options as known,
  own,
  positiveInteger,
} from '../validate.ts'
import { checkMemory } from './memory.ts'

/** How the frequencies of a model are changed, so that it reads more positions than it was first trained with. */
export type RopeScaling =
  /** All are divided by `factor` (Chen et al., "Extending context window … via positional interpolation", 2023). */
  | { readonly type: 'linear'; readonly factor: number }
  /** Llama 3.1's: only slow ones are divided. */
  | {
      readonly type: 'llama3'
      readonly factor: number
      /**
       * Pairs that turn less often in the original context are divided by all of `factor`.
       * @default 1
       */
      readonly lowFrequency?: number | undefined
      /**
       * Pairs that turn more often are left alone.
       * @default 4
       */
      readonly highFrequency?: number | undefined
      /** Positions that the model was first trained with. */
      readonly originalContextLength: number
    }
  /** Peng et al., "YaRN", 2023. */
  | {
      readonly type: 'yarn'
      readonly factor: number
      /**
       * Pairs that turn more often in the original context are left alone.
       * @default 32
       */
      readonly betaFast?: number | undefined
      /**
       * Pairs that turn less often are divided by all of `factor`.
       * @default 1
       */
      readonly betaSlow?: number | undefined
      /** Positions that the model was first trained with. */
      readonly originalContextLength: number
      /**
       * Whether the first and the last pair that is divided in part are whole ones, as in the code of the paper; gpt-oss has `false`.
       * @default true
       */
      readonly truncate?: boolean | undefined
      /**
       * Factor of all values.
       * @default 0.1 ln(factor) + 1
       */
      readonly attentionFactor?: number | undefined
    }

/** What a {@link ropeTable} is made of. */
export interface RopeTableOptions {
  /** Rows: positions. */
  readonly contextLength: number
  /** The dimensions of a head that are turned, two at a time; even. */
  readonly headDimensions: number
  /**
   * Pair `i` turns by `base ** (-2 * i / headDimensions)` radians for each position; above 1.
   * @default 10000
   */
  readonly base?: number | undefined
  /**
   * The position of the first row.
   * @default 0
   */
  readonly positionOffset?: number | undefined
  /**
   * How the model was stretched over more positions than it was first trained with.
   * @default none
   */
  readonly scaling?: RopeScaling | undefined
}

/** Cosines and sines of angles, row after row. */
export interface RopeTable {
  /** Cosines. */
  readonly cos: NonSharedFloat32Array
  /** Sines. */
  readonly sin: NonSharedFloat32Array
  /** Rows, which are positions, and columns, one for each pair of dimensions. */
  readonly shape: readonly [contextLength: number, pairs: number]
}

/**
 * The table of rotary positions (Su et al., "RoFormer", 2021): `cos` and `sin` of `(positionOffset + row) * base ** (-2 * pair / headDimensions)`,
 * computed in 64-bit floats and rounded once. Attention turns pair `(x, y)` of queries and keys to
 * `(x * cos - y * sin, x * sin + y * cos)`; in Llama and GPT-NeoX pair `i` is of dimensions `i` and `i + headDimensions / 2`, in GPT-J and the
 * paper of `2 * i` and `2 * i + 1`.
 *
 * @throws `ERR_INVALID_ARGUMENT` names the option that is wrong; `ERR_LIMIT` when the table does not fit into memory.
 */
export const ropeTable = (options: RopeTableOptions): RopeTable => {
  const keys = ['contextLength', 'headDimensions', 'base', 'positionOffset', 'scaling'] as const
  const { base = 10_000, positionOffset = 0, scaling, ...others } = known('options', options, keys)
  const rest = own(others)
  const contextLength = positiveInteger('options.contextLength', rest.contextLength)
  const headDimensions = positiveInteger('options.headDimensions', rest.headDimensions)
  if (headDimensions % 2 !== 0) throw invalid('options.headDimensions', 'an even number', headDimensions)
  const config = own({
    contextLength,
    headDimensions,
    base: above('options.base', base, 1),
    positionOffset: integerIn('options.positionOffset', positionOffset, 0),
    ...(scaling === undefined ? {} : { scaling: resolveScaling('options.scaling', scaling) }),
  })
  checkMemory(
    `a table of ${contextLength} positions of ${headDimensions} dimensions`,
    contextLength * headDimensions,
    'f32',
  )
  const length = (contextLength * headDimensions) / 2
  const [cos, sin] = allocated(8 * length, () => [new Float32Array(length), new Float32Array(length)] as const)
  callNative(() => native().ropeTable(config, cos, sin))
  return { cos, sin, shape: [contextLength, headDimensions / 2] }
}

const resolveScaling = (name: string, given: RopeScaling): NativeRopeScaling => {
  if (typeof given !== 'object' || given === null) throw invalid(name, 'an object', given)
  const scaling = own(given)
  const type = oneOf(`${name}.type`, scaling.type, ['linear', 'llama3', 'yarn'])
  const factor = finiteNumber(`${name}.factor`, scaling.factor)
  if (factor < 1) throw invalid(`${name}.factor`, 'a number ≥ 1', factor)
  switch (scaling.type) {
    case 'linear':
      known(name, scaling, ['type', 'factor'])
      return own({ type, factor })
    case 'llama3': {
      const keys = ['type', 'factor', 'lowFrequency', 'highFrequency', 'originalContextLength'] as const
      const { lowFrequency = 1, highFrequency = 4, originalContextLength } = known(name, scaling, keys)
      const low = above(`${name}.lowFrequency`, lowFrequency, 0)
      return own({
        type,
        factor,
        low,
        high: above(`${name}.highFrequency`, highFrequency, low),
        originalContextLength: positiveInteger(`${name}.originalContextLength`, originalContextLength),
      })
    }
    case 'yarn': {
      const keys = [
        'type',
        'factor',
        'betaFast',
        'betaSlow',
        'originalContextLength',
        'truncate',
        'attentionFactor',
      ] as const
      const {
        betaFast = 32,
        betaSlow = 1,
        originalContextLength,
        truncate = true,
        attentionFactor,
      } = known(name, scaling, keys)
      const low = above(`${name}.betaSlow`, betaSlow, 0)
      return own({
        type,
        factor,
        low,
        high: above(`${name}.betaFast`, betaFast, low),
        originalContextLength: positiveInteger(`${name}.originalContextLength`, originalContextLength),
        truncate: boolean(`${name}.truncate`, truncate),
        ...(attentionFactor === undefined
          ? {}
          : { attentionFactor: above(`${name}.attentionFactor`, attentionFactor, 0) }),
      })
    }
  }
}

const above = (name: string, value: unknown, least: number): number => {
  const number = finiteNumber(name, value)
  if (number > least) return number
  throw invalid(name, `a number > ${least}`, number)
}
