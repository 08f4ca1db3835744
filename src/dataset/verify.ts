import { cancellable } from '../cancel.ts'
import { native } from '../native.ts'
import { abortSignal, callback, options as checkedOptions } from '../validate.ts'
import { watching } from '../watching.ts'
import type { Manifest } from './manifest.ts'

/** How far {@link TokenStore.verify} is. */
export interface VerifyProgress {
  /** Bytes of files that are found to be right. */
  readonly bytes: number
  /** The bytes of all files. */
  readonly bytesTotal: number
}

/** Options of {@link TokenStore.verify}. */
export interface VerifyOptions {
  /** Stops the work; the promise is rejected with `signal.reason`. */
  readonly signal?: AbortSignal | undefined
  /** Called some times a second. */
  readonly onProgress?: ((progress: VerifyProgress) => void) | undefined
}

/** Hashes every file of the dataset in `folder`, whose manifest is `manifest`. */
export const verifyDataset = async (folder: string, manifest: Manifest, options?: VerifyOptions): Promise<void> => {
  const { signal, onProgress } = checkedOptions('options', options, ['signal', 'onProgress'])
  const watcher = { signal: abortSignal(signal), onProgress: callback('options.onProgress', onProgress) }
  const bytesTotal = bytesOf(manifest)
  const status = new (native().VerifyStatus)()
  const glance = () => ({ bytes: status.bytes, bytesTotal })
  await watching(watcher, glance, (either) =>
    cancellable(either, (flag) => native().verifyDataset(folder, status, flag)),
  )
}

const bytesOf = ({ splits, dtype }: Manifest): number => {
  const width = dtype === 'uint16' ? 2 : 4
  let bytes = 0
  for (const { shards, others, documentStarts } of Object.values(splits)) {
    for (const { tokens } of shards) bytes += tokens * width
    for (const file of Object.values(others).flat()) bytes += file.bytes
    bytes += documentStarts.bytes
  }
  return bytes
}
