import test from 'ava'
import { maskedTokens } from '../../src/dataset/masked-tokens.ts'
import { WindowDataset } from '../../src/dataset/window-dataset.ts'
import { getEncoding } from '../../src/tokenizer/encodings.ts'
import { loadTokenizer } from '../../src/tokenizer/load.ts'
import type { HfTokenizer } from '../../src/tokenizer/hf-tokenizer.ts'
import { readTokenizerJson } from '../../src/tokenizer/tokenizer-json.ts'
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

/** A WordPiece model of these tokens. */
const pieces = (tokens: readonly string[], unknown: string, prefix = '##') =>
  readTokenizerJson(
    Buffer.from(
      JSON.stringify({
        version: '1.0',
        added_tokens: [],
        pre_tokenizer: { type: 'BertPreTokenizer' },
        decoder: { type: 'WordPiece', prefix, cleanup: true },
        model: {
          type: 'WordPiece',
          unk_token: unknown,
          continuing_subword_prefix: prefix,
          max_input_chars_per_word: 100,
          vocab: Object.fromEntries([unknown, ...tokens].map((token, id) => [token, id])),
        },
      }),
    ),
  )

for (const [title, load, text, words] of [
  [
    'a Cyrillic WordPiece',
    () => pieces(['реч', '##ка', '##у', 'и', 'мель', '##ница'], '[UNK]'),
    'речку и речка мельница',
    '[UNK]|и|реч##ка|мель##ница',
  ],
  [
    'a WordPiece whose unknown token is <unk>',
    () => pieces(['mill', '##s', 'river'], '<unk>'),
    'mills river sea mill',
    'mill##s|river|<unk>|mill',
  ],
  [
    'a WordPiece with a mark of its own',
    () => pieces(['mill', '@@s', 'river', '##s', '#'], '[UNK]', '@@'),
    'mills river #',
    'mill@@s|river|#',
  ],
  [
    'a WordPiece under another name',
    async () =>
      ((await pieces(['mill', '##er', 'river'], '[UNK]')) as HfTokenizer).withSpecialTokens(
        { '[X]': 9 },
        { name: 'mine' },
      ),
    'miller river',
    'mill##er|river',
  ],
  [
    'a WordLevel under another name',
    async () => ((await file('words')) as HfTokenizer).withSpecialTokens({ '[X]': 999 }, { name: 'mine' }),
    'that is the text of words',
    'that|is|the|text|of|words',
  ],
  [
    'byte-level BPE with tokens as those of BERT',
    () => getEncoding('gpt2').withSpecialTokens({ '[UNK]': 50257, '##s': 50258 }),
    english,
    'MENENIUS|:| what| (|unbelievable|)| things',
  ],
] as const) {
  test(`words of ${title} are hidden as wholes, each on its own`, async (t) => {
    t.is(wordsOf(await load(), text).join('|'), words)
  })
}

test('a tokenizer from elsewhere with tokens as those of BERT is a WordPiece', async (t) => {
  const bert = await file('bert')
  const foreign = {
    name: 'mine',
    vocabSize: bert.vocabSize,
    specialTokens: bert.specialTokens,
    tokenToId: (token: string) => bert.tokenToId(token),
    idToToken: (id: number) => bert.idToToken(id),
    idToBytes: (id: number) => bert.idToBytes(id),
    encodeOrdinary: (text: string) => bert.encodeOrdinary(text),
  } as unknown as Tokenizer
  t.deepEqual(wordsOf(foreign, english), wordsOf(bert, english))
})
