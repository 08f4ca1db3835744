import test from 'ava'
import { heat, heatRow, shade } from '../../../src/cli/terminal/heat-map.ts'
import { makeStyle } from '../../../src/cli/terminal/style.ts'

test('blue is below zero, red above, and the ends stand for what is beyond', (t) => {
  const [[r1, , b1], [r2, , b2]] = [heat(-1, 1), heat(1, 1)]
  t.true(b1 > r1)
  t.true(r2 > b2)
  t.deepEqual(heat(-9, 1), heat(-1, 1))
  t.deepEqual(heat(9, 1), heat(1, 1))
  t.deepEqual(heat(0, 1), [255, 255, 255])
  t.deepEqual(heat(NaN, 1), heat(0, 1))
})

test('with 256 colours only those of the palette are taken', (t) => {
  const palette = new Set([0, 95, 135, 175, 215, 255])
  for (let value = -1; value <= 1; value += 0.01) t.true(heat(value, 1, 8).every((part) => palette.has(part)))
})

test('shades rise with the value', (t) => {
  t.is([-1, -0.5, 0, 0.5, 1].map((value) => shade(value, 1)).join(''), ' ░▒▓█')
})

test('a row has a column for each value, in colour or not', (t) => {
  const values = [-1, 0, 1]
  t.is(heatRow(makeStyle(0, 80), values, 1), ' ▒█')
  for (const [depth, code] of [
    [8, '48;5;'],
    [24, '48;2;'],
  ] as const) {
    const row = heatRow(makeStyle(depth, 80), values, 1)
    t.is(row.split(`\x1b[${code}`).length, 4)
    t.is(row.replaceAll(/\x1b\[[\d;]*m/g, ''), '   ')
  }
})
