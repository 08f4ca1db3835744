/** @type {import('./peer.d.ts').Load} */
export const load = async (encoding) => {
  const { encode, countTokens, decode } = await import(`gpt-tokenizer/encoding/${encoding}`)
  const plain = { disallowedSpecial: new Set() }
  return { encode: (text) => encode(text, plain), count: (text) => countTokens(text, plain), decode }
}
