import { spawnSync } from 'node:child_process'
import test from 'ava'
import { TokenmillError } from '../src/errors.ts'
import { native } from '../src/native.ts'
import { setThreads } from '../src/threads.ts'
import { getEncoding } from '../src/tokenizer/encodings.ts'

/** Compares many ids fast. */
const same = (found: Uint32Array, ids: Uint32Array): boolean =>
  found.length === ids.length && found.every((id, index) => id === ids[index])
const allSame = (found: Iterable<Uint32Array>, rows: readonly Uint32Array[]): boolean => {
  const all = [...found]
  return all.length === rows.length && all.every((ids, row) => same(ids, rows[row] as Uint32Array))
}

const o200k = getEncoding('o200k_base')
const long = Array.from({ length: 100_000 }, (_, i) => `${Math.imul(i, 0x9e3779b1).toString(36)} 我们 it's\n`).join('')

test.serial('results do not depend on the number of threads', async (t) => {
  const ids = o200k.encode(long)
  const texts = ['', long, 'short', long.slice(0, 300_000), '<|endoftext|>'.repeat(40_000)]
  const options = { allowedSpecial: 'all' } as const
  const rows = texts.map((text) => o200k.encode(text, options))
  for (const threads of [1, 2, 3, 8]) {
    setThreads(threads)
    t.is(native().threads(), threads)
    t.true(same(await o200k.encodeAsync(long), ids))
    t.true(allSame(o200k.encodeBatch(texts, options), rows))
    t.true(allSame(await o200k.encodeBatchAsync(texts, options), rows))
    t.deepEqual(
      [...o200k.countBatch(texts, options)],
      rows.map((row) => row.length),
    )
  }
})

test.serial('the number of threads may change while others work', async (t) => {
  const ids = o200k.encode(long)
  const all = [1, 2, 3, 1, 2].map((threads) => {
    setThreads(threads)
    return o200k.encodeAsync(long)
  })
  for (const found of await Promise.all(all)) t.true(same(found, ids))
})

test('what is not a number of threads is an error', (t) => {
  for (const count of [0, -1, 1.5, 1025, Infinity, NaN, '2', undefined, null] as number[]) {
    t.throws(() => setThreads(count), {
      instanceOf: TokenmillError,
      code: 'ERR_INVALID_ARGUMENT',
      message: /^expected an integer from 1 to 1024 for count, received /,
    })
  }
})

/** What a process with TOKENMILL_THREADS = `value` prints. */
const inProcess = (value: string) => {
  const code = `
    const { getEncoding } = await import(${JSON.stringify(new URL('../src/tokenizer/encodings.ts', import.meta.url))})
    const { native } = await import(${JSON.stringify(new URL('../src/native.ts', import.meta.url))})
    try {
      const ids = getEncoding('gpt2').encodeBatch(['a', 'b']).ids
      console.log(native().threads(), ids.length)
    } catch (error) {
      console.log(error.code, error.message)
    }
  `
  const env = { ...process.env, TOKENMILL_THREADS: value }
  const { stdout, stderr } = spawnSync(process.execPath, ['--import=tsx', '--input-type=module', '-e', code], {
    env,
    encoding: 'utf8',
  })
  return stdout.trim() || stderr
}

test('TOKENMILL_THREADS sets the number of threads', (t) => {
  t.is(inProcess('3'), '3 2')
  t.regex(inProcess(''), /^\d+ 2$/)
})

test('TOKENMILL_THREADS that is no number of threads is an error at the first use', (t) => {
  for (const value of ['0', 'many', '-1', '1025', '1.5']) {
    t.is(
      inProcess(value),
      `ERR_INVALID_ARGUMENT expected an integer from 1 to 1024 for the environment variable TOKENMILL_THREADS, received "${value}"`,
    )
  }
})
