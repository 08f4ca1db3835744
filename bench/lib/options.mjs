import { parseArgs } from 'node:util'
import { listOf, positive } from './arguments.mjs'
import { nativePeers, nodePeers } from './peers.mjs'
import { encodings as known } from './ranks.mjs'
import { sections as all } from './sections.mjs'

const defaults = {
  bench: { rounds: 3, passes: 3, starts: 15, sections: ['throughput', 'load', 'short'] },
  tokenize: { rounds: 3, passes: 3, starts: 5, sections: Object.keys(all) },
}
const quick = { rounds: 1, passes: 1, starts: 1, maxBytes: 60_000, limit: 10 }

const lines = Object.entries(all).map(([name, { about }]) => `    ${name.padEnd(14)}${about}`)

export const help = `npm run bench [-- tokenize] [options] [--corpus FILE…]

  npm run bench                the peers from npm, and tiktoken: ${defaults.bench.sections.join(', ')}
  npm run bench -- tokenize    the fastest tokenizers of any language: all sections
  npm run bench -- dataset, chunk, train, word-vectors, json or embedding; \`--help\` after it lists its options

  --sections LIST     of
${lines.join('\n')}
  --peers LIST        only these; of tokenize: ${nativePeers.map(({ id }) => id).join(', ')}
  --corpus FILE…      UTF-8 text, packed with xz or not (default: text out of node_modules)
  --encodings LIST    of ${Object.keys(known).join(', ')} (default: o200k_base; tokenize: all)
  --rounds N          processes per figure (default: 3)
  --limit SECONDS     after which a process is stopped (default: 60)
  --max-bytes N       of each text (default: 4000000; with --corpus: all of it)
  --name NAME         of the record bench/results/DATE-NAME.md (default: bench or tokenize; with --quick
                      none); --name '' writes none
  --quick             a small one to see that it works: few minutes at most, no figures to quote
`

/** The options of a command line. */
export const readOptions = (args) => {
  const string = { type: 'string' }
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...{ corpus: { type: 'string', multiple: true }, encodings: string, rounds: string, limit: string, name: string },
      ...{ 'max-bytes': string, peers: string, sections: string },
      ...{ quick: { type: 'boolean' }, help: { type: 'boolean' } },
    },
  })
  const what = positionals[0] === 'tokenize' ? 'tokenize' : 'bench'
  const corpus = [...(values.corpus ?? []), ...(what === 'tokenize' ? positionals.slice(1) : positionals)]
  const standard = {
    ...{ maxBytes: corpus.length > 0 ? Infinity : 4_000_000, limit: 60 },
    ...defaults[what],
    ...(values.quick && quick),
  }
  const number = (name, fallback) => (values[name] === undefined ? fallback : positive(name, values[name]))
  const list = (name, fallback, allowed, what) => listOf(values[name]?.split(',') ?? fallback, allowed, what)
  const peers = what === 'tokenize' ? nativePeers : nodePeers
  const ids = peers.map(({ id }) => id)
  const chosen = list('peers', ids, ids, 'peer')
  const encodings = what === 'tokenize' && !values.quick ? Object.keys(known) : ['o200k_base']
  return {
    ...{ what, corpus, help: values.help, quick: values.quick ?? false },
    ...{ passes: standard.passes, starts: standard.starts },
    name: values.name ?? (values.quick ? undefined : what),
    rounds: number('rounds', standard.rounds),
    limit: number('limit', standard.limit),
    maxBytes: number('max-bytes', standard.maxBytes),
    encodings: list('encodings', encodings, Object.keys(known), 'encoding'),
    sections: list('sections', standard.sections, Object.keys(all), 'section'),
    peers: peers.filter(({ id }) => chosen.includes(id)),
  }
}
