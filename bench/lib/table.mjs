/* Width on a terminal: the few wide characters there are here count as one. */
const width = (text) => [...text].length

/**
 * A table of Markdown that is aligned, so that it reads as plain text too. The first column is text, the others numbers.
 *
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 */
export const table = (head, rows) => {
  const widths = head.map((title, i) => Math.max(3, ...[title, ...rows.map((row) => row[i])].map(width)))
  const line = (cells) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell + ' '.repeat(widths[i] - width(cell)) : ' '.repeat(widths[i] - width(cell)) + cell)).join(' | ')} |`
  const rule = `|${widths.map((width, i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [line(head), rule, ...rows.map(line)].join('\n')
}
