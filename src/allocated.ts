import { TokenmillError } from './errors.ts'

/** What `make` makes, of so many bytes. @throws `ERR_LIMIT` when there is no memory for it, or no array is so long. */
export const allocated = <T>(bytes: number, make: () => T): T => {
  try {
    return make()
  } catch (cause) {
    throw new TokenmillError('ERR_LIMIT', `there is not enough memory for ${bytes} bytes`, { cause })
  }
}
