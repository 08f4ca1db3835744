import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Failure, root, run } from './run.mjs'

const heading = `The addon of Tokenmill contains what follows, under these licences. Its own is in LICENSE.
Where a package offers several, the one that is given here was chosen.
`

/** Files that say under which licence a package is. */
const isLicence = (file) => /^(licen[cs]e|copying|unlicense)/i.test(file)
/** Licences that a package may offer beside another, the most wanted first, and what its file is called. */
const choices = [
  { licence: 'Apache-2.0', file: /apache|_a2$/i },
  { licence: 'MIT', file: /mit/i },
]

/**
 * The licence that is chosen of those that `crate` offers, and the names of the files that have its text: the one of that licence where each
 * has its own, else all.
 */
const chosen = ({ license, manifest_path }) => {
  const files = readdirSync(dirname(manifest_path))
  const own = files.filter(isLicence)
  for (const { licence, file } of choices) {
    const one = own.find((name) => file.test(name) && !/llvm/i.test(name))
    if (one && license.split(/ OR |\//).includes(licence)) return { licence, files: [one, ...noticesIn(files)] }
  }
  return { licence: license, files: [...own, ...noticesIn(files)] }
}

/** What the Apache licence wants to be passed on. */
const noticesIn = (files) => files.filter((file) => /^notice/i.test(file))

/** The text for a package that has none: that of our own licence, with its authors. */
const usual = ({ name, version, license, authors }) => {
  if (license !== 'MIT' || authors.length === 0)
    throw new Failure(`the package ${name} ${version} has no text of its licence`)
  return readFileSync(join(root, 'LICENSE'), 'utf8').replace(/(?<=Copyright \(c\) ).*/, authors.join(', '))
}

/**
 * The packages of others that are linked into the addon for a target of Rust, with these features of crates/node, as cargo describes them: not what
 * only builds it, nor macros, which run in the compiler.
 *
 * @param {string} target
 * @param {readonly string[]} features
 */
export const linkedInto = async (target, features = []) => {
  const { output } = await run(
    'cargo',
    [
      ...['metadata', '--format-version', '1', '--locked', '--quiet', '--filter-platform', target],
      ...['--manifest-path', 'crates/node/Cargo.toml', '--features', features.join(',')],
    ],
    { quiet: true },
  )
  const { packages, resolve } = JSON.parse(output.split('\n').find((line) => line.startsWith('{')))
  const byId = new Map(packages.map((crate) => [crate.id, crate]))
  const dependencies = new Map(resolve.nodes.map(({ id, deps }) => [id, deps]))
  const found = new Set([resolve.root])
  for (const id of found) {
    for (const { pkg, dep_kinds } of dependencies.get(id)) {
      const isMacro = byId.get(pkg).targets.some(({ kind }) => kind.includes('proc-macro'))
      if (!isMacro && dep_kinds.some(({ kind }) => kind === null)) found.add(pkg)
    }
  }
  return [...found].map((id) => byId.get(id)).filter(({ source }) => source !== null)
}

/**
 * The licences of `packages`, each text once, after the names of those that it is of.
 *
 * @param {readonly { name: string, version: string, license: string, authors: readonly string[], manifest_path: string }[]} packages
 */
export const noticesOf = (packages) => {
  const sections = new Map()
  const add = (name, licence, text) => {
    const key = text.trim().replace(/\s+/g, ' ')
    const section = sections.get(key) ?? { licence, text: text.trim().replace(/\r/g, ''), names: [] }
    section.names.push(name)
    sections.set(key, section)
  }
  for (const crate of packages) {
    const { licence, files } = chosen(crate)
    const texts = files.map((file) => readFileSync(join(dirname(crate.manifest_path), file), 'utf8'))
    if (texts.length === 0) texts.push(usual(crate))
    for (const text of texts) add(`${crate.name} ${crate.version}`, licence, text)
  }
  const byName = [...sections.values()].sort((a, b) => (a.names.join() < b.names.join() ? -1 : 1))
  const written = byName.map(({ licence, text, names }) => `${names.sort().join(', ')}: ${licence}\n\n${text}\n`)
  return [heading, ...written].join(`\n${'-'.repeat(80)}\n\n`)
}
