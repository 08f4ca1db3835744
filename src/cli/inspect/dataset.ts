import { checkHoldsDataset } from '../../dataset/dataset-folder.ts'
import type { Manifest } from '../../dataset/manifest.ts'
import { verifyDataset } from '../../dataset/verify.ts'
import { callNativeAsync } from '../../errors.ts'
import { native } from '../../native.ts'
import { leftOut, splitsOf } from '../commands/prepare.ts'
import type { InspectFlags } from '../commands/inspect.ts'
import { write, writeJson } from '../output.ts'
import { bytes, integer } from '../terminal/format.ts'
import { ProgressLine } from '../terminal/progress-line.ts'
import { aligned } from './aligned.ts'

/** What the dataset in `folder` holds. */
export const inspectDataset = async (folder: string, flags: InspectFlags): Promise<void> => {
  await checkHoldsDataset(folder)
  const manifest = JSON.parse(await callNativeAsync(() => native().surveyDataset(folder))) as Manifest
  const line = new ProgressLine()
  try {
    if (flags.verify) {
      await verifyDataset(folder, manifest, {
        onProgress: ({ bytes: done, bytesTotal }) => line.show(`${bytes(done)} of ${bytes(bytesTotal)} verified`),
      })
    }
  } finally {
    line.end()
  }
  if (flags.json) return writeJson({ ...manifest, verified: flags.verify ?? false })
  await write(aligned(facts(manifest, flags.verify ?? false)))
}

const facts = (manifest: Manifest, isVerified: boolean): [string, string][] => {
  const { tokenizer, dtype, separator, counts, allowedSpecial = [] } = manifest
  const lines: [string, string][] = [
    ['tokenizer', `${tokenizer.name}, ${integer(tokenizer.vocabSize)} ids`],
    ['fingerprint', tokenizer.fingerprint],
    ['ids', dtype],
    ['separator', separator === null ? 'none' : `${separator.id} ${separator.position} each document`],
    ['documents', `${integer(counts.documents)}, ${bytes(counts.bytes)} of text`],
    [
      'tokens',
      `${integer(counts.tokens)}, ${(counts.bytes / Math.max(1, counts.tokens)).toFixed(2)} bytes of text each`,
    ],
  ]
  if (allowedSpecial.length > 0) lines.push(['special tokens', `${allowedSpecial.join(' ')} in documents`])
  for (const text of leftOut(manifest)) lines.push(['left out', text])
  for (const [name, split] of splitsOf(manifest)) {
    // An empty split has no files.
    const others = Object.entries(split.others).flatMap(([format, files]) => (files.length > 0 ? [`, ${format}`] : []))
    const raw = split.shards.length === 1 ? '1 raw shard' : `${integer(split.shards.length)} raw shards`
    lines.push([
      name,
      `${integer(split.tokens)} tokens, ${integer(split.documents)} documents, ${raw}${others.join('')}`,
    ])
  }
  if (isVerified) lines.push(['verified', 'every file has the BLAKE3 of the manifest'])
  return lines
}
