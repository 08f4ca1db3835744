import test from 'ava'
import { root, run } from '../scripts/lib/run.mjs'

/*
 * A short run of the long job `npm run verify`: against tiktoken where .venv/ has it, else against the naive reference in Rust.
 */

const verify = (...options: readonly string[]) =>
  run(process.execPath, ['scripts/verify.mjs', '--no-install', ...options], {
    cwd: root,
    quiet: true,
    allowFailure: true,
  })

test('random strings have the ids of the reference, in Rust and through Node', async (t) => {
  t.timeout(600_000) // it may have to compile first
  const { code, output } = await verify(
    ...['--seed', '7', '--count', '2000', '--text', 'README.zh-CN.md', '--reference', 'any'],
  )
  t.log(
    /verify-peer\.py/.test(output) ? 'compared with tiktoken' : 'no tiktoken here: compared with the naive reference',
  )
  t.is(code, 0, output)
  for (const name of ['r50k_base', 'p50k_base', 'cl100k_base', 'o200k_base']) {
    t.regex(output, new RegExp(`✔ ${name}: 2000 strings of seed 7, \\d+ ids`))
    t.regex(output, new RegExp(`✔ ${name}: README\\.zh-CN\\.md, \\d+ ids`))
  }
  const hashes = [...output.matchAll(/^ {2}([0-9a-f]{64}) (.+)$/gm)].map(([, hash, whose]) => ({ hash, whose }))
  t.is(hashes.length, 16)
  for (let at = 0; at < hashes.length; at += 2) {
    t.is(hashes[at]!.whose, 'tokenmill')
    t.not(hashes[at + 1]!.whose, 'tokenmill')
    t.is(hashes[at]!.hash, hashes[at + 1]!.hash)
  }
})

test('without tiktoken nothing is compared, unless another reference will do', async (t) => {
  t.timeout(600_000)
  const small = ['--count', '0', '--encoding', 'o200k_base', '--no-node', '--text', 'README.md']
  const { code, output } = await verify(...small)
  if (code === 0) t.regex(output, /verify-peer\.py/)
  else t.regex(output, /has not the tiktoken of .*leave out --no-install, or compare with another reference/)
  const other = await verify(...small, '--reference', 'mine')
  t.is(other.code, 1)
  t.regex(other.output, /expected --reference tiktoken, naive or any, found mine/)
})

test('a peer that differs is found, with the shortest text on which it does', async (t) => {
  t.timeout(600_000)
  const { code, output } = await verify(
    ...['--count', '0', '--encoding', 'o200k_base', '--reference', 'naive', '--no-node'],
    ...['--peer', `${process.execPath},__test__/lying-peer.mjs`, '--text', '__test__/lying-text.txt'],
  )
  t.is(code, 1, output)
  t.regex(output, /✖ o200k_base: .*lying-text\.txt/)
  t.regex(output, /made shorter: "é1"/)
})
