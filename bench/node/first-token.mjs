/*
 * `node first-token.mjs PEER ENCODING TOKENIZER_JSON [memory]`: loads a peer and encodes two words, nothing else. Timed
 * from outside. With `memory`, prints the resident memory then, and the most it was, in bytes.
 */
const [peer, encoding, tokenizerJson, memory] = process.argv.slice(2)
const { load } = await import(`./peers/${peer}.mjs`)
const ids = await (await load(encoding, { tokenizerJson })).encode('Hello world')
// 'Hello' and ' world' are tokens in every encoding; where there is no tokenizer there is one id.
if (ids.length !== (peer === 'none' ? 1 : 2)) throw new Error(`'Hello world' became ${ids.length} ids`)
if (memory) {
  const rss = process.memoryUsage.rss()
  process.stdout.write(JSON.stringify({ rss, peak: process.resourceUsage().maxRSS * 1024 }))
}
