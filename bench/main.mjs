/*
 * `npm run bench [-- tokenize] [options] [FILE…]`: Tokenmill beside its peers, in one run on the same text. What is measured
 * and how is in bench/README.md. `--help` lists the options.
 */
import { rmSync } from 'node:fs'
import { Failure, script } from '../scripts/lib/run.mjs'
import { canRun, tokenizerJsonOf } from './lib/commands.mjs'
import { defaultTexts } from './lib/default-texts.mjs'
import { load, machine, versions } from './lib/machine.mjs'
import { help, readOptions } from './lib/options.mjs'
import { runFolder } from './lib/paths.mjs'
import { head, write } from './lib/record.mjs'
import { sections } from './lib/sections.mjs'
import { setUp } from './lib/setup.mjs'
import { snapshot } from './lib/snapshot.mjs'
import { random } from './lib/stats.mjs'
import { ensureTokenizerJson } from './lib/tokenizer-json.mjs'
import { textOfFile } from './lib/texts.mjs'

const subjects = ['chunk', 'dataset', 'embedding', 'interop', 'json', 'prepare', 'train', 'word-vectors']

await script(async () => {
  // Subjects of their own.
  const [subject, ...rest] = process.argv.slice(2)
  if (subjects.includes(subject)) return (await import(`./${subject}/main.mjs`)).main(rest)
  const options = readOptions(process.argv.slice(2))
  if (options.help) return console.log(help)
  const started = performance.now()
  process.on('exit', () => rmSync(runFolder, { recursive: true, force: true }))
  const say = (what) => console.error(`▸ ${what}`)
  const tools = snapshot(await setUp({ native: options.what === 'tokenize', say }))
  for (const encoding of options.encodings) await ensureTokenizerJson(encoding, tokenizerJsonOf(encoding))
  const texts =
    options.corpus.length > 0 ? options.corpus.map((file) => textOfFile(file, options)) : defaultTexts(options)
  const repeated = texts.find(({ name }, i) => texts.findIndex((text) => text.name === name) < i)
  if (repeated) throw new Failure(`two texts are called ${repeated.name}`)
  const before = load()
  if (before > 0.5) say(`This machine is busy (load ${before}): good for a check, not for figures`)

  // A seed of its own for each run: no order is favoured for good.
  const context = { ...options, texts, tools, say, next: random(Date.now()) }
  const [parts, results] = [[], {}]
  for (const name of options.sections) {
    const begun = performance.now()
    const section = await sections[name].run(context)
    parts.push(...section.parts)
    results[name] = section.results
    say(`${name} took ${((performance.now() - begun) / 1000).toFixed(0)} s`)
  }

  const date = new Date().toISOString().slice(0, 10)
  const about = {
    ...{ title: options.what === 'tokenize' ? 'The engine beside its peers' : 'Tokenmill beside its peers', date },
    ...{ machine: machine(), versions: versions(tools), load: { before, after: load() } },
    texts: texts.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 })),
    leftOut: options.peers.filter((peer) => !canRun(peer, tools)).map(({ title }) => title),
    command: `npm run bench${options.what === 'tokenize' ? ' -- tokenize' : ''}`,
  }
  const { encodings, rounds, passes, starts, limit } = options
  const settings = { encodings, rounds, passes, starts, limit, sections: options.sections }
  settings.peers = options.peers.map(({ id }) => id)
  const markdown = [head({ ...about, settings }), ...parts].join('\n\n')
  console.log(markdown)
  say(`took ${((performance.now() - started) / 1000).toFixed(0)} s`)
  if (options.name) {
    say(`written to ${write({ ...options, date, markdown, data: { ...about, settings, results } })}.md and .json`)
  }
})
