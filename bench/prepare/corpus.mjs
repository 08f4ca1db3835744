import { createHash } from 'node:crypto'
import { spawn } from 'node:child_process'
import { createWriteStream, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { Failure } from '../../scripts/lib/run.mjs'
import { random } from '../lib/stats.mjs'

/**
 * Writes JSON lines of documents of 1,500 to 4,500 characters out of `texts`, over and over until there are `bytes` bytes of text, as files of some `fileBytes`.
 * After the first time, one word in fifty is changed in two letters: a larger text has ever-new words, too, and what was seen before is not all there is.
 *
 * They stay in `folder` for the next time.
 *
 * @param {{ texts: readonly string[], folder: string, name: string, bytes: number, fileBytes: number, form: 'jsonl' | 'gz' | 'zst' }} options
 * @returns {Promise<{ files: string[], bytes: number, documents: number, sha256: string }>} `bytes` and `sha256` are of the texts
 */
export const writeCorpus = async ({ texts, folder, name, bytes, fileBytes, form }) => {
  mkdirSync(folder, { recursive: true })
  // The same options give the same files: they are made once.
  const key = createHash('sha256').update(JSON.stringify([texts, name, bytes, fileBytes, form, version]))
  const made = join(folder, `${name}-${form}.json`)
  const known = existsSync(made) ? JSON.parse(readFileSync(made, 'utf8')) : {}
  const digest = key.digest('hex')
  if (known.digest === digest && known.files.every((file) => existsSync(file))) return known
  const documents = documentsOf(texts)
  const hash = createHash('sha256')
  const [files, facts] = [[], { bytes: 0, documents: 0 }]
  function* lines() {
    const end = Math.min(bytes, facts.bytes + fileBytes)
    while (facts.bytes < end) {
      const { value: text } = documents.next()
      hash.update(text)
      facts.bytes += Buffer.byteLength(text)
      facts.documents++
      yield `${JSON.stringify({ id: facts.documents, text })}\n`
    }
  }
  while (facts.bytes < bytes) {
    const file = join(
      folder,
      `${name}-${String(files.length).padStart(2, '0')}.jsonl${form === 'jsonl' ? '' : `.${form}`}`,
    )
    files.push(file)
    if (form === 'zst') await zstd(lines(), file)
    else await pipeline(lines(), ...(form === 'gz' ? [createGzip({ level: 6 })] : []), createWriteStream(file))
  }
  const corpus = { files, ...facts, sha256: hash.digest('hex') }
  writeFileSync(made, JSON.stringify({ digest, ...corpus }))
  return corpus
}

/* Of what is made of the same options. */
const version = 1

/* Not in every Node: the program. */
const zstd = async (lines, file) => {
  const child = spawn('zstd', ['-q', '-3', '-f', '-o', file], { stdio: ['pipe', 'ignore', 'inherit'] })
  const ended = new Promise((done, fail) => {
    child.on('error', () => fail(new Failure('the program zstd is needed to write the corpus')))
    child.on('close', (code) => (code === 0 ? done() : fail(new Failure(`zstd ended with ${code}`))))
  })
  await Promise.all([pipeline(lines, child.stdin), ended])
}

function* documentsOf(texts) {
  const next = random(1)
  for (let pass = 0; ; pass++) {
    for (const text of texts) {
      for (let start = 0; start < text.length;) {
        let end = Math.min(text.length, start + 1500 + Math.floor(next() * 3000))
        // Not in the middle of a surrogate pair.
        if (end < text.length && (text.charCodeAt(end) & 0xfc00) === 0xdc00) end++
        const document = text.slice(start, end)
        yield pass === 0 ? document : changed(document, next)
        start = end
      }
    }
  }
}

const letters = 'etaoinshrdlucmfwypvbgkjqxz'

const changed = (text, next) =>
  text.replace(/[a-z]{4,}/g, (word) => {
    if (next() >= 0.02) return word
    const at = Math.floor(next() * (word.length - 1))
    const letter = () => letters[Math.floor(next() * 26)]
    return word.slice(0, at) + letter() + letter() + word.slice(at + 2)
  })
