import type { Depth, Rgb, Style } from './style.ts'

/*
 * Signed values as colours: blue below zero, white at it, red above. Without colour, as shade from the lowest value to the
 * highest.
 */

/* From -1 to 1. Each is in the palette of 256 colours, so that there is no other tint where that is all there is. */
const stops: readonly Rgb[] = [
  [0, 95, 175],
  [95, 135, 215],
  [135, 175, 215],
  [175, 215, 255],
  [215, 215, 255],
  [255, 255, 255],
  [255, 215, 215],
  [255, 175, 175],
  [255, 135, 135],
  [215, 95, 95],
  [175, 0, 0],
]

const shades = [' ', '░', '▒', '▓', '█']

/** The colour of `value` on a scale from -`limit` to `limit`: a mixture of two stops, or at 8 bits the nearest one. */
export const heat = (value: number, limit: number, depth: Depth = 24): Rgb => {
  const place = ((clampUnit(value / limit) + 1) / 2) * (stops.length - 1)
  if (depth < 24) return stops[Math.round(place)] as Rgb
  const low = Math.min(stops.length - 2, Math.floor(place))
  const [from, to] = [stops[low] as Rgb, stops[low + 1] as Rgb]
  const mix = (i: 0 | 1 | 2) => Math.round(from[i] + (to[i] - from[i]) * (place - low))
  return [mix(0), mix(1), mix(2)]
}

/** The shade of `value` on a scale from -`limit` (a blank) to `limit` (a full block). */
export const shade = (value: number, limit: number): string => {
  const t = (clampUnit(value / limit) + 1) / 2
  return shades[Math.min(shades.length - 1, Math.floor(t * shades.length))] as string
}

/** One row of values, a column each. */
export const heatRow = (style: Style, values: ArrayLike<number>, limit: number): string =>
  Array.from(values, (value) =>
    style.depth >= 8 ? style.on(heat(value, limit, style.depth), ' ') : shade(value, limit),
  ).join('')

const clampUnit = (value: number): number => (Number.isNaN(value) ? 0 : Math.max(-1, Math.min(1, value)))
