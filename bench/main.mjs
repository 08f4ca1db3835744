/*
 * `npm run bench [-- tokenize] [options] [FILE…]`: Tokenmill beside its peers, in one run on the same text. What is measured
 * and how is in bench/README.md. `--help` lists the options.
 */
import { rmSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Failure, script } from '../scripts/lib/run.mjs'
import { canRun, tokenizerJsonOf } from './lib/commands.mjs'
import { defaultTexts } from './lib/default-texts.mjs'
import { load, machine, versions } from './lib/machine.mjs'
import { pathologicalTexts } from './lib/pathological-texts.mjs'
import { runFolder } from './lib/paths.mjs'
import { nativePeers, nodePeers } from './lib/peers.mjs'
import { encodings as known } from './lib/ranks.mjs'
import { head, write } from './lib/record.mjs'
import { firstTokenSection, loadSection, shortSection, throughputSection } from './lib/report.mjs'
import { setUp } from './lib/setup.mjs'
import { snapshot } from './lib/snapshot.mjs'
import { random } from './lib/stats.mjs'
import { ensureTokenizerJson } from './lib/tokenizer-json.mjs'
import { textOfFile } from './lib/texts.mjs'
import { firstToken } from './suites/first-token.mjs'
import { short } from './suites/short-strings.mjs'
import { throughput } from './suites/throughput.mjs'

const help = `npm run bench [-- tokenize] [options] [--corpus FILE…]

  npm run bench                the peers from npm, and tiktoken: throughput, first token, memory, short strings
  npm run bench -- tokenize    the fastest tokenizers of any language: throughput, and text that no person writes

  --corpus FILE…      UTF-8 text, packed with xz or not (default: text out of node_modules)
  --encodings LIST    of ${Object.keys(known).join(', ')} (default: o200k_base; tokenize: all)
  --rounds N          processes per figure (default: 3; tokenize: 5)
  --limit SECONDS     after which a process is stopped (default: 60)
  --max-bytes N       of each text (default: 4000000; with --corpus: all of it)
  --peers LIST        only these, for work on the benchmark itself
  --name NAME         of the record bench/results/DATE-NAME.md (default: bench or tokenize; with --quick
                      none); --name '' writes none
  --quick             a small one to see that it works: under a minute, no figures to quote
`

const full = { bench: { rounds: 3, passes: 3, starts: 15 }, tokenize: { rounds: 5, passes: 3, starts: 0 } }
const quick = { rounds: 1, passes: 1, starts: 1, maxBytes: 60_000, limit: 10 }

const readOptions = () => {
  const string = { type: 'string' }
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ...{ corpus: { type: 'string', multiple: true }, encodings: string, rounds: string, limit: string, name: string },
      ...{ 'max-bytes': string, peers: string, quick: { type: 'boolean' }, help: { type: 'boolean' } },
    },
  })
  const what = positionals[0] === 'tokenize' ? 'tokenize' : 'bench'
  const corpus = [...(values.corpus ?? []), ...(what === 'tokenize' ? positionals.slice(1) : positionals)]
  const number = (name, fallback) => {
    if (values[name] === undefined) return fallback
    const number = Number(values[name])
    if (Number.isInteger(number) && number > 0) return number
    throw new Failure(`expected a whole number above 0 for --${name}, found ${values[name]}`)
  }
  const names = (list, allowed, what) => {
    for (const name of list)
      if (!allowed.includes(name)) throw new Failure(`there is no ${what} ${name}: ${allowed.join(', ')}`)
    return list
  }
  const defaults = {
    maxBytes: corpus.length > 0 ? Infinity : 4_000_000,
    limit: 60,
    ...full[what],
    ...(values.quick && quick),
  }
  const standard = what === 'tokenize' && !values.quick ? Object.keys(known) : ['o200k_base']
  const peers = what === 'tokenize' ? nativePeers : nodePeers
  const ids = peers.map(({ id }) => id)
  const chosen = names(values.peers?.split(',') ?? ids, ids, 'peer')
  return {
    ...{ what, corpus, help: values.help, quick: values.quick ?? false },
    ...{ passes: defaults.passes, starts: defaults.starts },
    name: values.name ?? (values.quick ? undefined : what),
    rounds: number('rounds', defaults.rounds),
    limit: number('limit', defaults.limit),
    maxBytes: number('max-bytes', defaults.maxBytes),
    encodings: names(values.encodings?.split(',') ?? standard, Object.keys(known), 'encoding'),
    peers: peers.filter(({ id }) => chosen.includes(id)),
  }
}

/* Tables for people who write JavaScript. */
const benchSections = async (context, texts) => {
  const { peers, encodings, rounds, starts } = context
  const apis = ['encode', 'count']
  const whole = { ...context, texts, apis }
  const speeds = await throughput(whole)
  const first = await firstToken({ ...context, rounds: starts })
  const shorts = await short({ ...context, text: texts[0], apis, passes: 5, seconds: context.quick ? 0.02 : 0.2 })
  return {
    sections: [
      throughputSection({
        title: 'Long texts',
        ...speeds,
        peers,
        encodings,
        texts,
        apis,
        steps: ['first', 'warm'],
        rounds,
      }),
      firstTokenSection({ ...first, peers, encodings, rounds: starts }),
      shortSection({ rows: shorts, peers, encodings, apis, rounds, text: texts[0].name }),
    ],
    results: { throughput: speeds, firstToken: first, shortStrings: shorts },
  }
}

/* Tables of the engine beside the fastest of any language. */
const tokenizeSections = async (context, texts) => {
  const { peers, encodings, rounds } = context
  const speeds = await throughput({ ...context, texts, apis: ['encode', 'count'] })
  const strange = pathologicalTexts({
    bytes: context.quick ? 2 ** 16 : 2 ** 20,
    warmUp: Buffer.from(texts[0].text).subarray(0, 20_000),
  })
  const pieces = await throughput({ ...context, texts: strange, apis: ['encode'], passes: 0 })
  return {
    sections: [
      throughputSection({
        ...{ title: 'Long texts', ...speeds, peers, encodings, texts, rounds },
        ...{ apis: ['encode', 'count'], steps: ['first', 'warm'] },
      }),
      throughputSection({
        ...{ title: `Text that no person writes, ${strange[0].bytes.toLocaleString('en-US')} bytes of each` },
        ...{ ...pieces, peers, encodings, texts: strange, apis: ['encode'], steps: ['first'], rounds },
      }),
      loadSection({ ...speeds, peers, encodings }),
    ],
    results: { throughput: speeds, pathological: pieces },
  }
}

await script(async () => {
  const options = readOptions()
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
  const context = { ...options, tools, say, next: random(Date.now()) }
  const { sections, results } = await (options.what === 'tokenize' ? tokenizeSections : benchSections)(context, texts)

  const date = new Date().toISOString().slice(0, 10)
  const about = {
    ...{ title: options.what === 'tokenize' ? 'The engine beside its peers' : 'Tokenmill beside its peers', date },
    ...{ machine: machine(), versions: versions(tools), load: { before, after: load() } },
    texts: texts.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 })),
    leftOut: options.peers.filter((peer) => !canRun(peer, tools)).map(({ title }) => title),
    command: `npm run bench${options.what === 'tokenize' ? ' -- tokenize' : ''}`,
  }
  const { encodings, rounds, passes, starts, limit } = options
  const settings = { encodings, rounds, passes, starts, limit, peers: options.peers.map(({ id }) => id) }
  const markdown = [head({ ...about, settings }), ...sections].join('\n\n')
  console.log(markdown)
  say(`took ${((performance.now() - started) / 1000).toFixed(0)} s`)
  if (options.name) {
    say(`written to ${write({ ...options, date, markdown, data: { ...about, settings, results } })}.md and .json`)
  }
})
