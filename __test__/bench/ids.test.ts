import test from 'ava'
import fc from 'fast-check'
import { countDifferences } from '../../bench/lib/ids.mjs'

const ids = (...numbers: number[]) => Uint32Array.from(numbers)
const long = (length: number, start = 0) => Uint32Array.from({ length }, (_, i) => start + i)

test('equal lists do not differ', (t) => {
  t.is(countDifferences(ids(), ids()), 0)
  t.is(countDifferences(long(100), long(100)), 0)
})

test('a place where two ids became three counts three, and what follows counts nothing', (t) => {
  const expected = [...long(50), 1001, 1002, ...long(50, 100)]
  const found = [...long(50), 2001, 2002, 2003, ...long(50, 100)]
  t.is(countDifferences(ids(...expected), ids(...found)), 3)
  t.is(countDifferences(ids(...found), ids(...expected)), 3)
})

test('ids that are missing at the start, in the middle and at the end are counted', (t) => {
  const expected = long(100)
  t.is(countDifferences(expected, expected.slice(2)), 2)
  t.is(countDifferences(expected, expected.slice(0, 97)), 3)
  t.is(countDifferences(expected, ids(...expected.slice(0, 40), ...expected.slice(45))), 5)
  t.is(countDifferences(expected, ids()), 100)
})

test('lists that have nothing in common differ in all ids', (t) => {
  t.is(countDifferences(long(3000), long(2000, 10_000)), 3000)
})

test('only equal lists differ in nothing', (t) => {
  const list = fc.array(fc.nat({ max: 3 }), { maxLength: 40 }).map((numbers) => Uint32Array.from(numbers))
  fc.assert(
    fc.property(list, list, (a, b) => {
      const equal = a.length === b.length && a.every((id, i) => id === b[i])
      return countDifferences(a, b) === 0 ? equal : !equal
    }),
  )
  t.pass()
})
