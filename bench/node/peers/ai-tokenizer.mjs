/** @type {import('./peer.d.ts').Load} */
export const load = async (encoding) => {
  const { Tokenizer } = await import('ai-tokenizer')
  const tokenizer = new Tokenizer(await import(`ai-tokenizer/encoding/${encoding}`))
  // Its count() is encode().length, and throws when the text has a special token.
  return { encode: (text) => tokenizer.encode(text, [], []), decode: (ids) => tokenizer.decode(ids), takesList: true }
}
