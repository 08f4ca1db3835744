/*
 * How far one list of ids is from another. Where they part, the nearest place from which both go on alike for some ids is
 * looked for, so one character that a peer reads differently counts for the ids it has, not for all that follow.
 */

const agreeing = 8
const farthest = 512

/**
 * How many ids of `expected` and `found` have no counterpart: per place where they part, the larger of the two numbers.
 *
 * @param {Uint32Array} expected
 * @param {Uint32Array} found
 */
export const countDifferences = (expected, found) => {
  let [i, j, count] = [0, 0, 0]
  for (;;) {
    while (i < expected.length && j < found.length && expected[i] === found[j]) [i, j] = [i + 1, j + 1]
    const [left, right] = [expected.length - i, found.length - j]
    if (left === 0 || right === 0) return count + Math.max(left, right)
    const gap = nearest(expected, i, found, j)
    if (!gap) return count + Math.max(left, right)
    const [skipExpected, skipFound] = gap
    count += Math.max(skipExpected, skipFound)
    ;[i, j] = [i + skipExpected, j + skipFound]
  }
}

const nearest = (expected, i, found, j) => {
  for (let sum = 1; sum <= farthest; sum++) {
    for (let a = 0; a <= sum; a++) if (meets(expected, i + a, found, j + sum - a)) return [a, sum - a]
  }
  return undefined
}

const meets = (expected, i, found, j) => {
  if (i > expected.length || j > found.length) return false
  // The end of both is a meeting too.
  const length = Math.min(agreeing, expected.length - i, found.length - j)
  if (length < agreeing && expected.length - i !== found.length - j) return false
  for (let k = 0; k < length; k++) if (expected[i + k] !== found[j + k]) return false
  return true
}
