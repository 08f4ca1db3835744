/*
 * `node first-token.mjs PEER ENCODING TOKENIZER_JSON [memory]`: loads a peer and encodes two words, nothing else. Timed
 * from outside. With `memory`, prints the resident memory then, and the most it was, in bytes.
 */
const [peer, encoding, tokenizerJson, memory] = process.argv.slice(2)
const { load } = await import(`./peers/${peer}.mjs`)
const ids = await (await load(encoding, { tokenizerJson, what: 'first-token' })).encode('Hello world')
// 'Hello' and ' world' are tokens in every encoding.
if (ids.length !== 2) throw new Error(`'Hello world' became ${ids.length} ids`)
if (memory) {
  const { readFileSync } = await import('node:fs')
  // What getrusage tells of the peak may be that of the process which started this one.
  const field = (name) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024
  const [rss, peak] =
    process.platform === 'linux'
      ? [field('VmRSS'), field('VmHWM')]
      : [process.memoryUsage.rss(), process.resourceUsage().maxRSS * 1024]
  process.stdout.write(JSON.stringify({ rss, peak }))
}
