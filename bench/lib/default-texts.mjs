import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../scripts/lib/run.mjs'
import { textOf } from './texts.mjs'

/*
 * Real text that everybody has who has installed the packages of package-lock.json: their documents, their sources, and
 * the messages of the TypeScript compiler in thirteen languages. Packages that are only there on some platforms are left
 * out, so that it is the same text everywhere.
 */

const everywhere = () => {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  return Object.entries(packages).flatMap(([path, { optional, os, cpu }]) =>
    path === '' || optional || os || cpu || !existsSync(join(root, path)) ? [] : [path],
  )
}

const filesOf = (folder) =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesOf(path)
    return entry.isFile() ? [path] : []
  })

const hash = (content) => createHash('sha256').update(content).digest('hex')

/* The same order everywhere, with files of one package far apart. */
const mixed = (files) =>
  files
    .map((file) => [hash(file), file])
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, file]) => file)

/* What was read before is left out, so that text stays unseen: most licences are the same few. */
const gather = (files, maxBytes, split) => {
  const seen = new Set()
  const parts = []
  let bytes = 0
  for (const file of mixed(files)) {
    for (const part of split(readFileSync(join(root, file), 'utf8'))) {
      const key = hash(part.trim())
      if (seen.has(key)) continue
      seen.add(key)
      parts.push(part)
      bytes += Buffer.byteLength(part)
    }
    if (bytes > maxBytes) break
  }
  return Buffer.from(parts.join('\n\n'))
}

const paragraphs = (text) => text.split(/\n\s*\n/)
const whole = (text) => [text]

/* Written by people: short lines, no source map in it. */
const isSource = (file) => {
  if (!/\.(?:[cm]?js|[cm]?ts)$/.test(file) || statSync(join(root, file)).size > 200_000) return false
  const text = readFileSync(join(root, file), 'utf8')
  return text.length / text.split('\n').length < 80 && !text.includes('sourceMappingURL=data:')
}

/* A hundred messages of one language, then of the next. */
const messages = () => {
  const folder = join(root, 'node_modules', 'typescript', 'lib')
  const languages = readdirSync(folder).filter((name) =>
    existsSync(join(folder, name, 'diagnosticMessages.generated.json')),
  )
  const lists = languages.sort().map((name) => {
    const file = join(folder, name, 'diagnosticMessages.generated.json')
    return Object.values(JSON.parse(readFileSync(file, 'utf8')))
  })
  const lines = []
  for (let start = 0; lists.some((list) => start < list.length); start += 100) {
    for (const list of lists) lines.push(...list.slice(start, start + 100))
  }
  return Buffer.from(lines.join('\n'))
}

/** `prose`, `code` and `languages`: several MB of each. */
export const defaultTexts = ({ maxBytes }) => {
  const files = everywhere().flatMap(filesOf)
  const enough = maxBytes + 100_000
  const prose = files.filter((file) => /\.md$|\/(?:licen[cs]e|notice|authors)[^/]*$/i.test(file))
  return [
    textOf('prose', gather(prose, enough, paragraphs), { maxBytes }),
    textOf('code', gather(files.filter(isSource), enough, whole), { maxBytes }),
    textOf('languages', messages(), { maxBytes }),
  ]
}
