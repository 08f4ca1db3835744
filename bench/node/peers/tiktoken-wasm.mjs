/** @type {import('./peer.d.ts').Load} */
export const load = async (encoding) => {
  const { get_encoding } = await import('tiktoken')
  const tokenizer = get_encoding(encoding)
  const utf8 = new TextDecoder()
  return { encode: (text) => tokenizer.encode_ordinary(text), decode: (ids) => utf8.decode(tokenizer.decode(ids)) }
}
