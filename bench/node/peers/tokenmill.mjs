/** @type {import('./peer.d.ts').Load} */
export const load = async (encoding) => {
  const { getEncoding } = await import('../../../dist/index.js')
  const tokenizer = getEncoding(encoding)
  return { encode: (text) => tokenizer.encodeOrdinary(text), count: (text) => tokenizer.count(text) }
}
