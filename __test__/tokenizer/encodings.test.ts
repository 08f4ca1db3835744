import { execFileSync } from 'node:child_process'
import test from 'ava'
import { TokenmillError } from '../../src/errors.ts'
import { encodingNames, getEncoding } from '../../src/tokenizer/encodings.ts'

test('the encodings are the seven of tiktoken', (t) => {
  t.deepEqual(encodingNames, [
    'gpt2',
    'r50k_base',
    'p50k_base',
    'p50k_edit',
    'cl100k_base',
    'o200k_base',
    'o200k_harmony',
  ])
  t.true(Object.isFrozen(encodingNames))
})

for (const name of encodingNames) {
  test(`${name} is loaded once and knows its name`, (t) => {
    t.is(getEncoding(name), getEncoding(name))
    t.is(getEncoding(name).name, name)
  })
}

test('encodings with the same ranks are tokenizers of their own', (t) => {
  t.not(getEncoding('gpt2'), getEncoding('r50k_base'))
  t.deepEqual([...getEncoding('p50k_edit').specialTokens.keys()].length, 4)
  t.deepEqual([...getEncoding('p50k_base').specialTokens.keys()], ['<|endoftext|>'])
})

test('fingerprints are those of the release', (t) => {
  // A change here means that ids changed, or that files which hold a fingerprint are no longer opened.
  t.deepEqual(Object.fromEntries(encodingNames.map((name) => [name, getEncoding(name).fingerprint])), {
    gpt2: '209e0e98e8778ab11a77bd453db2cfcf57cc188af9b0a11159d3372e0dcaa634',
    r50k_base: '209e0e98e8778ab11a77bd453db2cfcf57cc188af9b0a11159d3372e0dcaa634',
    p50k_base: '0f8bd5dc5570c7baee337bfbc9d3f74002163e34a9af4435023d6a0369b408fb',
    p50k_edit: 'c9c3f5443ce2707aea4c65cbc7e7d3b3d3224b8671592d02d68bad1945d10a8e',
    cl100k_base: '98db6f72255cc9b55a857a1c0e8794753ab318c7f5efda8f7624b0158a27b8dd',
    o200k_base: 'dda95f1ee34976c8f890ac0fd1ac11e7fa243483641fad1d8bd166a71bcadb2f',
    o200k_harmony: '41a3ab748ddbc9f5d5a296642818680017470135584f380bb263d4575eb22163',
  })
})

test('special tokens are those of tiktoken', (t) => {
  const named = (name: string) =>
    [...getEncoding(name).specialTokens].filter(([token]) => !token.startsWith('<|reserved_'))
  t.deepEqual(named('gpt2'), [['<|endoftext|>', 50_256]])
  t.deepEqual(named('r50k_base'), [['<|endoftext|>', 50_256]])
  t.deepEqual(named('p50k_base'), [['<|endoftext|>', 50_256]])
  t.deepEqual(named('p50k_edit'), [
    ['<|endoftext|>', 50_256],
    ['<|fim_prefix|>', 50_281],
    ['<|fim_middle|>', 50_282],
    ['<|fim_suffix|>', 50_283],
  ])
  t.deepEqual(named('cl100k_base'), [
    ['<|endoftext|>', 100_257],
    ['<|fim_prefix|>', 100_258],
    ['<|fim_middle|>', 100_259],
    ['<|fim_suffix|>', 100_260],
    ['<|endofprompt|>', 100_276],
  ])
  t.deepEqual(named('o200k_base'), [
    ['<|endoftext|>', 199_999],
    ['<|endofprompt|>', 200_018],
  ])
  t.deepEqual(named('o200k_harmony'), [
    ['<|startoftext|>', 199_998],
    ['<|endoftext|>', 199_999],
    ['<|return|>', 200_002],
    ['<|constrain|>', 200_003],
    ['<|channel|>', 200_005],
    ['<|start|>', 200_006],
    ['<|end|>', 200_007],
    ['<|message|>', 200_008],
    ['<|call|>', 200_012],
    ['<|endofprompt|>', 200_018],
  ])
  const harmony = getEncoding('o200k_harmony').specialTokens
  t.is(harmony.size, 1091)
  t.is(harmony.get('<|reserved_200000|>'), 200_000)
  t.is(harmony.get('<|reserved_201087|>'), 201_087)
})

for (const [name, near] of [
  ['cl100k', "did you mean 'cl100k_base'?"],
  ['o200k', "did you mean 'o200k_base' or 'o200k_harmony'?"],
  ['O200K_BASE', "did you mean 'o200k_base'"],
  ['r50k-base', "did you mean 'r50k_base'"],
  ['gpt-2', "did you mean 'gpt2'"],
  ['p50k_bsae', "did you mean 'p50k_base'"],
] as const) {
  test(`${name} is no encoding; near names are listed`, (t) => {
    const { message } = t.throws(() => getEncoding(name), { instanceOf: TokenmillError, code: 'ERR_INVALID_ARGUMENT' })
    t.true(message.startsWith(`there is no encoding called "${name}"; ${near}`), message)
    t.true(
      message.endsWith(`Known encodings: ${encodingNames.join(', ')}. For the name of a model, use encodingForModel`),
      message,
    )
  })
}

for (const name of [
  '',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'gpt2\0',
  ' gpt2 ',
  '../gpt2',
  'nothing alike',
]) {
  test(`${JSON.stringify(name)} is no encoding`, (t) => {
    t.throws(() => getEncoding(name), {
      instanceOf: TokenmillError,
      code: 'ERR_INVALID_ARGUMENT',
      message: /^there is no encoding called/,
    })
  })
}

test('a name of a million letters makes a short message', (t) => {
  const error = t.throws(() => getEncoding('o200k'.repeat(200_000)), { code: 'ERR_INVALID_ARGUMENT' })
  t.true((error?.message.length ?? 0) < 400)
})

test('what is not a string is no name', (t) => {
  for (const name of [undefined, null, 1, {}, ['gpt2'], new String('gpt2'), Symbol('gpt2')] as string[]) {
    t.throws(() => getEncoding(name), {
      instanceOf: TokenmillError,
      code: 'ERR_INVALID_ARGUMENT',
      message: /^expected the name of an encoding for name, received/,
    })
  }
})

test('encodings are read with the network cut off', (t) => {
  const index = new URL('../../src/index.ts', import.meta.url).href
  const script = `
    import { createRequire, syncBuiltinESMExports } from 'node:module'
    const require = createRequire(${JSON.stringify(index)})
    const refuse = () => { throw new Error('the network was used') }
    for (const name of ['node:net', 'node:tls', 'node:dgram', 'node:http', 'node:https', 'node:http2', 'node:dns']) {
      const module = require(name)
      for (const key of ['connect', 'createConnection', 'request', 'get', 'lookup', 'resolve', 'createSocket']) if (module[key]) module[key] = refuse
    }
    require('node:net').Socket.prototype.connect = refuse
    globalThis.fetch = refuse
    syncBuiltinESMExports()
    const { getEncoding, encodingNames } = await import(${JSON.stringify(index)})
    console.log(JSON.stringify(encodingNames.map((name) => [...getEncoding(name).encode('hello world')])))
  `
  const output = execFileSync(process.execPath, ['--import=tsx', '--input-type=module', '--eval', script], {
    encoding: 'utf8',
  })
  t.deepEqual(JSON.parse(output), [
    ...Array.from({ length: 4 }, () => [31_373, 995]),
    [15_339, 1917],
    [24_912, 2375],
    [24_912, 2375],
  ])
})
