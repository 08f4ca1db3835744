import { callNative } from '../errors.ts'
import type { SpecialTokenPolicy } from './special-tokens.ts'

/** The native side of policies. */
interface PolicyHandle {
  addPolicy(allowed: string[], disallowed: string[]): number
}

/** Policies that are kept for later calls. */
const maxPolicies = 64

/** The numbers that a handle gave to policies of special tokens. Those of earlier calls are kept, so that their automata are built once. */
export class PolicyNumbers {
  readonly #numbers = new Map<string, number>()
  /** Those of policies that came again. */
  #known = new WeakMap<SpecialTokenPolicy, number>()
  readonly #handle: PolicyHandle
  readonly #drop: () => void

  /** @param drop makes the handle forget all policies that it was given here */
  constructor(handle: PolicyHandle, drop: () => void) {
    this.#handle = handle
    this.#drop = drop
  }

  /** The number of a policy. Numbers that were given before may not hold any more. */
  of(policy: SpecialTokenPolicy): number {
    const known = this.#known.get(policy)
    if (known !== undefined) return known
    const number = this.#numberOf(policy)
    this.#known.set(policy, number)
    return number
  }

  #numberOf({ allowed, disallowed }: SpecialTokenPolicy): number {
    const [allowedNames, disallowedNames] = [[...allowed], [...disallowed]]
    const key = JSON.stringify([allowedNames, disallowedNames])
    let number = this.#numbers.get(key)
    if (number === undefined) {
      if (this.#numbers.size === maxPolicies) {
        this.#numbers.clear()
        this.#known = new WeakMap()
        this.#drop()
      }
      number = callNative(() => this.#handle.addPolicy(allowedNames, disallowedNames))
      this.#numbers.set(key, number)
    }
    return number
  }
}
