/*
 * One training of ours: child.mjs THREADS VOCABULARY OUT FILE…. It reads the files itself. Prints times in ns and the bytes of memory that came on top;
 * OUT gets the two parts of each merge, a line for each, bytes as GPT-2 prints them.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { setThreads, trainBpe } from '../../dist/index.js'
import { memory } from './memory.mjs'

const [threads, vocabulary, out, ...files] = process.argv.slice(2)
setThreads(Number(threads))

const grown = memory()
const [clock, cpu] = [process.hrtime.bigint(), process.cpuUsage()]
const tokenizer = await trainBpe(files, { vocabSize: Number(vocabulary), pattern: 'gpt2', format: 'text' })
const wall = Number(process.hrtime.bigint() - clock)
const { user, system } = process.cpuUsage(cpu)
process.stdout.write(`${JSON.stringify({ wall, cpu: (user + system) * 1000, memory: grown() })}\n`)

const json = `${out}.tokenizer.json`
await tokenizer.save(json)
const { merges } = JSON.parse(readFileSync(json, 'utf8')).model
writeFileSync(out, merges.map((merge) => (typeof merge === 'string' ? merge : merge.join(' '))).join('\n'))
