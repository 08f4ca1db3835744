import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { cudaPlatform } from '../../scripts/lib/stage.mjs'
import { explainCudaFailure, type CudaFailure } from '../../src/native-cuda-help.ts'
import { VersionMismatch } from '../../src/native-help.ts'
import { version } from '../../src/version.ts'

/* What a process says whose environment is this: what is loaded stays loaded. */
const report = (env: Record<string, string>) => {
  const source = (path: string) => JSON.stringify(new URL(`../../src/${path}`, import.meta.url).href)
  const code = `
    import { devices } from ${source('embedding/devices.ts')}
    import { Embedding } from ${source('embedding/embedding.ts')}
    const of = (device) => {
      try { return Embedding.create({ count: 2, dimensions: 2, device }).forward([1]).device }
      catch (error) { return error.code + ': ' + error.message }
    }
    console.log(JSON.stringify({ cuda: devices().slice(1), asked: of('cuda'), third: of({ cuda: 3 }), auto: of('auto') }))`
  const output = execFileSync(process.execPath, ['--import=tsx', '--input-type=module', '-e', code], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  })
  return JSON.parse(output) as {
    cuda: { available: boolean; reason?: string }[]
    asked: string
    third: string
    auto: string
  }
}

const checkMissing = (t: ExecutionContext, env: Record<string, string>, reason: RegExp) => {
  const { cuda, asked, third, auto } = report(env)
  t.is(cuda.length, 1)
  t.false(cuda[0]?.available)
  t.regex(cuda[0]?.reason ?? '', reason)
  t.is(asked, `ERR_DEVICE: the device 'cuda' cannot be used: ${cuda[0]?.reason}`)
  t.true(third.startsWith('ERR_DEVICE: the device { cuda: 3 } cannot be used: '))
  t.is(auto, 'cpu')
}

test('a file in TOKENMILL_CUDA_PATH that is not there is said, and the processor computes', (t) => {
  checkMissing(t, { TOKENMILL_CUDA_PATH: '/nowhere/cuda.node' }, /TOKENMILL_CUDA_PATH names \/nowhere\/cuda\.node/)
})

test('an addon without CUDA says so', (t) => {
  const addon = fileURLToPath(new URL('../../build/', import.meta.url))
  const platform = process.platform === 'linux' && process.arch === 'x64' ? 'linux-x64-gnu' : undefined
  const file = `${addon}tokenmill.${platform}.node`
  if (!existsSync(file)) return (t.log('the local build is for another platform'), t.pass())
  checkMissing(t, { TOKENMILL_CUDA_PATH: file }, /this was built without CUDA/)
})

/* The real addon with CUDA, where `npm run build:cuda` was run: with no libraries of NVIDIA, and with ones that have no device. */
const addon = fileURLToPath(new URL('../../build/cuda/tokenmill.linux-x64-gnu.node', import.meta.url))
const links = fileURLToPath(new URL('../../build/cuda/links/lib', import.meta.url))
const built = existsSync(addon) && existsSync(links) ? test : test.skip

built('without the driver of NVIDIA the addon does not load, and the message names it', (t) => {
  const { cuda } = report({ TOKENMILL_CUDA_PATH: addon, LD_LIBRARY_PATH: '/nowhere' })
  if (cuda[0]?.available) return (t.log('this machine has the driver'), t.pass())
  checkMissing(t, { TOKENMILL_CUDA_PATH: addon, LD_LIBRARY_PATH: '/nowhere' }, /driver of NVIDIA|library of CUDA 13/)
})

built('a driver that shows no device is told from one that is not there', (t) => {
  checkMissing(t, { TOKENMILL_CUDA_PATH: addon, LD_LIBRARY_PATH: links }, /shows no device: .*NO_DEVICE[^]*nvidia-smi/)
})

test('the package that is published is the one that is required, by its literal name', (t) => {
  const source = readFileSync(new URL('../../src/native-cuda.ts', import.meta.url), 'utf8')
  const required = [...source.matchAll(/require\('tokenmill-cuda-([\w-]+)'\)/g)].map(([, id]) => id)
  t.deepEqual(required, [cudaPlatform])
})

const failure = (change: Partial<CudaFailure>): CudaFailure => ({
  platform: 'linux-x64-gnu',
  attempts: [
    { source: 'local build', request: '../build/cuda/tokenmill.linux-x64-gnu.node', outcome: 'not there' },
    { source: 'package', request: 'tokenmill-cuda-linux-x64-gnu', outcome: 'not there', error: new Error('none') },
  ],
  supported: ['linux-x64-gnu'],
  inCheckout: false,
  error: undefined,
  ...change,
})

const failed = (message: string | Error) =>
  failure({
    attempts: [
      {
        source: 'package',
        request: 'tokenmill-cuda-linux-x64-gnu',
        outcome: 'failed',
        error: message instanceof Error ? message : new Error(message),
      },
    ],
  })

for (const [title, given, expected] of [
  [
    'a missing package',
    failure({}),
    new RegExp(
      `the package tokenmill-cuda-linux-x64-gnu is not installed\n.*\n {2}- npm install tokenmill-cuda-linux-x64-gnu@${version}`,
    ),
  ],
  ['a checkout', failure({ inCheckout: true }), /not installed\n.*\n {2}- npm run build:cuda\n/],
  [
    'another platform',
    failure({ platform: 'darwin-arm64', attempts: [] }),
    /no package for darwin-arm64; there is one for linux-x64-gnu/,
  ],
  [
    'a missing driver',
    failed('libcuda.so.1: cannot open shared object file: No such file or directory'),
    /the driver of NVIDIA is not there \(libcuda\.so\.1\)[^]*install its driver/,
  ],
  [
    'a missing library',
    failed('libcublas.so.13: cannot open shared object file: No such file or directory'),
    /libcublas\.so\.13, a library of CUDA 13, is not found[^]*LD_LIBRARY_PATH/,
  ],
  [
    'another version',
    failed(new VersionMismatch('0.0.9')),
    /it is version 0\.0\.9, and this is tokenmill [\d.]+[^]*npm install tokenmill-cuda/,
  ],
  [
    'a driver without devices',
    failure({ error: new Error('CUDA_ERROR_NO_DEVICE') }),
    /shows no device: CUDA_ERROR_NO_DEVICE[^]*CUDA_VISIBLE_DEVICES/,
  ],
] as const) {
  test(`the message for ${title} says what to do`, (t) => {
    const { message, cause } = explainCudaFailure(given)
    t.regex(message, expected)
    t.regex(message, /^\S.*\nWhat to do:\n {2}- /)
    t.is(
      cause,
      given.error ?? (given.attempts.find(({ outcome }) => outcome === 'failed') ?? given.attempts.at(-1))?.error,
    )
  })
}
