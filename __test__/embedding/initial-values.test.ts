import { readFileSync } from 'node:fs'
import test from 'ava'
import { Embedding } from '../../src/embedding/embedding.ts'
import { InputEmbedding } from '../../src/embedding/input-embedding.ts'
import { hashOf, naiveInitialValues } from './naive-init.ts'

interface Case {
  readonly seed: number
  readonly stream: number
  readonly std: number
  readonly count: number
  readonly first: readonly number[]
  readonly hash: string
}

const file = new URL('../../testdata/embedding/initial-values.json', import.meta.url)
const cases = JSON.parse(readFileSync(file, 'utf8')) as readonly Case[]

/** The values of `row` by the addon, from the table that uses its stream. */
const actual = ({ seed, stream, std, count }: Case): Float32Array => {
  if (stream === 0) {
    using table = Embedding.create({ count, dimensions: 1, seed, init: { std } })
    return table.parameters()[0]?.toFloat32() ?? new Float32Array()
  }
  using embedding = InputEmbedding.create({ vocabSize: 1, contextLength: count, dimensions: 1, seed })
  return embedding.parameters()[1]?.toFloat32() ?? new Float32Array()
}

for (const row of cases.filter(({ stream, std }) => stream === 0 || std === 0.02)) {
  test(`initial values of seed ${row.seed}, stream ${row.stream}, std ${row.std} are the golden ones`, (t) => {
    const values = actual(row)
    t.is(values.length, row.count)
    t.deepEqual(Array.from(values.slice(0, 4)), row.first)
    t.is(hashOf(values), row.hash)
  })
}

test('the golden values are those of the definition', (t) => {
  t.true(cases.length >= 6)
  for (const { seed, stream, std, count, first } of cases) {
    const naive = naiveInitialValues(seed, stream, std, Math.min(count, 64))
    for (const [index, value] of first.entries()) {
      // Math.log and Math.cos may differ in the last bit of a double between versions of V8.
      t.true(Math.abs((naive[index] as number) - value) <= Math.abs(value) * 2 ** -23, `${seed} ${stream} ${index}`)
    }
  }
})

test('the same seed gives the same values, another seed others', (t) => {
  const values = (seed?: number) => {
    using table = Embedding.create({ count: 5, dimensions: 7, ...(seed === undefined ? {} : { seed }) })
    return table.forward([0, 1, 2, 3, 4]).toFloat32()
  }
  t.deepEqual(values(3), values(3))
  t.notDeepEqual(values(3), values(4))
  t.deepEqual(values(), values(0))
  t.notDeepEqual(values(2 ** 32), values(0))
})

test('tables made off the event loop are the same', async (t) => {
  const options = { vocabSize: 9, contextLength: 4, dimensions: 5, seed: 8 }
  using sync = InputEmbedding.create(options)
  using later = await InputEmbedding.createAsync(options)
  t.deepEqual(later.forward([1, 8]).toFloat32(), sync.forward([1, 8]).toFloat32())
  const table = { count: 3, dimensions: 2, seed: 5 }
  t.deepEqual(
    (await Embedding.createAsync(table)).forward([2]).toFloat32(),
    Embedding.create(table).forward([2]).toFloat32(),
  )
})
