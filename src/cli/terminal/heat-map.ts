import type { Rgb, Style } from './style.ts'

/*
 * Signed values as colours: blue below zero, nearly white at it, red above. Without colour, as shade from the lowest
 * value to the highest.
 */

const negative: Rgb = [33, 102, 172]
const zero: Rgb = [247, 247, 247]
const positive: Rgb = [178, 24, 43]

const shades = [' ', '░', '▒', '▓', '█']

/** The colour of `value` on a scale from -`limit` to `limit`. */
export const heat = (value: number, limit: number): Rgb => {
  const t = clampUnit(value / limit)
  const end = t < 0 ? negative : positive
  const mix = (i: 0 | 1 | 2) => Math.round(zero[i] + (end[i] - zero[i]) * Math.abs(t))
  return [mix(0), mix(1), mix(2)]
}

/** The shade of `value` on a scale from -`limit` (a blank) to `limit` (a full block). */
export const shade = (value: number, limit: number): string => {
  const t = (clampUnit(value / limit) + 1) / 2
  return shades[Math.min(shades.length - 1, Math.floor(t * shades.length))] as string
}

/** One row of values, a column each. */
export const heatRow = (style: Style, values: ArrayLike<number>, limit: number): string =>
  Array.from(values, (value) => (style.depth >= 8 ? style.on(heat(value, limit), ' ') : shade(value, limit))).join('')

const clampUnit = (value: number): number => (Number.isNaN(value) ? 0 : Math.max(-1, Math.min(1, value)))
