import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import * as fc from 'fast-check'
import { TokenmillError, WordVectors, type NearWord } from '../../src/index.ts'
import { temporaryFolder } from './safetensors.ts'

const invalid = { instanceOf: TokenmillError, code: 'ERR_INVALID_ARGUMENT' }
const unknown = {
  instanceOf: TokenmillError,
  code: 'ERR_UNKNOWN_TOKEN',
  message: 'there is no vector of the word "cat"',
}
const badFile = { instanceOf: TokenmillError, code: 'ERR_INVALID_FILE' }

const words = ['king', 'man', 'queen', 'woman', 'bread']
const rows = [
  [2, 1, 0],
  [1, 0, 0],
  [1, 2, 0],
  [0, 1, 0],
  [0, 0, 3],
]
const royal = () => WordVectors.fromArray(words, rows.flat(), { dimensions: 3 })

const cosine = (a: readonly number[], b: readonly number[]) => {
  const dot = (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, value, index) => sum + value * (b[index] as number), 0)
  const lengths = Math.sqrt(dot(a, a) * dot(b, b))
  return lengths > 0 ? dot(a, b) / lengths : 0
}

test('words have vectors, in the order in which they were given', (t) => {
  const vectors = royal()
  t.is(vectors.size, 5)
  t.is(vectors.dimensions, 3)
  t.deepEqual(vectors.words, words)
  t.deepEqual(vectors.get('queen'), new Float32Array([1, 2, 0]))
  t.true(vectors.has('bread'))
  t.is(vectors.indexOf('woman'), 3)
  t.false(vectors.has('cat'))
  t.is(vectors.get('cat'), undefined)
  t.is(vectors.indexOf('cat'), undefined)
  t.deepEqual(vectors.toFloat32(), new Float32Array(rows.flat()))
})

test('a vector that was given out is a copy', (t) => {
  const vectors = royal()
  vectors.get('king')?.fill(9)
  vectors.toFloat32().fill(9)
  t.deepEqual(vectors.get('king'), new Float32Array([2, 1, 0]))
})

test('nearest words are those of the largest cosines, without the word itself', async (t) => {
  const model = fc.record({ size: fc.integer({ min: 1, max: 30 }), dimensions: fc.integer({ min: 1, max: 40 }) })
  const run = model.chain(({ size, dimensions }) =>
    fc.record({
      table: fc.array(fc.array(fc.integer({ min: -9, max: 9 }), { minLength: dimensions, maxLength: dimensions }), {
        minLength: size,
        maxLength: size,
      }),
      count: fc.nat(40),
    }),
  )
  await fc.assert(
    fc.asyncProperty(run, async ({ table, count }) => {
      const names = table.map((_, index) => `w${index}`)
      using vectors = WordVectors.fromArray(names, table.flat(), { dimensions: (table[0] as number[]).length })
      const [own, first] = [names[0] as string, table[0] as number[]]
      const check = (nearest: readonly NearWord[], without: readonly string[]) => {
        const others = names.filter((name) => !without.includes(name))
        const expected = others
          .map((name) => cosine(table[names.indexOf(name)] as number[], first))
          .sort((a, b) => b - a)
        t.is(nearest.length, Math.min(count, others.length))
        for (const [index, { word, similarity }] of nearest.entries()) {
          t.true(Math.abs(similarity - (expected[index] as number)) < 1e-5)
          t.true(Math.abs(similarity - cosine(table[names.indexOf(word)] as number[], first)) < 1e-5)
          t.false(without.includes(word))
        }
      }
      check(vectors.nearest(own, count), [own])
      check(vectors.nearest(first, count), [])
      t.deepEqual(await vectors.nearestAsync(own, count), vectors.nearest(own, count))
      t.deepEqual(await vectors.nearestAsync(Float32Array.from(first), count), vectors.nearest(first, count))
    }),
    { numRuns: 40 },
  )
})

test('similarity is the cosine', (t) => {
  const vectors = royal()
  t.true(Math.abs(vectors.similarity('king', 'queen') - 0.8) < 1e-6)
  t.is(vectors.similarity('man', 'woman'), 0)
  t.is(vectors.similarity('bread', 'bread'), 1)
})

test('an analogy is nearest to b less a and c', async (t) => {
  const vectors = royal()
  const answer = vectors.analogy('man', 'king', 'woman', 2)
  t.is(answer[0]?.word, 'queen')
  t.is(answer.length, 2)
  t.deepEqual(await vectors.analogyAsync('man', 'king', 'woman', 2), answer)
})

test('vectors of any length have a direction', (t) => {
  for (const factor of [1e-38, 1e-25, 1e-22, 1e-20, 1, 1e19, 1e30, 3e38]) {
    const data = [1, 0, 0, 1, -1, 0, 1, 1].map((value) => value * factor)
    const vectors = WordVectors.fromArray(['a', 'b', 'c', 'd'], data, { dimensions: 2 })
    const found = ['b', 'c', 'd'].map((word) => vectors.similarity('a', word).toFixed(4))
    t.deepEqual(found, ['0.0000', '-1.0000', '0.7071'], `${factor}`)
    for (const near of [vectors.nearest('a'), vectors.nearest([factor, 0]).slice(1)])
      t.deepEqual(
        near.map(({ word, similarity }) => `${word} ${similarity.toFixed(4)}`),
        ['d 0.7071', 'b 0.0000', 'c -1.0000'],
      )
  }
})

test('files of every form give the same words and numbers', async (t) => {
  const folder = await temporaryFolder(t)
  for (const name of ['v.txt', 'v.vec', 'v.bin', 'v.safetensors', 'V.TXT', 'v.Vec', 'V.BIN', 'v.SAFETENSORS']) {
    const path = join(folder, name)
    await royal().save(path)
    const read = await WordVectors.load(pathToFileURL(path))
    t.deepEqual(read.words, words, name)
    t.deepEqual(read.toFloat32(), royal().toFloat32(), name)
    const some = await WordVectors.load(path, { limit: 2 })
    t.deepEqual(some.words, ['king', 'man'], name)
  }
  t.is(readFileSync(join(folder, 'v.txt'), 'utf8').split('\n', 2).join('\n'), '5 3\nking 2 1 0')
  const glove = join(folder, 'glove.txt')
  writeFileSync(glove, 'the 0.5 -1e-3 2\n. . . 1 2 3\n')
  t.deepEqual((await WordVectors.load(glove)).words, ['the', '. . .'])
})

test('files that are wrong are errors that say where', async (t) => {
  const folder = await temporaryFolder(t)
  const cases: [name: string, content: string | Uint8Array, message: RegExp][] = [
    ['short.txt', '2 2\na 1 2\nb 3\n', /expected a word and 2 numbers in line 3, found 2 fields/],
    ['number.txt', 'a 1 x\n', /expected a number in line 1, found "x"/],
    ['many.bin', '99999999999 300\na', /too short/],
    ['cut.bin', '1 2\nword 1234567', /the file ends inside word 1 of 1/],
    ['not.safetensors', new Uint8Array(8).fill(255), /not a safetensors file/],
    ['huge.txt', '18446744073709551615 65536\na 1\n', /too short/],
    ['infinite.txt', 'a 1 inf\n', /the vector of "a" has a number that is not finite/],
  ]
  for (const [name, content, message] of cases) {
    const path = join(folder, name)
    writeFileSync(path, content)
    const error = await t.throwsAsync(WordVectors.load(path), { ...badFile, message }, name)
    t.true(error?.message.startsWith(`${path}: `), error?.message)
  }
  const [none, nowhere] = [join(folder, 'none.txt'), join(folder, 'no', 'folder.txt')]
  await t.throwsAsync(WordVectors.load(none), { ...badFile, message: (text) => text.startsWith(`${none}: `) })
  await t.throwsAsync(royal().save(nowhere), { ...badFile, message: (text) => text.startsWith(`${nowhere}: `) })
  const spaced = WordVectors.fromArray(['a b'], [1], { dimensions: 1 })
  await t.throwsAsync(spaced.save(join(folder, 'spaced.txt')), { ...badFile, message: /"a b"/ })
})

test('arguments that cannot be are errors', async (t) => {
  const vectors = royal()
  const calls: (() => unknown)[] = [
    () => WordVectors.fromArray('ab' as never, [1], { dimensions: 1 }),
    () => WordVectors.fromArray(['a', 'a'], [1, 2], { dimensions: 1 }),
    () => WordVectors.fromArray(['a'], [1, 2], { dimensions: 1 }),
    () => WordVectors.fromArray(['a'], [NaN], { dimensions: 1 }),
    () => WordVectors.fromArray(['a'], new Float32Array([Infinity]), { dimensions: 1 }),
    () => WordVectors.fromArray([], [], { dimensions: 0 }),
    () => vectors.nearest('king', -1),
    () => vectors.nearest('king', 1.5),
    () => vectors.nearest([1, 2], 3),
    () => vectors.nearest([1, 2, NaN]),
    () => vectors.nearest(7 as never),
    () => vectors.get(7 as never),
    () => vectors.similarity('king', undefined as never),
  ]
  for (const call of calls) t.throws(call, invalid, String(call))
  await t.throwsAsync(WordVectors.load('vectors.pkl'), { ...invalid, message: /\.txt, \.vec, \.bin or \.safetensors/ })
  await t.throwsAsync(WordVectors.load('vectors.txt', { limit: 0 }), invalid)
  await t.throwsAsync(WordVectors.load('vectors.txt', { most: 1 } as never), invalid)
  for (const call of [
    () => vectors.nearest('cat'),
    () => vectors.similarity('cat', 'king'),
    () => vectors.analogy('king', 'man', 'cat'),
  ]) {
    t.throws(call, unknown)
  }
  await t.throwsAsync(vectors.nearestAsync('cat'), unknown)
})

test('a load that is aborted is rejected with the reason', async (t) => {
  const folder = await temporaryFolder(t)
  await royal().save(join(folder, 'v.txt'))
  const reason = new RangeError('enough')
  const load = WordVectors.load(join(folder, 'v.txt'), { signal: AbortSignal.abort(reason) })
  t.is(await t.throwsAsync(load), reason)
})

test('after dispose everything but the sizes is an error', async (t) => {
  const vectors = royal()
  vectors.dispose()
  vectors.dispose()
  t.true(vectors.disposed)
  t.is(vectors.size, 5)
  const disposed = { instanceOf: TokenmillError, code: 'ERR_DISPOSED' }
  for (const call of [() => vectors.words, () => vectors.get('king'), () => vectors.nearest('king')])
    t.throws(call, disposed)
  await t.throwsAsync(vectors.nearestAsync('king'), disposed)
})
