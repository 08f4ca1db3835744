import { callNative } from './errors.ts'
import { native } from './native.ts'
import { ifCudaLoaded } from './native-cuda.ts'
import { integerIn } from './validate.ts'

/**
 * Sets how many threads work on batches and long texts together, for calls from now on; the results do not depend on it. It holds for the whole
 * process, worker threads too. Without it the environment variable `TOKENMILL_THREADS` decides, and without that as many threads as the
 * process may run at once.
 *
 * @param count 1 to 1024
 * @throws `ERR_LIMIT` when the system does not give so many; those of before stay.
 */
export const setThreads = (count: number): void => {
  const checked = integerIn('count', count, 1, 1024)
  callNative(() => {
    native().setThreads(checked)
    ifCudaLoaded((addon) => addon.setThreads(checked))
  })
}
