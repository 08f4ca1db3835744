/** Milliseconds of CPU time, of all threads of this process, since `start`: what a busy machine does not change. */
export const cpuSince = (start: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000
}

/** Milliseconds of CPU time, of all threads of this process, that `work` takes. */
export const cpuTime = (work: () => unknown): number => {
  const start = process.cpuUsage()
  work()
  return cpuSince(start)
}
