import { isArray } from '../../validate.ts'

/*
 * JSON as Rust's serde_json 1.0.140 writes what it has read: numbers otherwise than JavaScript does, some of them not to the last bit, for it multiplies
 * digits by a power of ten and rounds twice.
 */

/** `value`, which is JSON, as serde_json would write it. */
export const serdeText = (value: unknown): string => {
  if (typeof value === 'number') return numberText(value)
  if (isArray(value)) return `[${value.map(serdeText).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{${Object.entries(value)
    .map(([key, each]) => `${JSON.stringify(key)}:${serdeText(each)}`)
    .join(',')}}`
}

const largestInteger = 2n ** 64n - 1n
const leastInteger = -(2n ** 63n)

const numberText = (number: number): string => {
  const text = JSON.stringify(number)
  if (/^-?\d+$/.test(text) && BigInt(text) >= leastInteger && BigInt(text) <= largestInteger) return text
  return floatText(readNumber(text))
}

/** The number that serde_json reads in `text`, which is no integer of 64 bits. */
const readNumber = (text: string): number => {
  const parts = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(text) ?? []
  const [, sign, whole = '', fraction = '', power = '0'] = parts
  let digits = BigInt(whole + fraction)
  let exponent = Number(power) - fraction.length
  for (; digits > largestInteger; digits /= 10n) exponent += 1
  let value = Number(digits)
  for (; exponent < -308; exponent += 308) value /= 1e308
  value = exponent < 0 ? value / Number(`1e${-exponent}`) : value * Number(`1e${exponent}`)
  return sign === '-' ? -value : value
}

/** The shortest digits of `number`, laid out as Rust's ryu does. */
const floatText = (number: number): string => {
  const [mantissa = '', power = ''] = Math.abs(number).toExponential().split('e')
  const digits = mantissa.replace('.', '')
  const point = Number(power) + 1
  const sign = number < 0 ? '-' : ''
  if (digits.length <= point && point <= 16) return `${sign}${digits.padEnd(point, '0')}.0`
  if (0 < point && point <= 16) return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`
  if (-5 < point && point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  return `${sign}${mantissa}e${point - 1}`
}
