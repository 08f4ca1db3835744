/** @type {import('./peer.d.ts').Load} */
export const load = async (encoding) => {
  const { Tiktoken } = await import('js-tiktoken/lite')
  const { default: ranks } = await import(`js-tiktoken/ranks/${encoding}`)
  const tokenizer = new Tiktoken(ranks)
  return { encode: (text) => tokenizer.encode(text, [], []), decode: (ids) => tokenizer.decode(ids), takesList: true }
}
