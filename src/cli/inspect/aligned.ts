import { escaped } from '../terminal/visible.ts'

/** A line for each pair, the values below one another. What is in a file may be anything. */
export const aligned = (pairs: readonly (readonly [name: string, value: string])[]): string => {
  const shown = pairs.map(([name, value]) => [escaped(name), escaped(value)] as const)
  const width = shown.reduce((most, [name]) => Math.max(most, name.length), 0)
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('')
}
