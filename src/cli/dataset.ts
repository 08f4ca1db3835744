import { stat } from 'node:fs/promises'
import type { Manifest, SplitName } from '../dataset/manifest.ts'
import { TokenStore } from '../dataset/token-store.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { namedTokenizer, type TokenizerChoice } from './tokenizer-of.ts'

/** Whether `path` is a folder, which is then that of a dataset; stdin and what is not there are none. */
export const isFolder = async (path: string): Promise<boolean> =>
  path !== '-' && ((await stat(path).catch(() => undefined))?.isDirectory() ?? false)

/** A split of a dataset of `prepare`. */
export interface OpenDataset {
  readonly store: TokenStore
  readonly manifest: Manifest
  /** What the flags name, which is then whose ids these are. */
  readonly tokenizer: Tokenizer | undefined
}

/** The dataset in `folder`; fails when `choice` names a tokenizer and the ids are another's. */
export const openDataset = async (
  folder: string,
  choice: TokenizerChoice,
  options: { readonly split: SplitName; readonly mode: 'map' | 'read' },
): Promise<OpenDataset> => {
  const tokenizer = await namedTokenizer(choice)
  const store = await TokenStore.open(folder, { ...options, ...(tokenizer && { tokenizer }) })
  return { store, manifest: store.manifest as Manifest, tokenizer }
}
