import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { bench, madeFolder } from './paths.mjs'
import { ranksFolder } from './ranks.mjs'
import { snapshotFolder } from './snapshot.mjs'

/** Where the tokenizer.json of an encoding is made. */
export const tokenizerJsonOf = (encoding) => join(madeFolder, `${encoding}.tokenizer.json`)

/**
 * What runs the children.
 * @typedef {{ python: string | undefined, rust: string | undefined, addon: string }} Tools `python` and `rust` are undefined
 *   when there is none: peers that need it are left out, and the record says so
 */

/** Whether `peer` can be run with `tools`. */
export const canRun = ({ runtime }, { python, rust }) =>
  runtime === 'node' || (runtime === 'python' ? python : rust) !== undefined

const programs = {
  node: () => [process.execPath, join(bench, 'node', 'child.mjs')],
  python: ({ python }) => [python, join(bench, 'python', 'child.py')],
  rust: ({ rust }) => [rust],
}

const dataFlags = ({ runtime }, encoding) => {
  const json = ['--tokenizer-json', tokenizerJsonOf(encoding)]
  if (runtime === 'rust') return ['--data', join(snapshotFolder, 'encodings'), ...json]
  return runtime === 'python' ? ['--ranks', ranksFolder, ...json] : json
}

const environmentOf = ({ addon }, threads = 1) => ({
  ...(threads > 1 && { RAYON_NUM_THREADS: String(threads), TOKENIZERS_PARALLELISM: 'true' }),
  TOKENMILL_NATIVE_PATH: addon,
  TOKENMILL_BENCH_MODULE: pathToFileURL(join(snapshotFolder, 'dist', 'index.js')).href,
  TOKENMILL_BENCH_ENCODINGS: pathToFileURL(join(snapshotFolder, 'dist', 'encodings.js')).href,
})

/** The child that does `what` (`throughput`, `decode`, `batch`, `short`) with a peer, for {@link runChild}. */
export const childOf = (tools, peer, encoding, what, flags, threads) => ({
  command: [
    ...programs[peer.runtime](tools),
    ...[what, '--peer', peer.peer, '--encoding', encoding, ...dataFlags(peer, encoding)],
    ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]),
  ],
  env: environmentOf(tools, threads),
})

/** The child that encodes two words with a peer and ends; with `memory` it prints what it holds then. */
export const firstTokenOf = (tools, peer, encoding, memory) => ({
  command:
    peer.runtime === 'node'
      ? [
          ...[process.execPath, join(bench, 'node', 'first-token.mjs'), peer.peer, encoding, tokenizerJsonOf(encoding)],
          ...(memory ? ['memory'] : []),
        ]
      : [
          ...programs[peer.runtime](tools),
          ...['first-token', '--peer', peer.peer, '--encoding', encoding, ...dataFlags(peer, encoding)],
          ...['--memory', memory ? 'yes' : 'no'],
        ],
  env: environmentOf(tools),
})

/** The runtime of a peer doing nothing. */
export const bareOf = (tools, runtime) => ({
  command: { node: [process.execPath, '-e', '0'], python: [tools.python, '-c', '0'], rust: [tools.rust] }[runtime],
})
