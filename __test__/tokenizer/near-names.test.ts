import test from 'ava'
import fc from 'fast-check'
import { didYouMean, nearNames } from '../../src/tokenizer/near-names.ts'

const fruits = ['apple', 'banana', 'cherry', 'pineapple']

for (const [title, name, names, expected] of [
  ['one letter missing', 'aple', fruits, ['apple']],
  ['one letter too many', 'bananna', fruits, ['banana']],
  ['one letter wrong', 'charry', fruits, ['cherry']],
  ['two neighbours swapped', 'hcerry', fruits, ['cherry']],
  ['another case', 'APPLE', ['Apple'], ['Apple']],
  ['a part of names', 'app', fruits, ['apple', 'pineapple']],
  ['a name and more', 'apple-2024', fruits, ['apple']],
  ['nothing alike', 'zzzzzz', fruits, []],
  ['nothing at all', '', ['a', 'ab', 'abc'], []],
  ['one letter that is none of a name', 'x', ['a', 'ab'], []],
  ['no names', 'apple', [], []],
  ['the nearest first', 'abcdef', ['abcdxx', 'abcdex'], ['abcdex', 'abcdxx']],
  ['at most three', 'abcdeX', ['abcde1', 'abcde2', 'abcde3', 'abcde4'], ['abcde1', 'abcde2', 'abcde3']],
  ['each name once', 'aple', ['apple', 'apple'], ['apple']],
] as const) {
  test(`near names of ${title}`, (t) => t.deepEqual(nearNames(name, names), [...expected]))
}

test('a name with one change is near to the name', (t) => {
  const name = fc.string({ minLength: 4, maxLength: 30, unit: fc.constantFrom(...'abcdefgh-_0123') })
  fc.assert(
    fc.property(name, fc.nat(), fc.constantFrom('x', ''), (known, place, letter) => {
      const at = place % known.length
      const changed = known.slice(0, at) + letter + known.slice(at + 1)
      t.deepEqual(nearNames(changed, [known]), [known])
    }),
  )
})

test('a name of any length is compared at once', (t) => {
  t.deepEqual(nearNames('apple'.repeat(1_000_000), fruits), ['apple'])
})

test('the sentence lists the names, or ends', (t) => {
  t.is(didYouMean('aple', fruits), "; did you mean 'apple'?")
  t.is(didYouMean('app', fruits), "; did you mean 'apple' or 'pineapple'?")
  t.is(didYouMean('zzzzzz', fruits), '.')
})
