import test from 'ava'
import { maskedTokens } from '../../src/dataset/masked-tokens.ts'
import { WindowDataset } from '../../src/dataset/window-dataset.ts'
import { getEncoding } from '../../src/tokenizer/encodings.ts'
import { loadTokenizer } from '../../src/tokenizer/load.ts'
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { Vocabulary } from '../../src/tokenizer/vocabulary.ts'
import { WordTokenizer } from '../../src/tokenizer/word-tokenizer.ts'

/** The tokens of `text`, those joined that are hidden and shown together in each of many epochs. */
const wordsOf = (tokenizer: Tokenizer, text: string): string[] => {
  const ids = tokenizer.encodeOrdinary(text)
  const objective = maskedTokens({ maskId: tokenizer.vocabSize, tokenizer, wholeWords: true, probability: 0.5 })
  const dataset = new WindowDataset(ids, { contextLength: ids.length, objective })
  const samples = Array.from({ length: 64 }, (_, epoch) => dataset.get(0, { epoch }).targets)
  const fates = Array.from(ids, (_, place) => samples.map((targets) => (targets[place] === -100 ? 0 : 1)).join(''))
  const words: Uint8Array[][] = []
  for (const [place, id] of ids.entries()) {
    if (place === 0 || fates[place] !== fates[place - 1]) words.push([])
    words.at(-1)?.push(tokenizer.idToBytes(id) as Uint8Array)
  }
  return words.map((word) => Buffer.concat(word).toString())
}

const file = (name: string) => loadTokenizer(new URL(`../../testdata/tokenizer-json/${name}.json`, import.meta.url))

const languages = 'MENENIUS:\nWhat (unbelievable) things, größere 12345 Москвичи 東京都A'
const ofLanguages = 'MENENIUS|:|\n|What| (|unbelievable|)| things|,| größere| 12345| Москвичи| 東|京|都|A'
const english = 'MENENIUS: what (unbelievable) things'

for (const [title, load, text, words] of [
  ['GPT-2', () => getEncoding('gpt2'), languages, ofLanguages],
  ['o200k', () => getEncoding('o200k_base'), languages, ofLanguages.replace(':|\n', ':\n').replace('京|都', '京都')],
  ['RoBERTa, where a blank is written as a letter', () => file('roberta'), languages, ofLanguages],
  [
    'Llama 2, where a blank may be a token',
    () => file('llama2'),
    languages,
    ofLanguages
      .replace(/^| (?!東)/g, '▁')
      .replace('s|,', 's,')
      .replace(' 東', '▁|東'),
  ],
  [
    'BERT',
    () => file('bert'),
    english,
    'm##e##n##e##n##i##u##s|:|w##h##a##t|(|u##n##b##e##l##i##e##v##a##b##l##e|)|t##h##i##n##g##s',
  ],
  [
    'CLIP, where ends of words are marked',
    () => file('clip'),
    english,
    'menenius</w>|:</w>|what</w>|(</w>|unbelievable</w>|)</w>|things</w>',
  ],
  [
    'a word vocabulary',
    () => new WordTokenizer(Vocabulary.fromText(english)),
    english,
    'MENENIUS|:|what|(|unbelievable|)|things',
  ],
  ['WordLevel', () => file('words'), 'that is the text of words', 'that|is|the|text|of|words'],
] as const) {
  test(`words of ${title} are hidden as wholes, each on its own`, async (t) => {
    t.is(wordsOf(await load(), text).join('|'), words)
  })
}
