import { inspect } from 'node:util'
import test from 'ava'
import { maskedTokens, type MaskedTokensOptions } from '../../src/dataset/masked-tokens.ts'
import { WindowDataset } from '../../src/dataset/window-dataset.ts'
import { DataLoader } from '../../src/dataset/data-loader.ts'
import { getEncoding } from '../../src/tokenizer/encodings.ts'

const contextLength = 1000
const ids = Uint32Array.from({ length: 200 * contextLength }, (_, index) => index % 90)
const datasetOf = (options: Partial<MaskedTokensOptions> = {}) =>
  new WindowDataset(ids, { contextLength, objective: maskedTokens({ maskId: 99, vocabSize: 100, ...options }) })

/** How often each thing befell an id, over all windows. */
const tally = (dataset: WindowDataset, epoch = 0) => {
  const counts = { chosen: 0, masked: 0, changed: 0, kept: 0 }
  for (let index = 0; index < dataset.length; index++) {
    const { inputs, targets } = dataset.get(index, { epoch })
    for (let place = 0; place < inputs.length; place++) {
      const [was, is, target] = [ids[index * contextLength + place], inputs[place], targets[place]]
      if (target === -100) {
        if (is !== was) throw new Error('a token changed that is not asked for')
        continue
      }
      if (target !== was) throw new Error('the target is not the token')
      counts.chosen++
      if (is === 99) counts.masked++
      else if (is === was) counts.kept++
      else counts.changed++
    }
  }
  return counts
}

/** Whether a count of `tries` is that of a chance, to within five standard deviations. */
const isLikely = (count: number, tries: number, chance: number) =>
  Math.abs(count - tries * chance) < 5 * Math.sqrt(tries * chance * (1 - chance))

test('15 % are chosen; of these 80 % become the mask, 10 % another token, 10 % stay', (t) => {
  const { chosen, masked, changed, kept } = tally(datasetOf())
  t.true(isLikely(chosen, ids.length, 0.15), `${chosen}`)
  t.true(isLikely(masked, chosen, 0.8), `${masked} of ${chosen}`)
  // One random token in 99 is the token itself.
  t.true(isLikely(changed, chosen, 0.1 * (98 / 99)), `${changed} of ${chosen}`)
  t.true(isLikely(kept, chosen, 0.1 + 0.1 / 99), `${kept} of ${chosen}`)
})

test('the shares are those of the options', (t) => {
  const all = tally(datasetOf({ probability: 1, maskShare: 1, randomShare: 0 }))
  t.deepEqual(all, { chosen: ids.length, masked: ids.length, changed: 0, kept: 0 })
  t.is(tally(datasetOf({ probability: 0 })).chosen, 0)
  const { chosen, masked, changed } = tally(datasetOf({ probability: 0.5, maskShare: 0, randomShare: 0.5 }))
  t.true(isLikely(chosen, ids.length, 0.5))
  t.is(masked, 0)
  t.true(isLikely(changed, chosen, 0.5 * (98 / 99)))
})

test('places are chosen independently of each other, of the window and of the epoch', (t) => {
  const dataset = datasetOf()
  const chosen = (index: number, epoch: number) =>
    Array.from(dataset.get(index, { epoch }).targets, (target) => target !== -100)
  const both = (left: readonly boolean[], right: readonly boolean[]) =>
    left.filter((is, place) => is && right[place]).length
  let [neighbours, windows, epochs] = [0, 0, 0]
  for (let index = 0; index < 100; index++) {
    const here = chosen(index, 0)
    neighbours += both(here.slice(1), here)
    windows += both(here, chosen(index + 100, 0))
    epochs += both(here, chosen(index, 1))
  }
  for (const count of [neighbours, windows, epochs]) t.true(isLikely(count, 100_000, 0.0225), `${count}`)
})

test('the same seed, epoch and window give the same sample; golden values', (t) => {
  const sample = (options: Partial<MaskedTokensOptions>, epoch: number) => {
    const { inputs } = new WindowDataset(
      Uint32Array.from({ length: 24 }, (_, index) => index),
      { contextLength: 12, objective: maskedTokens({ maskId: 99, vocabSize: 100, probability: 0.4, ...options }) },
    ).get(1, { epoch })
    return [...inputs]
  }
  t.deepEqual(sample({}, 0), sample({}, 0))
  t.notDeepEqual(sample({}, 0), sample({}, 1))
  t.notDeepEqual(sample({}, 0), sample({ seed: 1 }, 0))
  t.deepEqual(sample({}, 0), [12, 13, 14, 15, 16, 99, 18, 19, 20, 21, 2, 23])
  t.deepEqual(sample({}, 1), [12, 13, 14, 99, 16, 99, 18, 19, 20, 21, 22, 23])
  t.deepEqual(sample({ seed: 1 }, 0), [12, 13, 14, 99, 16, 99, 18, 19, 99, 21, 22, 23])
  t.deepEqual(sample({ seed: 2 ** 40 }, 2 ** 33), [99, 99, 14, 24, 22, 17, 18, 19, 66, 21, 99, 99])
})

test('special ids are never chosen and never take a place', (t) => {
  const special = [0, 1, 2, 3, 50]
  const dataset = datasetOf({ specialIds: special, probability: 1, maskShare: 0, randomShare: 1 })
  for (let index = 0; index < dataset.length; index++) {
    const { inputs, targets } = dataset.get(index)
    for (let place = 0; place < contextLength; place++) {
      const was = ids[index * contextLength + place] as number
      if (special.includes(was)) t.is(targets[place], -100)
      else if (special.includes(inputs[place] as number) || inputs[place] === 99) t.fail(`${inputs[place]}`)
    }
  }
  t.pass()
})

test('only ids that a token has take a place', (t) => {
  const tokenizer = getEncoding('cl100k_base')
  const drawn = (options: Partial<MaskedTokensOptions>, tokens: Uint32Array) => {
    const objective = maskedTokens({ maskId: 100258, probability: 1, maskShare: 0, randomShare: 1, ...options })
    return new WindowDataset(tokens, { contextLength: tokens.length, objective }).get(0).inputs
  }
  const tokens = new Uint32Array(300_000)
  const [any, known] = [drawn({ vocabSize: tokenizer.vocabSize }, tokens), drawn({ tokenizer }, tokens)]
  const isToken = (id: number) => tokenizer.idToBytes(id) !== undefined
  t.true(new Set([...any].filter((id) => !isToken(id))).size > 3)
  t.true([...known].every(isToken))
  t.notThrows(() => tokenizer.decode(known))
  // What else was drawn is as it is without a tokenizer.
  const special = new Set(tokenizer.specialTokens.values())
  t.true(any.every((id, place) => !isToken(id) || special.has(id) || known[place] === id))
  const beyond = { vocabSize: 2 ** 17, specialIds: [], tokenizer }
  t.true([...drawn(beyond, tokens.subarray(0, 10_000))].every(isToken))
})

test('the tokens of the dataset stay as they are', (t) => {
  const tokens = Uint32Array.from({ length: 100 }, (_, index) => index)
  const objective = maskedTokens({ maskId: 200, vocabSize: 201, probability: 1 })
  for (const _ of new DataLoader(new WindowDataset(tokens, { contextLength: 10, objective }), { batchSize: 3 }));
  t.deepEqual(
    [...tokens],
    Array.from({ length: 100 }, (_, index) => index),
  )
})

test('whole words are hidden or shown as one, as the tokens of the tokenizer tell', (t) => {
  const tokenizer = getEncoding('cl100k_base')
  const text =
    ' The unbelievable counterrevolutionaries antidisestablishmentarianism, indistinguishable 東京都 internationalisation'.repeat(
      50,
    )
  const words = tokenizer.encode(text)
  const objective = maskedTokens({
    maskId: tokenizer.endOfTextId as number,
    tokenizer,
    wholeWords: true,
    probability: 0.3,
    maskShare: 1,
    randomShare: 0,
  })
  const { targets } = new WindowDataset(words, { contextLength: words.length, objective }).get(0)
  const starts = (id: number) => !/^[\p{Script=Latin}\p{N}]/u.test(tokenizer.idToToken(id) as string)
  let pieces = 0
  for (let place = 1; place < words.length; place++) {
    if (starts(words[place] as number)) continue
    pieces++
    t.is(targets[place] === -100, targets[place - 1] === -100, tokenizer.idToToken(words[place] as number))
  }
  t.true(pieces > 200)
  const chosen = [...targets].filter((target) => target !== -100).length
  t.true(chosen > 0.15 * words.length && chosen < 0.45 * words.length, `${chosen} of ${words.length}`)
})

test('words may be told by a function', (t) => {
  const objective = maskedTokens({ maskId: 99, vocabSize: 100, probability: 0.3, wholeWords: (id) => id % 3 !== 0 })
  const { targets } = new WindowDataset(ids, { contextLength: 999, objective }).get(0)
  for (let place = 0; place < 999; place += 3)
    t.is(new Set([0, 1, 2].map((more) => targets[place + more] === -100)).size, 1)
})

for (const [title, options, message] of [
  ['no mask', { vocabSize: 10 }, /options.maskId, received undefined/],
  ['a mask of -1', { maskId: -1, vocabSize: 10 }, /options.maskId, received -1/],
  ['no vocabulary', { maskId: 1 }, /a vocabSize or a tokenizer for options.vocabSize/],
  ['a probability of 2', { maskId: 1, vocabSize: 10, probability: 2 }, /options.probability, received 2/],
  ['a probability of NaN', { maskId: 1, vocabSize: 10, probability: NaN }, /options.probability, received NaN/],
  ['shares of more than all', { maskId: 1, vocabSize: 10, maskShare: 0.9, randomShare: 0.2 }, /options.randomShare/],
  ['a vocabulary of specials', { maskId: 1, vocabSize: 2, specialIds: [0] }, /ids that are not special/],
  ['words without a tokenizer', { maskId: 1, vocabSize: 10, wholeWords: true }, /options.tokenizer/],
  ...['gpt2', {}, 5, null, { idToBytes: () => undefined }].map(
    (tokenizer) =>
      [
        `a tokenizer that is ${inspect(tokenizer)}`,
        { maskId: 1, tokenizer },
        /a tokenizer for options.tokenizer, received/,
      ] as const,
  ),
  ['words of text', { maskId: 1, vocabSize: 10, wholeWords: 'yes' }, /options.wholeWords, received "yes"/],
  ['a seed of -1', { maskId: 1, vocabSize: 10, seed: -1 }, /options.seed, received -1/],
  ['an unknown option', { maskId: 1, vocabSize: 10, ratio: 1 }, /received ratio/],
] as const) {
  test(`${title} is an error that says so`, (t) => {
    t.throws(() => maskedTokens(options as never), { code: 'ERR_INVALID_ARGUMENT', message })
  })
}

test('ids that no batch can hold are refused', (t) => {
  const refused = { code: 'ERR_INVALID_ARGUMENT' }
  t.notThrows(() => datasetOf({ vocabSize: 2 ** 31, specialIds: [2 ** 31 - 1] }))
  t.throws(() => datasetOf({ vocabSize: 2 ** 31 + 1 }), { ...refused, message: /for options\.vocabSize/ })
  t.throws(() => datasetOf({ specialIds: [2 ** 31] }), { ...refused, message: /for options\.specialIds/ })
})
