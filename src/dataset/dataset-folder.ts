import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { TokenmillError } from '../errors.ts'

/**
 * Says what a folder without a manifest is: that the file is missing says little to who named the wrong folder.
 *
 * @throws `ERR_INVALID_FILE` when `folder` holds no dataset
 */
export const checkHoldsDataset = async (folder: string): Promise<void> => {
  const holds = (name: string) =>
    stat(join(folder, name)).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
    )
  if (await holds('manifest.json')) return
  const why = (await holds('.prepare'))
    ? 'its preparation is not finished: the same `prepare` goes on with it'
    : 'it has no manifest.json'
  throw new TokenmillError('ERR_INVALID_FILE', `the folder ${folder} holds no dataset: ${why}`)
}
