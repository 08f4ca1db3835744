/*
 * `node check.mjs DEVICE DIST [few]`: what the package in the folder DIST computes on a device, beside a reference in 64-bit floats that is written down here, of random inputs:
 * every type, widths that are multiples of what a thread moves and ones that are not, results into arrays full of NaNs, layer normalisation, empty batches, wrong ids, training.
 * DEVICE is `cpu` or `cuda`; with `few`, some widths alone. The last line is `N passed, N failed`.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [device, dist, few] = process.argv.slice(2)
const { devices, Embedding, InputEmbedding, Optimizer } = await import(pathToFileURL(join(dist, 'index.js')).href)

const widths = few ? [3, 8, 768] : [1, 3, 4, 7, 8, 31, 32, 64, 100, 768, 1023, 1600, 2050]
/* Bits of a number before it is rounded: half a step of it is the largest error of one rounding. */
const bits = { f32: 24, bf16: 8, f16: 11 }

/* What is disposed at the end of a check: this runs on Nodes that do not know `using`. */
const owned = []
const own = (disposable) => {
  owned.push(disposable)
  return disposable
}

let [passed, failed] = [0, 0]
const check = (title, work) => {
  try {
    work()
    passed++
  } catch (error) {
    failed++
    console.log(`✘ ${title}\n    ${error.message}`)
  } finally {
    while (owned.length > 0) owned.pop().dispose()
  }
}

const ensure = (holds, message) => {
  if (!holds) throw new Error(message)
}

/* mulberry32: the same numbers everywhere. */
const random = (seed) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let word = Math.imul(state ^ (state >>> 15), 1 | state)
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32
  }
}
const numbers = (length, next) => Float32Array.from({ length }, () => 2 * next() - 1)
const integers = (length, below, next) => Uint32Array.from({ length }, () => Math.floor(next() * below))

/* What a number of a type is: bits of halves are widened. */
const widen = {
  f32: (values) => values,
  bf16: (values) => Float32Array.from(values, (half) => new Float32Array(Uint32Array.of(half << 16).buffer)[0]),
  f16: (values) =>
    Float32Array.from(values, (half) => {
      const [sign, exponent, fraction] = [half >> 15 ? -1 : 1, (half >> 10) & 31, half & 1023]
      if (exponent === 31) return fraction ? NaN : sign * Infinity
      return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24)
    }),
}

/* Each value differs from the reference by no more than `limit` of that. */
const close = (actual, expected, limit) => {
  ensure(actual.length === expected.length, `${actual.length} values instead of ${expected.length}`)
  for (let index = 0; index < expected.length; index++) {
    // Written so that NaN is no number that is close.
    const isClose = Math.abs(actual[index] - expected[index]) <= limit(expected[index])
    ensure(isClose, `value ${index} is ${actual[index]} instead of ${expected[index]}`)
  }
}
/* Half a step of 32-bit floats between 1 and 2. */
const ulp = 2 ** -24

const lookups = (dtype, dimensions) => {
  const next = random(dimensions * 4 + bits[dtype])
  const [vocabSize, contextLength, rows, length, offset] = [61, 23, 5, 9, 3]
  const model = { vocabSize, contextLength, dimensions, scale: 1.5, tokenTypes: 3, seed: 7, dtype, device }
  const count = rows * length
  const [ids, typeIds, positionIds] = [vocabSize, 3, contextLength].map((below) => integers(count, below, next))
  for (const [how, places, options] of [
    ['positions from an offset', (index) => offset + (index % length), { positionOffset: offset }],
    ['a position for each id', (index) => positionIds[index], { positionIds }],
  ]) {
    check(`lookup ${dtype}, ${dimensions} dimensions, ${how}`, () => {
      const embedding = own(InputEmbedding.create(model))
      const [token, position, types] = embedding.parameters().map((parameter) => {
        parameter.set(numbers(parameter.shape[0] * dimensions, next))
        return parameter.toFloat32()
      })
      const expected = new Float64Array(count * dimensions)
      ids.forEach((id, index) => {
        for (let d = 0; d < dimensions; d++) {
          expected[index * dimensions + d] =
            1.5 * token[id * dimensions + d] +
            types[typeIds[index] * dimensions + d] +
            position[places(index) * dimensions + d]
        }
      })
      const pass = { shape: [rows, length], typeIds, ...options }
      const output = own(embedding.forward(ids, pass))
      ensure(String(output.shape) === String([rows, length, dimensions]), `shape ${output.shape}`)
      // Three roundings in 32 bits, of sums below 3.5, and one to the type, whose smallest step is 2^-24.
      const ofType = (value) => (dtype === 'f32' ? 0 : 2 ** -bits[dtype] * Math.abs(value) + 2 ** -25)
      const limit = (value) => 3 * 3.5 * ulp + ofType(value)
      close(output.toFloat32(), expected, limit)
      const poisoned =
        dtype === 'f32'
          ? new Float32Array(count * dimensions).fill(NaN)
          : new Uint16Array(count * dimensions).fill(0xffff)
      embedding.forward(ids, { ...pass, out: poisoned })
      close(widen[dtype](poisoned), expected, limit)
    })
  }
}

/* Rows of mean 0 and variance 1, and one over the deviation that each had. */
const normalise = (sums, dimensions, epsilon) => {
  const normal = new Float64Array(sums.length)
  const factors = []
  for (let start = 0; start < sums.length; start += dimensions) {
    const row = sums.subarray(start, start + dimensions)
    const mean = row.reduce((sum, value) => sum + value, 0) / dimensions
    const factor = 1 / Math.sqrt(row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / dimensions + epsilon)
    row.forEach((value, d) => (normal[start + d] = (value - mean) * factor))
    factors.push(factor)
  }
  return { normal, factors }
}

const norms = (dtype, dimensions) => {
  const next = random(dimensions * 16 + bits[dtype])
  const [vocabSize, contextLength, rows, epsilon] = [61, 9, 11, Math.fround(1e-5)]
  const count = rows * contextLength
  const model = { vocabSize, contextLength, dimensions, tokenTypes: 3, layerNorm: { epsilon: 1e-5 }, dtype, device }
  const [ids, typeIds] = [vocabSize, 3].map((below) => integers(count, below, next))
  for (const asTensor of [false, true]) {
    check(`layer norm ${dtype}, ${dimensions} dimensions, by ${asTensor ? 'a tensor' : 'an array'}`, () => {
      const embedding = own(InputEmbedding.create(model))
      const parameters = embedding.parameters()
      const [token, position, types, weight, bias] = parameters.map((parameter) => {
        parameter.set(numbers(parameter.dataSync().length, next))
        return parameter.toFloat32()
      })
      const sums = new Float64Array(count * dimensions)
      const rowsOf = (index) => [ids[index], index % contextLength, typeIds[index], 0, 0]
      for (let index = 0; index < count; index++) {
        const [id, place, type] = rowsOf(index).map((row) => row * dimensions)
        for (let d = 0; d < dimensions; d++) {
          sums[index * dimensions + d] = token[id + d] + types[type + d] + position[place + d]
        }
      }
      const { normal, factors } = normalise(sums, dimensions, epsilon)
      const expected = normal.map((value, at) => value * weight[at % dimensions] + bias[at % dimensions])
      const output = own(embedding.forward(ids, { shape: [rows, contextLength], typeIds }))
      // What is rounded in a sum below 3, and by the mean of it, is made larger by one over its deviation.
      const factor = Math.max(1, ...factors)
      const ofType = (value) => (dtype === 'f32' ? 0 : 2 ** -bits[dtype] * Math.abs(value) + 2 ** -25)
      close(output.toFloat32(), expected, (value) => 16 * 3 * ulp * factor + ofType(value))

      const grads = numbers(count * dimensions, next)
      let used = grads
      if (asTensor) {
        const table = own(Embedding.fromArray(grads, { count, dimensions, dtype, device }))
        const all = Uint32Array.from({ length: count }, (_, index) => index)
        const grad = own(table.forward(all, { shape: [rows, contextLength] }))
        used = grad.toFloat32()
        embedding.backward(output, grad)
      } else embedding.backward(output, grads)
      const wanted = parameters.map((parameter) => new Float64Array(parameter.dataSync().length))
      for (let index = 0; index < count; index++) {
        const start = index * dimensions
        const weighted = Float64Array.from({ length: dimensions }, (_, d) => used[start + d] * weight[d])
        const mean = weighted.reduce((sum, value) => sum + value, 0) / dimensions
        const along = weighted.reduce((sum, value, d) => sum + value * normal[start + d], 0) / dimensions
        for (let d = 0; d < dimensions; d++) {
          const ofSum = factors[index] * (weighted[d] - mean - normal[start + d] * along)
          const added = [ofSum, ofSum, ofSum, used[start + d] * normal[start + d], used[start + d]]
          rowsOf(index).forEach((row, table) => (wanted[table][row * dimensions + d] += added[table]))
        }
      }
      parameters.forEach((parameter, table) => {
        const { ids: had, values } = parameter.grad()
        const sums = [...had].flatMap((row) => [...wanted[table].subarray(row * dimensions, (row + 1) * dimensions)])
        // Each of the added numbers is a difference of three, times the factor; sums grow as the root of their number.
        close(values, sums, () => 16 * 3 * Math.sqrt(count) * ulp * factor ** 2)
      })
    })
  }
}

const gradients = (dtype, dimensions) => {
  const next = random(dimensions * 8 + bits[dtype])
  const [count, length] = [40, 700]
  for (const [what, below] of [
    ['ids of all rows', count],
    ['few ids, each often', 2],
  ]) {
    check(`gradient ${dtype}, ${dimensions} dimensions, ${what}`, () => {
      const embedding = own(Embedding.create({ count, dimensions, paddingId: 1, dtype, device }))
      const ids = integers(length, below, next)
      const expected = new Map()
      for (const asTensor of [false, true]) {
        const values = numbers(length * dimensions, next)
        const output = own(embedding.forward(ids))
        let used = values
        if (asTensor) {
          const grads = own(Embedding.fromArray(values, { count: length, dimensions, dtype, device }))
          const grad = own(grads.forward(Uint32Array.from({ length }, (_, index) => index)))
          used = grad.toFloat32()
          embedding.backward(output, grad)
        } else embedding.backward(output, values)
        ids.forEach((id, index) => {
          if (id === 1) return
          const sum = expected.get(id) ?? new Float64Array(dimensions)
          for (let d = 0; d < dimensions; d++) sum[d] += used[index * dimensions + d]
          expected.set(id, sum)
        })
      }
      const grad = embedding.parameters()[0].grad()
      const order = [...expected.keys()].sort((a, b) => a - b)
      ensure(String([...grad.ids]) === String(order), `rows ${grad.ids} instead of ${order}`)
      // A rounding for each number, of sums that grow as their root.
      const sums = order.flatMap((id) => [...expected.get(id)])
      close(grad.values, sums, () => 2 * (2 * length) * ulp)
    })
  }
}

const steps = (dense, dimensions) => {
  const next = random(dimensions * 2 + Number(dense))
  const [count, rate, betas, epsilon, decay] = [30, 0.05, [0.9, 0.999], 1e-8, 0.1]
  check(`AdamW ${dense ? 'dense' : 'row-sparse'}, ${dimensions} dimensions`, () => {
    const start = numbers(count * dimensions, next)
    const embedding = own(Embedding.fromArray(start, { count, dimensions, device }))
    const [parameter] = embedding.parameters()
    const optimizer = own(Optimizer.adamW([parameter], { learningRate: rate, weightDecay: decay, dense }))
    const values = Float64Array.from(start)
    const [first, second] = [new Float64Array(values.length), new Float64Array(values.length)]
    for (let step = 1; step <= 5; step++) {
      const ids = integers(12, count, next)
      const grad = numbers(ids.length * dimensions, next)
      const output = own(embedding.forward(ids))
      embedding.backward(output, grad)
      optimizer.step()
      optimizer.zeroGrad()
      const corrections = betas.map((beta) => 1 - beta ** step)
      for (let row = 0; row < count; row++) {
        if (!dense && !ids.includes(row)) continue
        for (let d = 0; d < dimensions; d++) {
          const at = row * dimensions + d
          let sum = 0
          ids.forEach((id, index) => (sum += id === row ? grad[index * dimensions + d] : 0))
          first[at] += (1 - betas[0]) * (sum - first[at])
          second[at] += (1 - betas[1]) * (sum * sum - second[at])
          const root = Math.sqrt(corrections[1])
          const divisor = dense ? Math.sqrt(second[at]) / root + epsilon : (Math.sqrt(second[at]) + epsilon) / root
          values[at] = values[at] * (1 - rate * decay) - (rate * first[at]) / corrections[0] / divisor
        }
      }
    }
    close(parameter.toFloat32(), values, (value) => 300 * ulp * Math.max(1, Math.abs(value)))
  })
}

const bounds = () => {
  for (const dtype of Object.keys(bits)) {
    check(`an empty batch, ${dtype}`, () => {
      const embedding = own(InputEmbedding.create({ vocabSize: 5, contextLength: 4, dimensions: 8, dtype, device }))
      const output = own(embedding.forward(new Uint32Array(), { shape: [0, 4] }))
      ensure(output.dataSync().length === 0 && String(output.shape) === '0,4,8', `shape ${output.shape}`)
      embedding.backward(output, new Float32Array())
    })
  }
  for (const wrong of [5, 6, 2 ** 31, 2 ** 32 - 1]) {
    check(`the id ${wrong} of a table of 5 rows`, () => {
      const embedding = own(Embedding.create({ count: 5, dimensions: 8, device }))
      let code
      try {
        embedding.forward(Uint32Array.of(0, wrong))
      } catch (error) {
        code = error.code
      }
      ensure(code === 'ERR_OUT_OF_RANGE', `it is ${code}`)
      ensure(embedding.forward(Uint32Array.of(4)).dataSync().length === 8, 'nothing works after it')
    })
  }
  check('memory comes back', () => {
    // 200 times 64 MB and more for each pass; without dispose that is 40 GB.
    for (let round = 0; round < (device === 'cpu' ? 3 : 200); round++) {
      const embedding = Embedding.create({ count: 2 ** 14, dimensions: 1024, init: 'zeros', device })
      const output = embedding.forward(Uint32Array.from({ length: 2 ** 12 }, (_, index) => index))
      ensure(output.shape[1] === 1024, 'a tensor')
      output.dispose()
      embedding.dispose()
    }
  })
}

console.log(JSON.stringify(devices()))
for (const dtype of Object.keys(bits)) {
  for (const dimensions of widths) {
    lookups(dtype, dimensions)
    norms(dtype, dimensions)
    gradients(dtype, dimensions)
  }
}
for (const dense of [false, true]) for (const dimensions of widths) steps(dense, dimensions)
bounds()
console.log(`\n${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
