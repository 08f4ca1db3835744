import test from 'ava'
import { makeStyle } from '../../../src/cli/terminal/style.ts'
import { tokenLines } from '../../../src/cli/terminal/token-view.ts'
import { displayWidth } from '../../../src/cli/terminal/width.ts'

const plain = makeStyle(0, 80)

test('tokens stand in a row, and the text goes on in a new line where it has one', (t) => {
  t.deepEqual([...tokenLines(plain, ['a', '·b', '↵', 'c'], 20, 9)], ['a|·b|↵', 'c'])
  t.deepEqual([...tokenLines(plain, ['a', '↵'], 20, 9)], ['a|↵'])
  t.deepEqual([...tokenLines(plain, ['↵', 'a', '↵', 'b'], 20, 2)], ['↵', 'a|↵ …'])
  t.deepEqual([...tokenLines(plain, [], 20, 9)], [''])
})

test('lines are as wide as allowed, and as many', (t) => {
  const tokens = Array.from({ length: 200 }, (_, i) => (i % 3 === 0 ? '磨坊' : `·word${i}`))
  for (const style of [plain, makeStyle(24, 80)]) {
    const lines = [...tokenLines(style, tokens, 40, 5)]
    t.is(lines.length, 5)
    for (const line of lines) t.true(displayWidth(line.replaceAll(/\x1b\[[\d;]*m/g, '')) <= 40)
    t.true(lines.at(-1)?.includes('…'))
  }
})

test('a line is there as soon as its tokens are', (t) => {
  let asked = 0
  const tokens = function* () {
    for (;;) {
      asked++
      yield 'abcd'
    }
  }
  const lines = tokenLines(plain, tokens(), 20, Infinity)
  t.is(lines.next().value, 'abcd|abcd|abcd|abcd')
  t.is(asked, 5)
})

test('a token that is wider than a line is cut', (t) => {
  const [line] = tokenLines(plain, ['x'.repeat(100)], 20, 5)
  t.is(line, `${'x'.repeat(18)}…`)
})
