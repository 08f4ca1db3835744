import { BpeTokenizer } from '../tokenizer/bpe-tokenizer.ts'
import { HfTokenizer } from '../tokenizer/hf-tokenizer.ts'
import { WordTokenizer } from '../tokenizer/word-tokenizer.ts'
import { textOf } from '../tokenizer/read-text.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'

/** Whether the token at `place` of `ids`, which is not the first, continues the word of the token before it. */
export type ContinuesWord = (ids: Uint32Array, place: number) => boolean

/** How a token begins and ends. */
interface Ends {
  /** Its first character; `undefined` when the tokens after it have the rest of that. */
  readonly first: string | undefined
  /** Its last character; `undefined` when the tokens before it have the start of that. */
  readonly last: string | undefined
  /** Whether it starts with the second or a later byte of a character. */
  readonly isInside: boolean
  /** Whether it is a blank and nothing else. */
  readonly isBlank: boolean
}

/** What words are made of; scripts without spaces between words have a word for each token. */
const ofWord =
  /^(?!\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Thai}|\p{Script=Lao}|\p{Script=Khmer}|\p{Script=Myanmar})[\p{L}\p{M}\p{N}]/u

/**
 * Where words go on, as the texts of the tokens tell: WordPiece marks tokens that continue a word, mostly with `##`, word vocabularies have none. Elsewhere
 * a word is a run of letters, marks and digits with the blank before it, and a token of anything else is a word of its own.
 */
export const wordContinuations = (tokenizer: Tokenizer): ContinuesWord => {
  if (isOfWords(tokenizer)) return () => false
  const mark = markOf(tokenizer)
  return mark === undefined
    ? inText(tokenizer)
    : (ids, place) => tokenizer.idToToken(ids[place] as number)?.startsWith(mark) === true
}

const isOfWords = (tokenizer: Tokenizer): boolean =>
  tokenizer instanceof WordTokenizer || (tokenizer instanceof HfTokenizer && tokenizer.model === 'WordLevel')

/** What tokens that go on with a word start with. Of a tokenizer from elsewhere two tokens tell, which those like BERT's have. */
const markOf = (tokenizer: Tokenizer): string | undefined => {
  if (tokenizer instanceof HfTokenizer) return tokenizer.continuingPrefix
  if (tokenizer instanceof BpeTokenizer) return undefined
  return tokenizer.tokenToId('##s') !== undefined && tokenizer.tokenToId('[UNK]') !== undefined ? '##' : undefined
}

const inText = (tokenizer: Tokenizer): ContinuesWord => {
  const known = new Map<number, Ends>()
  const bytesOf = (id: number) => tokenizer.idToBytes(id) ?? new Uint8Array()
  const endsOf = (id: number): Ends => {
    let ends = known.get(id)
    if (ends === undefined) known.set(id, (ends = endsOfBytes(bytesOf(id))))
    return ends
  }
  const joined = (ids: Uint32Array) => Buffer.concat(Array.from(ids, bytesOf))
  return (ids, place) => {
    const [before, here] = [endsOf(ids[place - 1] as number), endsOf(ids[place] as number)]
    if (here.isInside) return true
    // A character has at most four bytes, so at most four tokens.
    const first = here.first ?? firstOf(joined(ids.subarray(place, place + 4))) ?? ''
    if (!ofWord.test(first)) return false
    return (
      before.isBlank || ofWord.test(before.last ?? lastOf(joined(ids.subarray(Math.max(0, place - 4), place))) ?? '')
    )
  }
}

const endsOfBytes = (bytes: Uint8Array): Ends => ({
  first: firstOf(bytes),
  last: lastOf(bytes),
  isInside: bytes.length > 0 && isContinuation(bytes[0] as number),
  isBlank: blanks.has(textOf(bytes)),
})

/** A space, and what SentencePiece writes for it. */
const blanks = new Set([' ', '\u2581'])

const isContinuation = (byte: number) => (byte & 0xc0) === 0x80

/** The first character of `bytes`, when they have all of it. */
const firstOf = (bytes: Uint8Array): string | undefined => {
  const [lead = 0] = bytes
  const length = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  return length > bytes.length ? undefined : textOf(bytes.subarray(0, length))
}

/** The last character of `bytes`, when they have all of it. */
const lastOf = (bytes: Uint8Array): string | undefined => {
  const start = bytes.findLastIndex((byte) => !isContinuation(byte))
  return start < 0 ? undefined : textOf(bytes.subarray(start))
}
