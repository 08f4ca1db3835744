/*
 * Everything that is measured. `runtime` says which child runs it and how it is timed; `encodings` is left out where it
 * has all of them; `counts` says that it has a count of its own, `batch` that it takes several texts at a time.
 */
const gpt = ['cl100k_base', 'o200k_base']

const all = {
  tokenmill: { title: 'tokenmill', runtime: 'node', peer: 'tokenmill', counts: true, batch: true },
  'gpt-tokenizer': {
    title: 'gpt-tokenizer',
    runtime: 'node',
    peer: 'gpt-tokenizer',
    package: 'gpt-tokenizer',
    counts: true,
  },
  'js-tiktoken': { title: 'js-tiktoken', runtime: 'node', peer: 'js-tiktoken', package: 'js-tiktoken' },
  'tiktoken-wasm': { title: 'tiktoken (WASM)', runtime: 'node', peer: 'tiktoken-wasm', package: 'tiktoken' },
  'hf-native': { title: 'tokenizers (npm, native)', runtime: 'node', peer: 'hf-native', package: 'tokenizers' },
  'hf-js': { title: '@huggingface/tokenizers', runtime: 'node', peer: 'hf-js', package: '@huggingface/tokenizers' },
  'ai-tokenizer': {
    title: 'ai-tokenizer',
    runtime: 'node',
    peer: 'ai-tokenizer',
    package: 'ai-tokenizer',
    encodings: gpt,
  },
  'tokenmill-rust': { title: 'tokenmill (Rust)', runtime: 'rust', peer: 'tokenmill', counts: true, batch: true },
  'tokenizers-1': { title: 'tokenizers 1.0.0-rc.3 (Rust)', runtime: 'rust', peer: 'hf', batch: true },
  tiktoken: { title: 'tiktoken (Python)', runtime: 'python', peer: 'tiktoken', package: 'tiktoken', batch: true },
  gigatoken: { title: 'gigatoken', runtime: 'python', peer: 'gigatoken', package: 'gigatoken', batch: true },
  fastokens: { title: 'fastokens', runtime: 'python', peer: 'fastokens', package: 'fastokens', batch: true },
  tokie: { title: 'tokie', runtime: 'python', peer: 'tokie', package: 'tokie', counts: true, batch: true },
  quicktok: {
    title: 'quicktok-v1',
    runtime: 'python',
    peer: 'quicktok',
    package: 'quicktok-v1',
    encodings: gpt,
    counts: true,
    batch: true,
  },
  tokenizers: {
    title: 'tokenizers (Python)',
    runtime: 'python',
    peer: 'tokenizers',
    package: 'tokenizers',
    batch: true,
  },
}

/** @param {readonly string[]} ids */
const list = (ids) => ids.map((id) => ({ id, ...all[id] }))

/** For people who write JavaScript: what npm has, and tiktoken itself. */
export const nodePeers = list([
  ...['tokenmill', 'gpt-tokenizer', 'js-tiktoken', 'tiktoken-wasm', 'hf-native', 'hf-js', 'ai-tokenizer', 'tiktoken'],
])

/** The fastest there are in any language; Tokenmill both from Rust and through Node. */
export const nativePeers = list([
  ...['tokenmill-rust', 'tokenmill', 'gigatoken', 'fastokens', 'tokenizers-1', 'quicktok', 'tokie', 'tokenizers'],
  ...['tiktoken', 'gpt-tokenizer', 'tiktoken-wasm', 'ai-tokenizer'],
])

/** The ids that all others are compared with. */
export const reference = { id: 'tiktoken', ...all.tiktoken }

/** Whose ids are compared with where there is no Python. */
export const ours = { id: 'tokenmill', ...all.tokenmill }

export const hasEncoding = ({ encodings }, encoding) => !encodings || encodings.includes(encoding)

/* Without a count of its own a peer is asked for the ids, whose length costs nothing more. */
const apiOf = ({ counts }, api) => (api === 'count' && !counts ? 'encode' : api)

/** Which of `apis` is measured for the figures of each of them. */
export const apisOf = (peer, apis) => [...new Set(apis.map((api) => apiOf(peer, api)))]

/** Those of `rows` that hold the figures of a peer for `api`. */
export const rowsOf = (rows, peer, encoding, api) =>
  rows.filter((row) => row.peer === peer.id && row.encoding === encoding && row.api === apiOf(peer, api))
