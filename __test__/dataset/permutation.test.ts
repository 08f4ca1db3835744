import test from 'ava'
import * as fc from 'fast-check'
import { Permutation } from '../../src/dataset/permutation.ts'

/** The definition in src/dataset/permutation.ts, in arithmetic without a limit. */
const naiveOrder = (length: bigint, seed: bigint, epoch: bigint): ((index: bigint) => bigint) => {
  const word = 0xffffffffn
  const mix = (x: bigint) => {
    const once = ((x ^ (x >> 16n)) * 0x21f0aaadn) & word
    const twice = ((once ^ (once >> 15n)) * 0x735a2d97n) & word
    return twice ^ (twice >> 15n)
  }
  const keys: bigint[] = []
  let key = 0n
  for (const each of [seed & word, seed >> 32n, epoch & word, epoch >> 32n, 0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n]) {
    key = mix((key + each + 0x9e3779b9n) & word)
    keys.push(key)
  }
  let bits = 8n
  while (1n << bits < length) bits++
  const lowBits = bits / 2n
  const [highMask, lowMask] = [(1n << (bits - lowBits)) - 1n, (1n << lowBits) - 1n]
  const turn = (value: bigint) => {
    let [high, low] = [value >> lowBits, value & lowMask]
    for (let round = 0; round < 8; round++) {
      if (round % 2 === 0) high ^= mix(low ^ (keys[4 + round] as bigint)) & highMask
      else low ^= mix(high ^ (keys[4 + round] as bigint)) & lowMask
    }
    return (high << lowBits) | low
  }
  return (index) => {
    let value = turn(index)
    while (value >= length) value = turn(value)
    return value
  }
}

const orderOf = (length: number, seed = 0, epoch = 0) => {
  const order = new Permutation(length, seed, epoch)
  return Array.from({ length }, (_, index) => order.at(index))
}

test('the order is the same everywhere: golden values', (t) => {
  t.deepEqual(orderOf(10), [5, 8, 0, 4, 9, 6, 2, 3, 7, 1])
  t.deepEqual(orderOf(10, 1), [2, 7, 3, 1, 4, 8, 0, 6, 5, 9])
  t.deepEqual(orderOf(10, 0, 1), [2, 6, 8, 9, 3, 5, 0, 4, 1, 7])
  const large = new Permutation(2 ** 53 - 1, 2 ** 53 - 1, 7)
  t.deepEqual(
    [0, 1, 2 ** 53 - 2].map((index) => large.at(index)),
    [3189699657955974, 5481222368864871, 3498493901544142],
  )
})

const wide = fc.oneof(fc.nat(100), fc.nat(), fc.maxSafeNat())

test('the order equals its definition for any length, seed, epoch and index', (t) => {
  fc.assert(
    fc.property(wide, wide, wide, fc.maxSafeNat(), (extent, seed, epoch, place) => {
      const length = Math.max(1, extent)
      const index = place % length
      const expected = naiveOrder(BigInt(length), BigInt(seed), BigInt(epoch))(BigInt(index))
      t.is(new Permutation(length, seed, epoch).at(index), Number(expected))
    }),
    { numRuns: 2000 },
  )
})

test('many places at once are each place alone', (t) => {
  fc.assert(
    fc.property(
      wide,
      wide,
      fc.nat(900),
      fc.integer({ min: 1, max: 9 }),
      fc.maxSafeNat(),
      (extent, seed, count, step, place) => {
        const length = Math.max(1, extent)
        const first = place % length
        const order = new Permutation(length, seed, 3)
        const places = new Float64Array(Math.min(count, Math.ceil((length - first) / step)))
        order.fill(first, step, places)
        t.deepEqual(
          [...places],
          Array.from(places, (_, row) => order.at(first + row * step)),
        )
      },
    ),
    { numRuns: 300 },
  )
  t.throws(() => new Permutation(10, 0, 0).fill(8, 1, new Float64Array(3)), { code: 'ERR_INTERNAL' })
})

test('each index comes once, for every length up to 300 and some around powers of two', (t) => {
  const lengths = [...Array.from({ length: 300 }, (_, index) => index + 1), 1023, 1024, 1025, 65_535, 65_536, 65_537]
  for (const length of lengths) {
    t.is(new Set(orderOf(length, length, 3)).size, length)
  }
})

test('nothing stays in range by chance: values near 2^32 and 2^53 stay below the length', (t) => {
  for (const length of [2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 40 + 12_345, 2 ** 53 - 1]) {
    const order = new Permutation(length, 5, 0)
    const values = Array.from({ length: 2000 }, (_, index) => order.at(length - 1 - index))
    t.true(values.every((value) => Number.isSafeInteger(value) && value >= 0 && value < length))
    t.is(new Set(values).size, values.length)
    // Spread over the whole range, not only its low half.
    const high = values.filter((value) => value >= length / 2).length
    t.true(high > 850 && high < 1150, `${high} of 2000 in the upper half of ${length}`)
  }
})

/** The chi-squared statistic of counts that should be equal, in standard deviations from its mean. */
const surprise = (counts: Int32Array): number => {
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length
  const statistic = counts.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0)
  const freedom = counts.length - 1
  return (statistic - freedom) / Math.sqrt(2 * freedom)
}

for (const length of [2, 3, 5, 10, 16, 17, 100, 1000]) {
  test(`over many epochs each of ${length} samples is at each place equally often`, (t) => {
    const counts = new Int32Array(Math.min(length, 40) * length)
    for (let epoch = 0; epoch < 20 * length + 4000; epoch++) {
      const order = new Permutation(length, 42, epoch)
      for (let place = 0; place < Math.min(length, 40); place++) {
        const cell = place * length + order.at(place)
        counts[cell] = (counts[cell] as number) + 1
      }
    }
    t.true(surprise(counts) < 6, `${surprise(counts)} standard deviations`)
  })
}

test('all orders of 4, of 5 and of 6 samples come equally often', (t) => {
  for (const [length, orders] of [
    [4, 24],
    [5, 120],
    [6, 720],
  ] as const) {
    const counts = new Map<string, number>()
    for (let seed = 0; seed < 300 * orders; seed++) {
      const order = orderOf(length, seed).join()
      counts.set(order, (counts.get(order) ?? 0) + 1)
    }
    t.is(counts.size, orders)
    t.true(
      surprise(Int32Array.from(counts.values())) < 6,
      `${surprise(Int32Array.from(counts.values()))} standard deviations`,
    )
  }
})

test('neighbours are not kept together, and epochs and seeds do not resemble each other', (t) => {
  const length = 10_000
  const one = orderOf(length, 1, 0)
  const neighbours = one.filter(
    (value, index) => index > 0 && Math.abs(value - (one[index - 1] as number)) === 1,
  ).length
  t.true(neighbours < 15, `${neighbours} neighbours, 2 expected`)
  for (const other of [
    orderOf(length, 1, 1),
    orderOf(length, 2, 0),
    orderOf(length, 2 ** 32 + 1, 0),
    orderOf(length, 1, 2 ** 32),
    one.map((_, index) => index),
  ]) {
    const same = one.filter((value, index) => value === other[index]).length
    t.true(same < 10, `${same} at the same place, 1 expected`)
  }
})
