/*
 * One measurement of one peer, in a process of its own. Prints a line of JSON per step as soon as it is done, so that a
 * process that is stopped for being slow has told what it did. The flags are those of the other children: bench/README.md.
 */
import { readFileSync, readSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

const text = { type: 'string' }
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    ...{ peer: text, encoding: text, 'tokenizer-json': text, api: text },
    ...{ 'warm-up': text, text, strings: text, passes: text, seconds: text, ids: text },
    ...{ from: text, 'warm-up-ids': text, decoded: text, documents: text, threads: text },
  },
})
const limit = Number(values.seconds) * 1e9
const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)

/* Wall time and CPU time of this process, helper threads of V8 included, in ns. */
const timed = async (work) => {
  const cpu = process.cpuUsage()
  const start = process.hrtime.bigint()
  const result = await work()
  const wall = Number(process.hrtime.bigint() - start)
  const { user, system } = process.cpuUsage(cpu)
  return { wall, cpu: (user + system) * 1000, result }
}

const writeIds = (ids) => values.ids && writeFileSync(values.ids, Uint32Array.from(ids))

const size = (result) => (typeof result === 'number' ? result : result.length)

/* The first pass, whose result `keep` gets, and while there is time the same again. */
const measured = async (work, count, keep) => {
  const first = await timed(work)
  print({ step: 'first', wall: first.wall, cpu: first.cpu, count: count(first.result) })
  await keep(first.result)
  first.result = undefined
  // Whoever is slow gets no further pass, rather than being stopped in the middle of it.
  let spent = first.wall
  for (let pass = 0; pass < Number(values.passes) && spent < limit; pass++) {
    const { wall, cpu, result } = await timed(work)
    print({ step: 'warm', wall, cpu, count: count(result) })
    spent += wall
  }
}

const callOf = (peer) =>
  values.api === 'encode'
    ? (text) => peer.encode(text)
    : peer.count
      ? (text) => peer.count(text)
      : async (text) => (await peer.encode(text)).length

const throughput = async (peer) => {
  const text = readFileSync(values.text, 'utf8')
  const call = callOf(peer)
  await call(readFileSync(values['warm-up'], 'utf8'))
  await measured(
    () => call(text),
    size,
    (ids) => values.api === 'encode' && writeIds(ids),
  )
}

const decode = async (peer) => {
  if (!peer.decode) throw new Error('it does not decode')
  const bytes = readFileSync(values.from)
  const all = new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
  const few = all.subarray(0, Number(values['warm-up-ids']))
  const [ids, warmUp] = peer.takesList ? [[...all], [...few]] : [all, few]
  await peer.decode(warmUp)
  await measured(
    () => peer.decode(ids),
    (text) => text.length,
    (text) => writeFileSync(values.decoded, text),
  )
}

const batch = async (peer) => {
  if (!peer.batch) throw new Error('it has no batches')
  const documents = JSON.parse(readFileSync(values.documents, 'utf8'))
  const warmUp = readFileSync(values['warm-up'], 'utf8')
  const threads = Number(values.threads)
  // Several, so that no thread starts in what is measured.
  await peer.batch(Array(20).fill(warmUp), threads)
  print({ step: 'ready' }) // two processes begin together
  readSync(0, new Uint8Array(1))
  await measured(
    () => peer.batch(documents, threads),
    () => 0,
    (rows) => writeIds(rows.ids),
  )
}

/* One call per string, in whole passes. */
const short = async (peer) => {
  const call = callOf(peer)
  const strings = JSON.parse(readFileSync(values.strings, 'utf8'))
  const results = []
  for (const string of strings) results.push(await call(string))
  if (values.api === 'encode') writeIds(results.flatMap((ids) => [...ids]))
  const waits = call(strings[0]) instanceof Promise
  /* Until `limit` ns are over; how many passes they were. */
  const passes = async () => {
    const start = process.hrtime.bigint()
    let count = 0
    for (; Number(process.hrtime.bigint() - start) < limit; count++) {
      // A call that returns at once is not made to wait for a promise.
      if (waits) for (const string of strings) await call(string)
      else for (const string of strings) call(string)
    }
    return count
  }
  await passes() // the compiler of V8 settles
  for (let sample = 0; sample < Number(values.passes); sample++) {
    const { wall, cpu, result } = await timed(passes)
    print({ step: 'short', wall: wall / result, cpu: cpu / result })
  }
  print({ step: 'total', count: results.reduce((sum, result) => sum + size(result), 0) })
}

const { load } = await import(`./peers/${values.peer}.mjs`)
const { result: peer, ...time } = await timed(() =>
  load(values.encoding, { tokenizerJson: values['tokenizer-json'], what: positionals[0] }),
)
print({ step: 'load', ...time })
await { throughput, decode, batch, short }[positionals[0]](peer)
