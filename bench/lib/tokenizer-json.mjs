import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, relative } from 'node:path'
import { root } from '../../scripts/lib/run.mjs'
import { unlessFresh } from '../../scripts/lib/stamp.mjs'
import { readRanks } from './ranks.mjs'

/*
 * The published encodings as a tokenizer.json, for the peers that read nothing else. Patterns as in the files that are on
 * the Hub for these encodings: without possessive quantifiers, which change nothing in what they match here.
 */

const patterns = {
  cl100k_base:
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  o200k_base: [
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    '\\p{N}{1,3}',
    ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*',
    '\\s*[\\r\\n]+',
    '\\s+(?!\\S)',
    '\\s+',
  ].join('|'),
}

const byteLevel = (useRegex) => ({
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: useRegex,
})

/* ByteLevel brings the pattern of GPT-2 itself. */
const preTokenizer = (encoding) =>
  encoding === 'r50k_base'
    ? byteLevel(true)
    : {
        type: 'Sequence',
        pretokenizers: [
          { type: 'Split', pattern: { Regex: patterns[encoding] }, behavior: 'Isolated', invert: false },
          byteLevel(false),
        ],
      }

/* GPT-2 writes each byte as a printable character: itself where it is one, else one from U+0100 on. */
const characters = (() => {
  let next = 0x100
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad)
    return String.fromCharCode(printable ? byte : next++)
  })
})()

/* The two parts whose merge is `token`: those in which merging its bytes ends when the token itself is left out. */
const partsOf = (token, rank, ranks) => {
  const parts = [...token]
  while (parts.length > 2) {
    let best = rank
    let at = -1
    for (let i = 0; i + 1 < parts.length; i++) {
      const found = ranks.get(parts[i] + parts[i + 1])
      if (found !== undefined && found < best) [best, at] = [found, i]
    }
    if (at < 0) return undefined // no merge reaches it
    parts.splice(at, 2, parts[at] + parts[at + 1])
  }
  return parts
}

/**
 * @param {string} encoding
 * @param {ReadonlyMap<string, number>} ranks tokens, one character per byte (latin1)
 */
export const tokenizerJson = (encoding, ranks) => {
  const printed = (token) => Array.from(token, (byte) => characters[byte.charCodeAt(0)]).join('')
  /** @type {Record<string, number>} */
  const vocab = {}
  const merges = []
  for (const [token, rank] of [...ranks].sort(([, a], [, b]) => a - b)) {
    vocab[printed(token)] = rank
    const parts = token.length > 1 && partsOf(token, rank, ranks)
    if (parts) merges.push(parts.map(printed))
  }
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: preTokenizer(encoding),
    post_processor: null,
    decoder: byteLevel(true),
    model: {
      type: 'BPE',
      ...{ dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null },
      ...{ fuse_unk: false, byte_fallback: false, ignore_merges: true, vocab, merges },
    },
  }
}

/** Makes `file` unless it is there and up to date. */
export const ensureTokenizerJson = (encoding, file) =>
  unlessFresh({
    name: `bench-${encoding}`,
    inputs: ['bench/lib/tokenizer-json.mjs', 'bench/package-lock.json'],
    outputs: [relative(root, file)],
    make: async () => {
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, JSON.stringify(tokenizerJson(encoding, readRanks(encoding))))
    },
  })
