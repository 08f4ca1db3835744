/** @type {import('./peer.d.ts').Load} */
export const load = async (encoding) => {
  const { get_encoding } = await import('tiktoken')
  const tokenizer = get_encoding(encoding)
  return { encode: (text) => tokenizer.encode_ordinary(text) }
}
