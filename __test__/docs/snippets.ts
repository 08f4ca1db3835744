import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A program on a page. */
export interface Snippet {
  /** Page and line. */
  readonly title: string
  readonly language: 'ts' | 'js'
  readonly code: string
}

/** The ```ts and ```js fences of a page, but those whose info string says `no-run`. */
export const snippetsOf = (root: string, page: string): Snippet[] => {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(/^```(ts|js)\b([^\n]*)\n([^]*?)^```$/gm)].flatMap(
    ({ 1: language, 2: info, 3: code, index }) => {
      if (info?.includes('no-run')) return []
      const line = text.slice(0, index).split('\n').length
      return [{ title: `${page}:${line}`, language: language as 'ts' | 'js', code: code ?? '' }]
    },
  )
}

/* `console.log(…) // → value` promises a line of output, and `// → value` alone a further one; `…` in the value stands for anything. */
const promises = (code: string): string[] =>
  [...code.matchAll(/(?:\bconsole\.log\(.*\)\s*|^\s*)\/\/ → (.+)$/gm)].map(([, value = '']) => value.trim())

/** The promises of `code` that its output does not keep, in their order. */
export const unkept = (code: string, output: string): string[] => {
  const lines = output.split('\n').map((line) => line.trim())
  let from = 0
  return promises(code).filter((promise) => {
    const [start = '', ...rest] = promise.split('…')
    const keeps = (line: string): boolean =>
      rest.length === 0 ? line === promise : line.startsWith(start) && rest.every((part) => line.includes(part))
    const at = lines.findIndex((line, i) => i >= from && keeps(line))
    if (at >= 0) from = at + 1
    return at < 0
  })
}
