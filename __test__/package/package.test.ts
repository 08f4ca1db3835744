import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import anyTest, { type TestFn } from 'ava'
import { ensureTypeScript, platformId } from '../../scripts/lib/ensure.mjs'
import { addonOf, cudaPlatform, platforms, stageCuda, stageMain, stagePlatform } from '../../scripts/lib/stage.mjs'
import { makeMachine, type Machine, type Result } from './machine.ts'
import { type Registry, startRegistry } from './registry.ts'

/*
 * The packages as users get them: packed, published to a registry on loopback, installed into an empty folder on a
 * machine without Rust, and used from there.
 */

const root = fileURLToPath(new URL('../..', import.meta.url))
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
const here = platformId()

interface Context {
  folder: string
  registry: Registry
  machine: Machine
  /** Packed size in bytes, by package name. */
  packed: Map<string, number>
  /** A folder in which `npm install tokenmill` was run. */
  consumer: string
}
const test = anyTest as TestFn<Context>
// The machine is made of links to programs, which Windows lets only administrators make.
const unixTest = process.platform === 'win32' ? test.skip : test

const succeed = async (result: Promise<Result>): Promise<Result> => {
  const { code, stdout, stderr } = await result
  if (code !== 0) throw new Error(`exit code ${code}\n${stdout}\n${stderr}`)
  return { code, stdout, stderr }
}

const emptyProject = (folder: string): string => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "name": "consumer", "private": true }\n')
  return folder
}

test.before('pack, publish and install', async (t) => {
  t.timeout(240_000)
  await ensureTypeScript()
  const folder = (t.context.folder = mkdtempSync(join(tmpdir(), 'tokenmill-package-')))
  const registry = (t.context.registry = await startRegistry(join(folder, 'registry')))
  const machine = (t.context.machine = makeMachine(folder, registry.url))
  const packed = (t.context.packed = new Map<string, number>())

  const publish = async (from: string): Promise<void> => {
    const { stdout } = await succeed(machine.run('npm', ['pack', '--json', '--ignore-scripts', from], folder))
    const [{ name, filename, size }] = JSON.parse(stdout) as [{ name: string; filename: string; size: number }]
    packed.set(name, size)
    await succeed(machine.run('npm', ['publish', '--ignore-scripts', join(folder, filename)], folder))
  }

  const addon = addonOf(here)
  if (addon === undefined) throw new Error(`there is no addon for ${here}: npm run build:native`)
  const placeholder = join(folder, 'placeholder.node')
  writeFileSync(placeholder, 'an addon of another platform')
  const notices = 'what is linked into it'
  const packages = [
    stageMain(join(folder, 'staged', 'tokenmill')),
    // Those of other platforms are there too, so that npm has to choose.
    ...Object.keys(platforms).map((id) =>
      stagePlatform(join(folder, 'staged', id), id, id === here ? addon : placeholder, notices),
    ),
    // The addon is one without CUDA, which says so.
    stageCuda(join(folder, 'staged', 'cuda'), addon, notices),
    join(root, 'node_modules', 'commander'),
    join(root, 'node_modules', 'picocolors'),
  ]
  while (packages.length > 0) await Promise.all(packages.splice(0, 3).map(publish))

  const consumer = (t.context.consumer = emptyProject(join(folder, 'consumer')))
  await succeed(machine.run('npm', ['install', 'tokenmill'], consumer))
})

test.after.always((t) => {
  t.context.registry?.close()
  if (t.context.folder) rmSync(t.context.folder, { recursive: true, force: true })
})

/** Runs `code` in the consumer's folder, as a module or as CommonJS by its file name. */
const use = async ({ machine, consumer }: Context, name: string, code: string): Promise<unknown> => {
  writeFileSync(join(consumer, name), code)
  const { stdout } = await succeed(machine.run('node', [name], consumer))
  return JSON.parse(stdout)
}

const walk = `
const tokenizer = getEncoding('o200k_base')
const ids = tokenizer.encode('hello world')
let code
try { tokenizer.decode([4_000_000]) } catch (error) { code = error instanceof TokenmillError ? error.code : error }
const dataset = new WindowDataset(tokenizer.encode('one two three four five six seven eight'), { contextLength: 2 })
const shapes = [...new DataLoader(dataset, { batchSize: 2 })].map(({ shape }) => shape)
const embedding = InputEmbedding.create({ vocabSize: tokenizer.vocabSize, contextLength: 2, dimensions: 4, seed: 1 })
const output = embedding.forward(ids)
console.log(JSON.stringify({ ids: [...ids], text: tokenizer.decode(ids), count: tokenizer.count('hello world'), code, shapes, output: output.shape }))
`
const names = 'DataLoader, getEncoding, InputEmbedding, TokenmillError, WindowDataset'
const walked = {
  ids: [24912, 2375],
  text: 'hello world',
  count: 2,
  code: 'ERR_OUT_OF_RANGE',
  shapes: [
    [2, 2],
    [1, 2],
  ],
  output: [2, 4],
}

unixTest('the machine has no Rust', async (t) => {
  for (const program of ['cargo', 'rustc', 'cc']) {
    const { code } = await t.context.machine.run('sh', ['-c', `command -v ${program}`], t.context.folder)
    t.not(code, 0, program)
  }
})

unixTest('npm installs the package of this platform and no other', (t) => {
  const installed = readdirSync(join(t.context.consumer, 'node_modules')).filter((name) => name.startsWith('tokenmill'))
  t.deepEqual(installed, ['tokenmill', `tokenmill-${here}`])
})

unixTest('the package of this platform has the licences of what is linked into it', (t) => {
  const file = join(t.context.consumer, 'node_modules', `tokenmill-${here}`, 'THIRD-PARTY-NOTICES.txt')
  t.is(readFileSync(file, 'utf8'), 'what is linked into it')
})

unixTest('the main package and this platform’s are at most 12 MB packed', (t) => {
  const bytes = (t.context.packed.get('tokenmill') ?? NaN) + (t.context.packed.get(`tokenmill-${here}`) ?? NaN)
  t.log(`${(bytes / 1e6).toFixed(2)} MB`)
  t.true(bytes <= 12e6, `${bytes} bytes`)
})

unixTest('the main package holds code, types, encodings and words, and no install script', (t) => {
  const installed = join(t.context.consumer, 'node_modules', 'tokenmill')
  for (const file of [
    'dist/index.js',
    'dist/index.cjs',
    'dist/encodings.js',
    'dist/encodings.cjs',
    'dist/core.cjs',
    'dist/later.cjs',
    'dist/cli/main.js',
    'index.d.cts',
    'index.d.ts',
    'encodings.d.cts',
    'encodings.d.ts',
    'encodings/o200k_base.bpe',
    'encodings/LICENSE',
    'README.md',
    'README.zh-CN.md',
    'CHANGELOG.md',
    'examples/mill.txt',
    'LICENSE',
  ]) {
    t.notThrows(() => statSync(join(installed, file)), file)
  }
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Record<string, unknown>
  t.false('scripts' in manifest)
  t.false('devDependencies' in manifest)
  t.deepEqual(
    manifest['optionalDependencies'],
    Object.fromEntries(Object.keys(platforms).map((id) => [`tokenmill-${id}`, version])),
  )
  const files = readdirSync(join(installed, 'dist'), { recursive: true }).map(String)
  t.deepEqual(
    files.filter((file) => file.includes('.') && !/\.c?js$/.test(file)),
    [],
  )
})

unixTest('a module uses it', async (t) => {
  t.deepEqual(await use(t.context, 'module.mjs', `import { ${names} } from 'tokenmill'\n${walk}`), walked)
})

unixTest('a CommonJS file uses it, where require() reads no modules too', async (t) => {
  const { machine, consumer } = t.context
  t.deepEqual(await use(t.context, 'script.cjs', `const { ${names} } = require('tokenmill')\n${walk}`), walked)
  const encodings = `const { getEncoding } = require('tokenmill/encodings')
    console.log(JSON.stringify([...getEncoding('o200k_base').encode('hello world')]))`
  t.deepEqual(await use(t.context, 'encodings.cjs', encodings), walked.ids)
  for (const file of ['script.cjs', 'encodings.cjs']) {
    await succeed(machine.run('node', ['--no-experimental-require-module', file], consumer))
  }
})

unixTest('import and require() give the same classes', async (t) => {
  const code = `
    import { createRequire } from 'node:module'
    import { TokenmillError } from 'tokenmill'
    import * as encodings from 'tokenmill/encodings'
    const require = createRequire(import.meta.url)
    console.log([
      require('tokenmill').TokenmillError === TokenmillError,
      require('tokenmill/encodings').TokenmillError === TokenmillError,
      encodings.TokenmillError === TokenmillError,
      require('tokenmill').getEncoding('gpt2') === encodings.getEncoding('gpt2'),
    ].every((same) => same))`
  t.true(await use(t.context, 'same.mjs', code))
})

unixTest('a TypeScript program type-checks against it, strictly, without the types of Node', async (t) => {
  const { machine, consumer } = t.context
  const folder = emptyProject(join(consumer, 'typescript'))
  const program = `
    import { ${names}, type Tokenizer } from 'tokenmill'
    import { getEncoding as published, type EncodeOptions } from 'tokenmill/encodings'
    const tokenizer: Tokenizer = getEncoding('o200k_base')
    const options: EncodeOptions = { allowedSpecial: 'all' }
    published('gpt2').encode('hello', options)
    const ids: Uint32Array = tokenizer.encode('hello world')
    using embedding = InputEmbedding.create({ vocabSize: tokenizer.vocabSize, contextLength: 2, dimensions: 4 })
    for (const { inputs } of new DataLoader(new WindowDataset(ids, { contextLength: 1 }), { batchSize: 1 })) {
      const rows: Uint32Array = inputs
      void rows
    }
    // @ts-expect-error the name of an encoding is a string
    getEncoding(200)
    // @ts-expect-error a text is not a number
    tokenizer.encode(1)
    export const code: string = new TokenmillError('ERR_LIMIT', 'x').code
    void embedding`
  writeFileSync(join(folder, 'program.mts'), program)
  writeFileSync(join(folder, 'program.cts'), program)
  // A class of either kind of file is the other's too.
  const both = `
    import { getEncoding, TokenBatch } from 'tokenmill'
    import { encode } from './other.cjs'
    export const batch: TokenBatch = encode(getEncoding('gpt2'))`
  const other = `
    import { type BpeTokenizer, type TokenBatch } from 'tokenmill/encodings'
    export const encode = (tokenizer: BpeTokenizer): TokenBatch => tokenizer.encodeBatch(['hello'])`
  writeFileSync(join(folder, 'both.mts'), both)
  writeFileSync(join(folder, 'other.cts'), other)
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  for (const module of ['Node16', 'NodeNext']) {
    const compilerOptions = {
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
      target: 'ES2022',
      lib: ['ES2022', 'DOM'],
      module,
      types: [],
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
    const { code, stdout } = await machine.run('node', [tsc, '-p', folder], folder)
    t.is(code, 0, `${module}: ${stdout}`)
  }
})

unixTest('npx tokenmill --version says the version', async (t) => {
  const { stdout } = await succeed(
    t.context.machine.run('npx', ['--no-install', 'tokenmill', '--version'], t.context.consumer),
  )
  t.is(stdout.trim(), version)
})

unixTest('the command line of the package works: doctor, and the walk on the text that it brings', async (t) => {
  const { machine, consumer } = t.context
  const doctor = await succeed(machine.run('npx', ['--no-install', 'tokenmill', 'doctor', '--json'], consumer))
  const { works, native } = JSON.parse(doctor.stdout) as { works: boolean; native: { attempts: { request: string }[] } }
  t.true(works)
  t.like(native.attempts.at(-1), { source: 'package', outcome: 'loaded', request: `tokenmill-${here}` })
  const { stdout } = await succeed(machine.run('npx', ['--no-install', 'tokenmill', 'run', '--json'], consumer))
  t.notThrows(() => JSON.parse(stdout))
})

const load = `
import { getEncoding, TokenmillError } from 'tokenmill'
try {
  getEncoding('gpt2').encode('x')
} catch (error) {
  console.log(JSON.stringify({ ours: error instanceof TokenmillError, code: error.code, message: error.message, cause: String(error.cause) }))
}`
interface Refusal {
  ours: boolean
  code: string
  message: string
  cause: string
}

unixTest('without the platform package, the error says platform, cause and what to run', async (t) => {
  const consumer = emptyProject(join(t.context.folder, 'without'))
  await succeed(t.context.machine.run('npm', ['install', '--omit=optional', 'tokenmill'], consumer))
  const refusal = async (): Promise<Refusal> => (await use({ ...t.context, consumer }, 'load.mjs', load)) as Refusal

  const missing = await refusal()
  t.true(missing.ours)
  t.is(missing.code, 'ERR_NATIVE')
  t.true(missing.message.includes(`tokenmill ${version} could not be loaded on ${here}`), missing.message)
  t.true(missing.message.includes(`the package tokenmill-${here} is not installed`), missing.message)
  t.regex(missing.message, /npm install --os=\w+ --cpu=\w+/)
  t.regex(missing.message, /npm install --include=optional/)
  t.regex(missing.message, /npm\/cli\/issues\/4828/)
  t.regex(missing.cause, /Cannot find module/)

  const install = (id: string, main: string, content: string): void => {
    const folder = join(consumer, 'node_modules', `tokenmill-${id}`)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: `tokenmill-${id}`, version, main }))
    writeFileSync(join(folder, main), content)
  }
  const other = Object.keys(platforms).find((id) => id !== here) ?? ''
  install(other, 'addon.node', '')
  const copied = await refusal()
  t.true(
    copied.message.includes(`but tokenmill-${other} is: node_modules was made for another platform`),
    copied.message,
  )

  install(here, 'addon.js', 'exports.VERSION = "9.9.9"')
  const older = await refusal()
  t.is(older.code, 'ERR_NATIVE')
  t.true(older.message.includes(`it is version 9.9.9, and this is tokenmill ${version}`), older.message)

  install(here, 'addon.node', 'not an addon')
  const broken = await refusal()
  t.is(broken.code, 'ERR_NATIVE')
  t.true(broken.message.includes(`tokenmill-${here} (package) is there but was not loaded`), broken.message)
  t.not(broken.cause, 'undefined')
})

test('the package with CUDA is added by name, and devices says so until then', async (t) => {
  const { machine, folder, consumer } = t.context
  if (here !== cudaPlatform) return t.pass(`it is for ${cudaPlatform}`)
  const code = `
    import { devices } from 'tokenmill'
    console.log(JSON.stringify(devices().filter(({ kind }) => kind === 'cuda')))`
  const reason = async (project: string): Promise<unknown> => {
    const found = (await use({ ...t.context, consumer: project }, 'cuda.mjs', code)) as { reason?: string }[]
    t.is(found.length, 1)
    return found[0]?.reason
  }
  const name = `tokenmill-cuda-${cudaPlatform}`
  t.regex(
    String(await reason(consumer)),
    new RegExp(`^the package ${name} is not installed\n.*\n.*npm install ${name}@`),
  )
  const withCuda = emptyProject(join(folder, 'with-cuda'))
  await succeed(machine.run('npm', ['install', 'tokenmill', name], withCuda))
  t.regex(String(await reason(withCuda)), /this was built without CUDA/)
})
