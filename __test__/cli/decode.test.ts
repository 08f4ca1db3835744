import test from 'ava'
import { build, makeFolder, tokenmill } from './cli.ts'

const folder = makeFolder()
test.before(build)
test.after.always(folder.remove)

const hello = '13225 11 2375 0'

test('decode prints the text and adds nothing', async (t) => {
  for (const ids of [
    hello,
    '13225,11,2375,0',
    '13225, 11\n2375\t0\n',
    '[13225,11,2375,0]',
    ' {"ids": [13225, 11, 2375, 0]}',
  ]) {
    t.like(await tokenmill(['decode'], { input: ids }), { code: 0, stdout: 'Hello, world!', stderr: '' })
    t.is((await tokenmill(['decode', '--ids', ids])).stdout, 'Hello, world!')
  }
  t.is((await tokenmill(['decode', folder.file('ids.txt', hello)])).stdout, 'Hello, world!')
})

test('bytes of a part of a character come out as they are', async (t) => {
  const { stdout } = await tokenmill(['encode', '-e', 'gpt2', '-t', '🌾'])
  const first = stdout.split(' ').slice(0, 2).join(' ')
  t.deepEqual([...(await tokenmill(['decode', '-e', 'gpt2', '--ids', first])).bytes], [0xf0, 0x9f, 0x8c])
  const strict = await tokenmill(['decode', '-e', 'gpt2', '--utf8', 'strict', '--ids', first])
  t.is(strict.code, 1)
  t.regex(strict.stderr, /^tokenmill: ERR_INVALID_UTF8: /)
})

test('--json gives the text and how many ids it had', async (t) => {
  const { stdout } = await tokenmill(['decode', '--json', '--ids', hello])
  t.deepEqual(JSON.parse(stdout), { encoding: 'o200k_base', count: 4, text: 'Hello, world!' })
})

test('special tokens are text, or left out with --skip-special', async (t) => {
  t.is((await tokenmill(['decode', '--ids', '64 199999 65'])).stdout, 'a<|endoftext|>b')
  t.is((await tokenmill(['decode', '--skip-special', '--ids', '64 199999 65'])).stdout, 'ab')
})

test('no ids are no text', async (t) => {
  for (const ids of ['', ' \n', '[]']) t.like(await tokenmill(['decode'], { input: ids }), { code: 0, stdout: '' })
})

test('what is no id is an error that shows it', async (t) => {
  for (const [ids, shown] of [
    ['1 two 3', /entry 1 is "two"/],
    ['1 -2', /entry 1 is "-2"/],
    ['1.5', /entry 0 is "1.5"/],
    ['4294967296', /entry 0 is "4294967296"/],
    ['[1, "2"]', /entry 1 is "\\"2\\""|entry 1 is "2"/],
    ['[1, 2.5]', /entry 1 is 2.5/],
    ['[1', /not JSON/],
    ['{"tokens": []}', /no array "ids"/],
  ] as const) {
    const { code, stdout, stderr } = await tokenmill(['decode'], { input: ids })
    t.is(code, 1, ids)
    t.is(stdout, '')
    t.regex(stderr, /^tokenmill: ERR_INPUT: expected token ids.*\n$/)
    t.regex(stderr, shown)
  }
})

test('an id that does not exist is ERR_OUT_OF_RANGE', async (t) => {
  const { code, stderr } = await tokenmill(['decode', '--ids', '1 4000000000'])
  t.is(code, 1)
  t.regex(stderr, /^tokenmill: ERR_OUT_OF_RANGE: .*4000000000/)
})
