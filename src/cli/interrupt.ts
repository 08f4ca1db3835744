import { CliFailure, exitCodes } from './failure.ts'

const names = ['SIGINT', 'SIGTERM'] as const

/**
 * What `work` gives. The first interrupt aborts its signal, so that it keeps what it has to and is rejected with the reason, a failure of the
 * command with `message`. The second one ends the process at once.
 */
export const interruptible = async <T>(message: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const controller = new AbortController()
  const stop = () => {
    for (const name of names) process.once(name, () => process.exit(exitCodes.interrupted))
    controller.abort(new CliFailure('ERR_INTERRUPTED', message, { exitCode: exitCodes.interrupted }))
  }
  // Those that would end the process.
  const before = names.map((name) => [name, process.listeners(name)] as const)
  for (const name of names) process.removeAllListeners(name).once(name, stop)
  try {
    return await work(controller.signal)
  } finally {
    for (const [name, listeners] of before) {
      process.removeAllListeners(name)
      for (const listener of listeners) process.on(name, listener as () => void)
    }
  }
}
