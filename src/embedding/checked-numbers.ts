import { allocated } from '../allocated.ts'

/**
 * The numbers that `check` makes of `values`, as an array of its own. An array of JavaScript may have far more places than there is memory for, and
 * nothing in them, so the first is looked at before memory is asked for; what goes through one, as `from` of typed arrays, ends the process.
 */
export const checkedNumbers = <T extends Float32Array | Uint32Array>(
  Numbers: new (length: number) => T,
  values: readonly unknown[],
  check: (value: unknown, index: number) => number,
): T => {
  const { length } = values
  if (length > 0) check(values[0], 0)
  const numbers = allocated(4 * length, () => new Numbers(length))
  for (let index = 0; index < length; index++) numbers[index] = check(values[index], index)
  return numbers
}
