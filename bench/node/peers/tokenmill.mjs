/** @type {import('./peer.d.ts').Load} */
export const load = async (encoding) => {
  const { getEncoding } = await import(process.env.TOKENMILL_BENCH_MODULE)
  const tokenizer = getEncoding(encoding)
  return { encode: (text) => tokenizer.encodeOrdinary(text), count: (text) => tokenizer.count(text) }
}
