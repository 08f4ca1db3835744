/*
 * Times of ours through Node: child.mjs VOCABULARY DIMENSIONS BATCH CONTEXT ROUNDS THREADS, the lines of
 * crates/embedding/examples/passes.rs.
 */
import { InputEmbedding, Optimizer, setThreads } from '../../dist/index.js'
import { checkOf, gradientOf, tableOf, timed } from './inputs.mjs'

const [vocabSize, dimensions, batch, contextLength, rounds, threads] = process.argv.slice(2).map(Number)
setThreads(threads)
const shape = [batch, contextLength]
const length = batch * contextLength

const make = () => {
  const embedding = InputEmbedding.create({ vocabSize, contextLength, dimensions })
  embedding.parameters().forEach((parameter, seed) => {
    parameter.set(tableOf(parameter.shape[0] * dimensions, seed))
  })
  return embedding
}

const forwards = () => {
  const embedding = make()
  const out = new Float32Array(length * dimensions)
  const came = (ids) => ({ check: checkOf(embedding.forward(ids, { shape }).toFloat32()) })
  return {
    'Node, out': {
      run: (ids) => embedding.forward(ids, { shape, out }),
      came: () => ({ check: checkOf(out) }),
    },
    'Node, disposed': { run: (ids) => embedding.forward(ids, { shape }).dispose(), came },
  }
}

const learning = () => {
  const embedding = make()
  const parameters = embedding.parameters()
  const optimizer = Optimizer.adamW(parameters, { learningRate: 1e-3, weightDecay: 0 })
  const grad = gradientOf(length * dimensions)
  return {
    'Node, sparse': {
      run: (ids) => {
        const output = embedding.forward(ids, { shape })
        embedding.backward(output, grad)
        output.dispose()
        optimizer.step()
        optimizer.zeroGrad()
      },
      came: (ids) => {
        const table = parameters[0].toFloat32()
        const row = (id) => [...table.subarray(id * dimensions, (id + 1) * dimensions)]
        return { values: [...ids.subarray(0, 4)].flatMap(row) }
      },
    },
  }
}

for (const group of [forwards, learning]) await timed(group(), { rounds, length, vocabulary: vocabSize })
