import {
  BpeTokenizer,
  type Chunk,
  encodingForModel,
  type EncodingName,
  encodingNames,
  getEncoding,
  loadTokenizer,
  type PaddedBatch,
  type PaddedBatchWithOffsets,
  type Text,
  TokenBatch,
  type Tokenizer,
  trainBpe,
  TrainedTokenizer,
  Vocabulary,
  WordTokenizer,
  WordVectors,
} from 'tokenmill'
import { equal } from './equal.js'

const tokenizer = getEncoding('o200k_base')
equal<typeof tokenizer, BpeTokenizer>()
equal<Text, string | Uint8Array>()
equal<ReturnType<typeof encodingForModel>, BpeTokenizer>()
equal<(typeof encodingNames)[number], EncodingName>()
getEncoding('a name that is known only when the program runs' as string)

equal<ReturnType<Tokenizer['encode']>, Uint32Array<ArrayBuffer>>()
equal<ReturnType<Tokenizer['count']>, number>()
equal<ReturnType<Tokenizer['decode']>, string>()
equal<ReturnType<Tokenizer['decodeBatch']>, string[]>()
equal<ReturnType<Tokenizer['decodeBytes']>, Uint8Array<ArrayBuffer>>()
equal<ReturnType<Tokenizer['tokenToId']>, number | undefined>()
equal<ReturnType<Tokenizer['encodeBatch']>, TokenBatch>()
equal<ReturnType<Tokenizer['encodeAsync']>, Promise<Uint32Array<ArrayBuffer>>>()
tokenizer.encode(new Uint8Array(1), { allowedSpecial: 'all', disallowedSpecial: new Set(['<|endoftext|>']) })
equal<ReturnType<Tokenizer['countAsync']>, Promise<number>>()
equal<ReturnType<Tokenizer['countBatchAsync']>, Promise<Uint32Array<ArrayBuffer>>>()
tokenizer.countAsync('text', { signal: new AbortController().signal, allowedSpecial: 'all' })
equal<ReturnType<Tokenizer['chunkAsync']>, Promise<Iterable<Chunk>>>()
tokenizer.chunkAsync('text', { maxTokens: 8, overlap: 2, boundary: 'word', signal: new AbortController().signal })
// @ts-expect-error a limit is needed
tokenizer.chunkAsync('text', { signal: new AbortController().signal })
// @ts-expect-error a synchronous call cannot be aborted
tokenizer.chunk('text', { maxTokens: 8, signal: new AbortController().signal })
tokenizer.encodeAsync('text', { signal: new AbortController().signal })
tokenizer.decode([1, 2], { errors: 'strict' })
// An undefined option is an absent one.
tokenizer.decode([1], { errors: undefined })
tokenizer.encodeAsync('text', { signal: undefined, allowedSpecial: undefined })
equal<ReturnType<Tokenizer['encodePadded']>, PaddedBatch>()
const located = tokenizer.encodePadded(['text', ['text', new Uint8Array(1)]], { offsets: true, maxLength: undefined })
equal<typeof located, PaddedBatchWithOffsets>()
equal<typeof located.wordIds, Int32Array<ArrayBuffer>>()
// @ts-expect-error where tokens are from is not there unless it is asked for
void tokenizer.encodePadded(['text']).wordIds
tokenizer.decode(new Set([1]))
tokenizer.decodeBatch([new Uint32Array(1), [1], new Set([1])], { errors: undefined })
tokenizer.decodeBatch(tokenizer.encodeBatch(['a']), { skipSpecialTokens: true })
// @ts-expect-error ids of one text are no rows
tokenizer.decodeBatch([1, 2])
for (const row of tokenizer.encodeBatch(['a', 'b'])) equal<typeof row, Uint32Array<ArrayBuffer>>()

// @ts-expect-error a text is no source of chunks
tokenizer.encodeChunks('text')
// @ts-expect-error ids that somebody wrote are none either
tokenizer.decodeChunks('1 2')
// @ts-expect-error a text is not several
void trainBpe({ texts: 'text' }, { vocabSize: 300 })
// @ts-expect-error nor a list of words
Vocabulary.fromWords('text')
void trainBpe({ texts: new Set(['text']) }, { vocabSize: 300 })
Vocabulary.fromWords(new Map([['text', 1]]).keys())
tokenizer.encodeChunks(['text'])
tokenizer.decodeChunks(new Uint32Array(1))
// @ts-expect-error a text is not a number
tokenizer.encode(1)
// @ts-expect-error a bare name is not a list of names
tokenizer.encode('text', { allowedSpecial: '<|endoftext|>' })
// @ts-expect-error an option that does not exist
tokenizer.encode('text', { special: 'all' })
// @ts-expect-error a synchronous call cannot be aborted
tokenizer.encode('text', { signal: new AbortController().signal })
// @ts-expect-error ids are numbers
tokenizer.decode(['1'])
// @ts-expect-error a stretch of text says whether it is trusted
tokenizer.encodeSegments([{ text: 'a' }])
// @ts-expect-error what a tokenizer says of itself cannot be changed
tokenizer.vocabSize = 1

const vocabulary = Vocabulary.fromText(['one text', 'another'], { split: /\s+/, order: 'frequency' })
equal<typeof vocabulary, Vocabulary>()
const words: Tokenizer = new WordTokenizer(vocabulary, { unknown: null })
equal<ReturnType<typeof loadTokenizer>, Promise<Tokenizer>>()
loadTokenizer(new URL('file:///vocabulary.json'))

// @ts-expect-error a vocabulary is made by fromText or fromWords
new Vocabulary()
// @ts-expect-error there is no such order
Vocabulary.fromText('text', { order: 'random' })
// @ts-expect-error a split rule is a name or a RegExp
Vocabulary.fromText('text', { split: 'sentences' })

const loaded = await loadTokenizer('tokenizer.json')
if (loaded instanceof BpeTokenizer) equal<ReturnType<typeof loaded.preTokenize>, string[]>()
// @ts-expect-error a tokenizer is made by getEncoding, loadTokenizer or trainBpe
new BpeTokenizer()
// @ts-expect-error by trainBpe
new TrainedTokenizer()
// @ts-expect-error a batch by encodeBatch
new TokenBatch()
// @ts-expect-error word vectors by load, fromArray or trainWordVectors
new WordVectors()
