/*
 * One figure: child.mjs PEER FILE MAX_TOKENS OVERLAP OUT. One pass over a text, after its first 20 KB; prints the time in ns, the CPU time of this
 * process or the clock where that is less. OUT gets the chunks as JSON.
 */
import { readFileSync, writeFileSync } from 'node:fs'

const [peer, file, ...numbers] = process.argv.slice(2)
const [maxTokens, overlap] = numbers.map(Number)
const out = numbers[2]
const text = readFileSync(file, 'utf8')

const tokenmill = (boundary) => async () => {
  const { getEncoding } = await import('../../dist/index.js')
  const tokenizer = getEncoding('o200k_base')
  return (text) => Array.from(tokenizer.chunk(text, { maxTokens, overlap, boundary }), (chunk) => chunk.text)
}

/* Counting is what the others are slow at, so they also get the fastest counter there is for Node: ours. */
const counters = {
  'js-tiktoken': async () => {
    const { getEncoding } = await import('js-tiktoken')
    const encoding = getEncoding('o200k_base')
    return (text) => encoding.encode(text, [], []).length
  },
  tokenmill: async () => {
    const { getEncoding } = await import('../../dist/index.js')
    const tokenizer = getEncoding('o200k_base')
    return (text) => tokenizer.count(text)
  },
}
const langchain = (Splitter, counter) => async () => {
  const splitters = await import('@langchain/textsplitters')
  const lengthFunction = await counters[counter]()
  const splitter = new splitters[Splitter]({ chunkSize: maxTokens, chunkOverlap: overlap, lengthFunction })
  return (text) => splitter.splitText(text)
}

const peers = {
  'tokenmill-token': tokenmill('token'),
  'tokenmill-sentence': tokenmill('sentence'),
  'tokenmill-markdown': tokenmill('markdown'),
  'langchain-token': async () => {
    const { TokenTextSplitter } = await import('@langchain/textsplitters')
    const splitter = new TokenTextSplitter({
      encodingName: 'o200k_base',
      chunkSize: maxTokens,
      chunkOverlap: overlap,
      disallowedSpecial: [],
    })
    return (text) => splitter.splitText(text)
  },
  'langchain-recursive': langchain('RecursiveCharacterTextSplitter', 'js-tiktoken'),
  'langchain-recursive-ours': langchain('RecursiveCharacterTextSplitter', 'tokenmill'),
  'langchain-markdown-ours': langchain('MarkdownTextSplitter', 'tokenmill'),
  'llm-splitter': async () => {
    const { split } = await import('llm-splitter')
    const { getEncoding } = await import('js-tiktoken')
    const encoding = getEncoding('o200k_base')
    const splitter = (text) => encoding.encode(text, [], []).map((id) => encoding.decode([id]))
    return (text) =>
      split(text, { chunkSize: maxTokens, chunkOverlap: overlap, chunkStrategy: 'paragraph', splitter }).map(
        (chunk) => chunk.text,
      )
  },
}

const chunk = await peers[peer]()
await chunk(text.slice(0, 20_000))
const [clock, cpu] = [process.hrtime.bigint(), process.cpuUsage()]
const chunks = await chunk(text)
const { user, system } = process.cpuUsage(cpu)
const time = Math.min(Number(process.hrtime.bigint() - clock), (user + system) * 1000)
writeFileSync(out, JSON.stringify(chunks))
process.stdout.write(`${JSON.stringify({ time })}\n`)
