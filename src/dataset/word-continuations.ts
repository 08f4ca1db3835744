import type { Tokenizer } from '../tokenizer/tokenizer.ts'

/** A word goes on with a letter, a mark or a digit; scripts without spaces between words start a word with each token. */
const goesOn =
  /^(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}])[\p{L}\p{M}\p{N}]/u

/**
 * Whether a token continues the word of the token before it, as its text tells: WordPiece marks such tokens with `##`; those of
 * byte-level BPE start a word with white space, and go on with a letter, a mark, a digit or the rest of a character.
 */
export const wordContinuations = (tokenizer: Tokenizer): ((id: number) => boolean) => {
  // 0: not yet asked.
  const [starts, continues] = [1, 2]
  const answers = new Uint8Array(tokenizer.vocabSize)
  const isPieces = tokenizer.tokenToId('##s') !== undefined && tokenizer.tokenToId('[UNK]') !== undefined
  const answer = (id: number): number => {
    const bytes = tokenizer.idToBytes(id)
    const token = tokenizer.idToToken(id)
    if (bytes === undefined || token === undefined) return starts
    if (isPieces) return token.startsWith('##') ? continues : starts
    // The second or a later byte of a character.
    if (((bytes[0] ?? 0) & 0xc0) === 0x80) return continues
    return goesOn.test(token) ? continues : starts
  }
  return (id) => (answers[id] ||= answer(id)) === continues
}
