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

/*
 * A comment after console.log(…) that starts like a value is a promise: a number, a string, an array, `true`, an error
 * code, a name with an underscore. `: ` or ` (` ends the value and starts words about it; `…` stands for anything.
 */
const value = /^(?:[-\d['"{…]|true\b|false\b|undefined\b|Uint\d+Array|Float32Array|[A-Za-z0-9]+_\w+)/

const promises = (code: string): string[] =>
  [...code.matchAll(/\bconsole\.log\(.*\)\s*\/\/ (.+)$/gm)]
    .map(([, comment = '']) => comment.trim())
    .filter((comment) => value.test(comment))
    .map((comment) => comment.split(/: (?![^[]*\])|, (?=[a-z]+ [a-z]+)/)[0] ?? '')

/* As printed, without white space and without the lengths in `Uint32Array(4) [ … ]`. */
const bare = (text: string): string => text.replaceAll(/Array\(\d+\)/g, 'Array').replaceAll(/\s/g, '')

/** The promises of `code` that its output does not keep, in their order. */
export const unkept = (code: string, output: string): string[] => {
  const printed = bare(output)
  let from = 0
  return promises(code).filter((promise) => {
    let at = from
    for (const part of bare(promise).split('…')) {
      const found = printed.indexOf(part, at)
      if (found < 0) return true
      at = found + part.length
    }
    from = at
    return false
  })
}
