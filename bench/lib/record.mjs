import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bench } from './paths.mjs'

const list = (versions) =>
  Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')

/** The head of a record: when, on what, with which versions and texts. */
export const head = ({ title, date, machine, versions, load, texts, leftOut, command, settings }) => {
  const { cpu, cores, memoryGB, system } = machine
  const { tokenmill, commit, changed, node, rust, python, npm, crates, pypi } = versions
  return [
    `# ${title}`,
    [
      `- ${date}, \`${command}\``,
      `- ${cpu}, ${cores} cores, ${memoryGB} GB, ${system}; load before ${load.before}, after ${load.after}`,
      `- tokenmill ${tokenmill} at ${commit}${changed ? ' with uncommitted changes' : ''}; Node ${node}, Rust ${rust}, Python ${python ?? 'none'}`,
      `- ${settings.rounds} rounds, up to ${settings.passes} warm passes each, a process is stopped after ${settings.limit} s`,
      `- npm: ${list(npm)}`,
      `- crates: ${list(crates)}`,
      `- PyPI: ${list(pypi) || 'none'}`,
      ...(leftOut.length > 0 ? [`- left out, because what runs them is not here: ${leftOut.join(', ')}`] : []),
      `- texts: ${texts.map(({ name, bytes, sha256 }) => `${name} ${(bytes / 1e6).toFixed(2)} MB (SHA-256 ${sha256.slice(0, 8)}…)`).join(', ')}`,
    ].join('\n'),
  ].join('\n\n')
}

/** What a record of times says about a machine that had other work. */
export const busyNote = ({ before }) =>
  before > 0.5
    ? [
        'The machine had other work: times by the clock hold waits for it, and CPU times may be higher than on a quiet one.',
      ]
    : []

/** Writes `bench/results/<date>-<name>.md` and `.json`; returns the name. */
export const write = ({ name, date, markdown, data }) => {
  const folder = join(bench, 'results')
  mkdirSync(folder, { recursive: true })
  const base = `${date}-${name}`
  writeFileSync(join(folder, `${base}.md`), `${markdown}\n`)
  writeFileSync(join(folder, `${base}.json`), `${JSON.stringify(data)}\n`)
  return `bench/results/${base}`
}
