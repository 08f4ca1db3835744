/*
 * One training of ours: child.mjs SENTENCES OUT OBJECTIVE THREADS EPOCHS SEED. SENTENCES has one on each line, its words between spaces. Prints the times of
 * reading and of training in ns; OUT gets the vectors in word2vec's binary form.
 */
import { setThreads, trainWordVectors } from '../../dist/index.js'

const [sentences, out, objective, threads, epochs, seed] = process.argv.slice(2)
setThreads(Number(threads))

const now = () => {
  const { user, system } = process.cpuUsage()
  return { wall: Number(process.hrtime.bigint()), cpu: (user + system) * 1000 }
}
const start = now()
let read
const onProgress = ({ phase }) => {
  if (phase === 'read') read = now()
}
const options = { objective, epochs: Number(epochs), seed: Number(seed), split: 'spaces', format: 'lines', onProgress }
const vectors = await trainWordVectors([sentences], options)
const end = now()
const between = (from, to) => ({ wall: to.wall - from.wall, cpu: to.cpu - from.cpu })
console.log(JSON.stringify({ read: between(start, read), train: between(read, end) }))
await vectors.save(out)
