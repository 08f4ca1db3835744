/** @type {import('./peer.d.ts').Load} */
export const load = async (encoding, { what }) => {
  // A process that tokenizes and ends takes the encodings alone, as it does of gpt-tokenizer.
  const { TOKENMILL_BENCH_ENCODINGS: encodings, TOKENMILL_BENCH_MODULE: library } = process.env
  const { getEncoding, setThreads } = await import(what === 'first-token' ? encodings : library)
  const tokenizer = getEncoding(encoding)
  const plain = { disallowedSpecial: [] }
  return {
    encode: (text) => tokenizer.encodeOrdinary(text),
    // Short strings have no special token to allow, and people leave the options out.
    count: what === 'short' ? (text) => tokenizer.count(text) : (text) => tokenizer.count(text, plain),
    decode: (ids) => tokenizer.decode(ids),
    batch: (texts, threads) => {
      setThreads(threads)
      return tokenizer.encodeBatch(texts, plain)
    },
  }
}
