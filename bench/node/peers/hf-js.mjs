import { readFileSync } from 'node:fs'

/** @type {import('./peer.d.ts').Load} */
export const load = async (_, { tokenizerJson }) => {
  const { Tokenizer } = await import('@huggingface/tokenizers')
  const tokenizer = new Tokenizer(JSON.parse(readFileSync(tokenizerJson, 'utf8')), {})
  return {
    encode: (text) => tokenizer.encode(text, { add_special_tokens: false }).ids,
    decode: (ids) => tokenizer.decode(ids, { clean_up_tokenization_spaces: false }),
    takesList: true,
  }
}
