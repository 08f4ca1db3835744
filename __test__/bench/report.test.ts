import test from 'ava'
import { withoutPaths } from '../../bench/lib/run-child.mjs'
import { digits, median, random, shuffled } from '../../bench/lib/stats.mjs'
import { table } from '../../bench/lib/table.mjs'
import { throughputSection } from '../../bench/lib/report.mjs'

test('the median is the middle one, or between the two in the middle', (t) => {
  t.is(median([3, 1, 2]), 2)
  t.is(median([4, 1, 2, 3]), 2.5)
})

test('numbers have three digits that mean something', (t) => {
  t.deepEqual([0.12345, 1.2345, 98.76, 321.9, 1234.6].map(digits), ['0.123', '1.23', '98.8', '322', '1,235'])
})

test('a shuffle keeps all items and follows its seed', (t) => {
  const items = Array.from({ length: 50 }, (_, i) => i)
  const order = shuffled(items, random(7))
  t.deepEqual(order, shuffled(items, random(7)))
  t.notDeepEqual(order, items)
  t.deepEqual(
    order.toSorted((a, b) => a - b),
    items,
  )
})

test('columns of a table are aligned', (t) => {
  const lines = table(
    ['', 'MB/s'],
    [
      ['a', '1'],
      ['longer', '1,000'],
    ],
  ).split('\n')
  t.deepEqual(lines, ['|        |  MB/s |', '|--------|------:|', '| a      |     1 |', '| longer | 1,000 |'])
})

const cell = {
  ...{ encoding: 'o200k_base', text: 'prose', bytes: 1e6, api: 'encode', load: [1], outcome: 'done', message: '' },
  ...{ first: [2e6, 1e6, 4e6], warm: [], ids: 0 },
}

const section = (...cells: object[]) =>
  throughputSection({
    ...{ title: 'Long texts', references: [{ encoding: 'o200k_base', text: 'prose', count: 1, from: 'tiktoken' }] },
    ...{ peers: ['right', 'wrong', 'slow', 'broken', 'unable'].map((id) => ({ id, title: id, counts: false })) },
    ...{
      encodings: ['o200k_base'],
      texts: [{ name: 'prose' }],
      apis: ['encode', 'count'],
      steps: ['first'],
      rounds: 3,
      cells,
    },
  })

test('every peer has a row that says how fast it is, or what is wrong with it', (t) => {
  const report = section(
    { ...cell, peer: 'right' },
    { ...cell, peer: 'wrong', ids: 1234 },
    { ...cell, peer: 'slow', first: [], ids: undefined, outcome: 'cut' },
    { ...cell, peer: 'broken', first: [], ids: undefined, outcome: 'failed', message: 'Error: no' },
  )
  t.regex(report, /\| right +\| +500 \(1,000\) \| += \|/)
  t.regex(report, /\| wrong +\| +500 \(1,000\) \| +prose ≠ 1,234 \|/)
  t.regex(report, /\| slow +\| +cut \| +prose \? \|/)
  t.regex(report, /\| broken +\| +fails \| +prose \? \|/)
  t.regex(report, /\| unable +\| +– \| +– \|/)
  t.regex(report, /- slow, o200k_base: stopped at the time limit: prose \(encode\)/)
  t.regex(report, /\| right † +\| +500 \(1,000\) \| += \|/) // no count of its own
  t.regex(report, /- broken, o200k_base: Error: no: prose \(encode\)/)
})

test('a message in a record names no folder of the machine', (t) => {
  const folder = ['', 'home', 'somebody', 'tokenmill'].join('/')
  t.is(withoutPaths(`Cannot find ${folder}/dist/index.js at line 3`), 'Cannot find index.js at line 3')
  t.is(withoutPaths(`Error: file://${folder}/a.mjs:1\n  failed`), 'Error: a.mjs:1 failed')
  t.is(withoutPaths(`C:\\Users\\somebody\\a.js`), 'a.js')
  t.is(withoutPaths('3 of 4 failed: 1/2'), '3 of 4 failed: 1/2')
})
