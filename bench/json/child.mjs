/*
 * The documents of a text by one peer from npm: child.mjs PEER TOKENIZER_JSON WARM_UP DOCUMENTS PASSES SECONDS OUT. One call for each document; the lines of
 * ../node/child.mjs, no further pass after SECONDS. OUT gets the ids of all documents, u32.
 */
import { readFileSync, writeFileSync } from 'node:fs'

const [name, tokenizerJson, warmUp, documentsFile, passes, seconds, out] = process.argv.slice(2)
const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)

const ours = async () => {
  const { loadTokenizer } = await import('../../dist/index.js')
  const tokenizer = await loadTokenizer(tokenizerJson)
  return { encode: (text) => tokenizer.encodeOrdinary(text) }
}
const theirs = async () => {
  const { load } = await import(`../node/peers/${name}.mjs`)
  return load('', { tokenizerJson, what: 'throughput' })
}

/* Wall time and CPU time of this process, helper threads of V8 included, in ns. */
const timed = async (work) => {
  const cpu = process.cpuUsage()
  const start = process.hrtime.bigint()
  const result = await work()
  const wall = Number(process.hrtime.bigint() - start)
  const { user, system } = process.cpuUsage(cpu)
  return { wall, cpu: (user + system) * 1000, result }
}

const { result: peer, ...loading } = await timed(name === 'tokenmill' ? ours : theirs)
print({ step: 'load', ...loading })
const documents = JSON.parse(readFileSync(documentsFile, 'utf8'))
await peer.encode(readFileSync(warmUp, 'utf8'))

/* Whoever answers at once is not made to wait. */
const pass = async () => {
  const lists = []
  for (const document of documents) {
    const ids = peer.encode(document)
    lists.push(ids instanceof Promise ? await ids : ids)
  }
  return lists
}

const { result: lists, ...first } = await timed(pass)
print({ step: 'first', ...first })
writeFileSync(out, Uint32Array.from(lists.flatMap((ids) => Array.from(ids))))
for (let spent = first.wall, round = 0; round < Number(passes) && spent < Number(seconds) * 1e9; round++) {
  const { wall, cpu } = await timed(pass)
  print({ step: 'warm', wall, cpu })
  spent += wall
}
