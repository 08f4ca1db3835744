/** `1,234,567`; the same on every machine. */
export const integer = (value: number): string => value.toLocaleString('en-US')

/** Bytes in kB, MB or GB (powers of 1000). */
export const bytes = (value: number): string =>
  value < 1e3
    ? `${value} bytes`
    : value < 1e6
      ? `${digits(value / 1e3)} kB`
      : value < 1e9
        ? `${digits(value / 1e6)} MB`
        : `${digits(value / 1e9)} GB`

/** Milliseconds, or seconds when there are many. */
export const time = (ms: number): string => (ms < 1000 ? `${digits(ms)} ms` : `${digits(ms / 1000)} s`)

/** `count` things in `ms`, per second. */
export const rate = (count: number, ms: number, unit: string): string => {
  const perSecond = (count / Math.max(ms, 1e-3)) * 1000
  return perSecond < 1e6
    ? `${digits(perSecond / 1e3)} k ${unit}/s`
    : perSecond < 1e9
      ? `${digits(perSecond / 1e6)} M ${unit}/s`
      : `${digits(perSecond / 1e9)} G ${unit}/s`
}

/** `[8, 16, 64]` */
export const shape = (sizes: readonly number[]): string => `[${sizes.join(', ')}]`

/** With its sign, in 6 columns: `+0.021`. */
export const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`

/** Three digits that count. */
const digits = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
