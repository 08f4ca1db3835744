/** @type {import('./peer.d.ts').Load} */
export const load = async (_, { tokenizerJson }) => {
  const { Tokenizer } = await import('tokenizers')
  const tokenizer = Tokenizer.fromFile(tokenizerJson)
  return {
    encode: async (text) => (await tokenizer.encode(text, null, { addSpecialTokens: false })).getIds(),
    decode: (ids) => tokenizer.decode(ids, false),
    takesList: true,
  }
}
