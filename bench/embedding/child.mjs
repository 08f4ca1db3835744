/*
 * Times of ours through Node: child.mjs VOCABULARY DIMENSIONS BATCH CONTEXT ROUNDS THREADS, the lines of
 * crates/embedding/examples/passes.rs. The kinds take turns, and every round has other ids.
 */
import { InputEmbedding, Optimizer, setThreads } from '../../dist/index.js'
import { random } from '../lib/stats.mjs'

const [vocabSize, dimensions, batch, contextLength, rounds, threads] = process.argv.slice(2).map(Number)
setThreads(threads)
const shape = [batch, contextLength]
const next = random(1)
const ids = () => Uint32Array.from({ length: batch * contextLength }, () => Math.floor(next() * vocabSize))
const make = () => InputEmbedding.create({ vocabSize, contextLength, dimensions, seed: 1 })

const forwards = () => {
  const embedding = make()
  const out = new Float32Array(batch * contextLength * dimensions)
  return {
    'Node, out': (ids) => embedding.forward(ids, { shape, out }),
    'Node, disposed': (ids) => embedding.forward(ids, { shape }).dispose(),
  }
}

const learning = () => {
  const embedding = make()
  const optimizer = Optimizer.adamW(embedding.parameters(), { learningRate: 1e-3 })
  const grad = Float32Array.from({ length: batch * contextLength * dimensions }, (_, i) => (i % 97) / 97 - 0.5)
  return {
    'Node, sparse': (ids) => {
      const output = embedding.forward(ids, { shape })
      embedding.backward(output, grad)
      output.dispose()
      optimizer.step()
      optimizer.zeroGrad()
    },
  }
}

for (const group of [forwards, learning]) {
  const passes = Object.entries(group()).map(([what, run]) => ({ what, run, ms: [] }))
  for (let round = 0; round < rounds + 2; round++) {
    const of = ids()
    for (const { run, ms } of passes) {
      const start = performance.now()
      run(of)
      const spent = performance.now() - start
      if (round >= 2) ms.push(spent)
    }
  }
  for (const { what, ms } of passes) console.log(JSON.stringify({ what, ms }))
}
