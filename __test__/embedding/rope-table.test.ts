import { readFileSync } from 'node:fs'
import test from 'ava'
import { alibiSlopes } from '../../src/embedding/alibi-slopes.ts'
import { ropeTable, type RopeScaling, type RopeTableOptions } from '../../src/embedding/rope-table.ts'

interface Golden {
  readonly ropes: readonly {
    readonly headDimensions: number
    readonly base: number
    readonly scaling: RopeScaling | null
    readonly rows: Readonly<Record<string, { readonly cos: readonly number[]; readonly sin: readonly number[] }>>
  }[]
  readonly alibi: Readonly<Record<string, readonly number[]>>
}

const golden = JSON.parse(
  readFileSync(new URL('../../testdata/embedding/positions.json', import.meta.url), 'utf8'),
) as Golden

const near = (actual: Float32Array, expected: readonly number[]): boolean =>
  actual.length === expected.length &&
  expected.every((value, index) => Math.abs((actual[index] as number) - value) <= Math.abs(value) * 2 ** -23 + 1e-10)

test('rotary rows are those of transformers', (t) => {
  for (const { headDimensions, base, scaling, rows } of golden.ropes) {
    for (const [position, { cos, sin }] of Object.entries(rows)) {
      const table = ropeTable({
        contextLength: 1,
        headDimensions,
        base,
        positionOffset: Number(position),
        ...(scaling === null ? {} : { scaling }),
      })
      t.deepEqual(table.shape, [1, headDimensions / 2])
      t.true(near(table.cos, cos) && near(table.sin, sin), `${JSON.stringify(scaling)} at ${position}`)
    }
  }
})

test('rows follow one another, and an offset leaves out the first ones', (t) => {
  const whole = ropeTable({ contextLength: 20, headDimensions: 8 })
  const rest = ropeTable({ contextLength: 5, headDimensions: 8, positionOffset: 15 })
  t.deepEqual(whole.shape, [20, 4])
  t.deepEqual(whole.cos.subarray(60), rest.cos)
  t.deepEqual(whole.sin.subarray(60), rest.sin)
  t.deepEqual([...whole.cos.subarray(0, 4)], [1, 1, 1, 1])
  t.deepEqual([...whole.sin.subarray(0, 4)], [0, 0, 0, 0])
})

test('turned queries and keys see only how far apart they are', (t) => {
  const { cos, sin } = ropeTable({ contextLength: 64, headDimensions: 2, base: 100 })
  const turned = (x: number, y: number, position: number) => {
    const [c, s] = [cos[position] as number, sin[position] as number]
    return [x * c - y * s, x * s + y * c] as const
  }
  const score = (query: number, key: number) => {
    const [[a, b], [c, d]] = [turned(0.3, -1.2, query), turned(0.7, 0.4, key)]
    return a * c + b * d
  }
  for (const shift of [1, 7, 50]) t.true(Math.abs(score(10, 4) - score(10 + shift, 4 + shift)) < 1e-6)
  t.true(Math.abs(score(10, 4) - score(10, 5)) > 0.01)
})

test('defaults of a scaling are those of the models', (t) => {
  const table = (scaling: RopeScaling) => ropeTable({ contextLength: 9, headDimensions: 64, scaling })
  const [factor, originalContextLength] = [8, 4096]
  t.deepEqual(
    table({ type: 'llama3', factor, originalContextLength }),
    table({ type: 'llama3', factor, lowFrequency: 1, highFrequency: 4, originalContextLength }),
  )
  t.deepEqual(
    table({ type: 'yarn', factor, originalContextLength }),
    table({ type: 'yarn', factor, betaFast: 32, betaSlow: 1, truncate: true, originalContextLength }),
  )
})

test('slopes are those of BLOOM', (t) => {
  for (const [heads, expected] of Object.entries(golden.alibi))
    t.true(near(alibiSlopes(Number(heads)), expected), heads)
  t.deepEqual(
    [...alibiSlopes(8)],
    [1, 2, 3, 4, 5, 6, 7, 8].map((power) => 2 ** -power),
  )
})

const base: RopeTableOptions = { contextLength: 4, headDimensions: 4 }
const originalContextLength = 8
const wrong: readonly (readonly [string, unknown, RegExp])[] = [
  ['no options', undefined, /options\.contextLength/],
  ['contextLength 0', { ...base, contextLength: 0 }, /options\.contextLength/],
  ['headDimensions 3', { ...base, headDimensions: 3 }, /options\.headDimensions/],
  ['headDimensions 2.5', { ...base, headDimensions: 2.5 }, /options\.headDimensions/],
  ['base NaN', { ...base, base: NaN }, /options\.base/],
  ['base 1', { ...base, base: 1 }, /options\.base/],
  ['positionOffset -1', { ...base, positionOffset: -1 }, /options\.positionOffset/],
  ['an unknown option', { ...base, theta: 1 }, /received theta/],
  ['scaling 2', { ...base, scaling: 2 }, /options\.scaling/],
  ['an unknown scaling', { ...base, scaling: { type: 'dynamic', factor: 2 } }, /options\.scaling\.type/],
  ['factor 0.5', { ...base, scaling: { type: 'linear', factor: 0.5 } }, /options\.scaling\.factor/],
  ['factor Infinity', { ...base, scaling: { type: 'linear', factor: Infinity } }, /options\.scaling\.factor/],
  ['an option of another scaling', { ...base, scaling: { type: 'linear', factor: 2, betaFast: 1 } }, /betaFast/],
  ['no original length', { ...base, scaling: { type: 'llama3', factor: 2 } }, /originalContextLength/],
  [
    'frequencies the wrong way around',
    { ...base, scaling: { type: 'llama3', factor: 2, lowFrequency: 4, highFrequency: 1, originalContextLength } },
    /highFrequency/,
  ],
  [
    'betas the wrong way around',
    { ...base, scaling: { type: 'yarn', factor: 2, betaFast: 1, betaSlow: 32, originalContextLength } },
    /betaFast/,
  ],
  [
    'truncate 1',
    { ...base, scaling: { type: 'yarn', factor: 2, truncate: 1 as never, originalContextLength } },
    /truncate/,
  ],
  [
    'attentionFactor 0',
    { ...base, scaling: { type: 'yarn', factor: 2, attentionFactor: 0, originalContextLength } },
    /attentionFactor/,
  ],
]

for (const [what, options, message] of wrong) {
  test(`${what} is ERR_INVALID_ARGUMENT`, (t) => {
    t.throws(() => ropeTable(options as RopeTableOptions), { code: 'ERR_INVALID_ARGUMENT', message })
  })
}

test('a table takes its own memory and no more', (t) => {
  const before = process.resourceUsage().maxRSS
  const { cos, sin } = ropeTable({ contextLength: 2 ** 17, headDimensions: 256 })
  const kilobytes = (cos.byteLength + sin.byteLength) / 1024
  t.true(process.resourceUsage().maxRSS - before < 1.5 * kilobytes)
})

test('a table that no memory can hold is ERR_LIMIT', (t) => {
  t.throws(() => ropeTable({ contextLength: 2 ** 40, headDimensions: 2 ** 10 }), { code: 'ERR_LIMIT' })
})

test('heads that cannot be are ERR_INVALID_ARGUMENT', (t) => {
  for (const heads of [0, -1, 1.5, NaN, Infinity, 2 ** 40, '8']) {
    t.throws(() => alibiSlopes(heads as number), { code: 'ERR_INVALID_ARGUMENT', message: /heads/ })
  }
})
