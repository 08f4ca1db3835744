/**
 * A text as documents of some `size` characters or more, cut after a line break between two characters that are no white space: there, every
 * pattern of byte-level BPE ends a piece, so the documents have the pieces of the text.
 *
 * @param {string} text
 * @returns {string[]}
 */
export const documentsOf = (text, size = 10_000) => {
  const documents = []
  const end = /(?<=\S\n)(?=\S)/g
  for (let start = 0; start < text.length;) {
    end.lastIndex = start + size
    const found = start + size < text.length ? end.exec(text) : null
    const next = found?.index ?? text.length
    documents.push(text.slice(start, next))
    start = next
  }
  return documents
}
