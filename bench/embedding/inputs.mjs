/*
 * Tables, ids and gradients that are the same in all programs: crates/embedding/examples/passes.rs and child.py have the same formulas.
 */

/** Values of table number `seed` of a model. */
export const tableOf = (length, seed) => {
  const values = new Float32Array(length)
  for (let i = 0; i < length; i++) values[i] = (Math.imul(i + seed, 2_654_435_761) >>> 8) / 16_777_216 - 0.5
  return values
}

/** The ids of a round. */
export const idsOf = (round, length, vocabulary) => {
  const ids = new Uint32Array(length)
  for (let i = 0; i < length; i++) {
    let x = Math.imul(round * 1_000_003 + i + 1, 2_246_822_519)
    x = Math.imul(x ^ (x >>> 15), 3_266_489_917)
    ids[i] = ((x ^ (x >>> 16)) >>> 0) % vocabulary
  }
  return ids
}

/** The gradient of an output. */
export const gradientOf = (length) => Float32Array.from({ length }, (_, i) => (i % 97) / 97 - 0.5)

/** A number that is another for other values. */
export const checkOf = (values) => {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  let check = 0
  for (let i = 0; i < bits.length; i++) check = (check + Math.imul(bits[i], 2 * i + 1)) | 0
  return check >>> 0
}

/**
 * Times `passes`, in turns and with other ids in each round, and prints a line for each. `run(ids)` does a pass; `came(ids)` says after it, once,
 * what it came to, as `{ check }` or `{ values }`. `prepare` gets the ids before the clock starts.
 *
 * @param {Record<string, { run: (ids: Uint32Array) => unknown, came: (ids: Uint32Array) => object | Promise<object> }>} group
 */
export const timed = async (group, { rounds, length, vocabulary, prepare }) => {
  const passes = Object.entries(group).map(([what, pass]) => ({ what, ...pass, ms: [], result: {} }))
  for (let round = 0; round < rounds + 2; round++) {
    const ids = idsOf(round, length, vocabulary)
    prepare?.(ids)
    for (const pass of passes) {
      const start = performance.now()
      const done = pass.run(ids)
      if (done instanceof Promise) await done
      const spent = performance.now() - start
      if (round === 0) pass.result = await pass.came(ids)
      if (round >= 2) pass.ms.push(spent)
    }
  }
  for (const { what, ms, result } of passes) console.log(JSON.stringify({ what, ms, ...result }))
}
