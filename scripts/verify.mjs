/*
 * `npm run verify -- --seed S --count N [--encoding NAME]… [--text FILE]… [--jobs N]`: encodes N random strings of seed S and the files in each
 * encoding, by every level of instructions of this machine in Rust and through Node, and compares the ids with those of Python's tiktoken
 * (on which it fails: with the naive reference). Prints the BLAKE3 of both streams of ids; the exit code is 1 when anything differs.
 *
 * tiktoken lives in .venv/, which is made when a python3 is there; without one the reference is the naive one, and a line says so.
 * `--reference naive` asks for that, `--no-node` leaves Node out, `--no-install` takes .venv/ as it is. Files that end in .xz are unpacked.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { ensureBuilt, ensureModules, ensureRust } from './lib/ensure.mjs'
import { Failure, root, run, script } from './lib/run.mjs'

const options = {
  seed: { type: 'string', default: '1' },
  count: { type: 'string', default: '100000' },
  encoding: { type: 'string', multiple: true, default: [] },
  text: { type: 'string', multiple: true, default: [] },
  jobs: { type: 'string', default: String(availableParallelism()) },
  reference: { type: 'string', default: 'tiktoken' },
  peer: { type: 'string', multiple: true, default: [] },
  'no-node': { type: 'boolean', default: false },
  'no-install': { type: 'boolean', default: false },
}

const requirements = 'testdata/tokenizer/requirements.txt'
const python = process.platform === 'win32' ? '.venv/Scripts/python.exe' : '.venv/bin/python'

const say = (what) => console.log(`▸ ${what}`)

/** Whether the Python of .venv/ has the tiktoken of the requirements. */
const hasTiktoken = async () => {
  const wanted = /^tiktoken==(.+)$/m.exec(readFileSync(join(root, requirements), 'utf8'))[1]
  const ask = ['-c', 'import regex, tiktoken; print(tiktoken.__version__)']
  const { code, output } = await run(python, ask, { quiet: true, allowFailure: true })
  return code === 0 && output.trim() === wanted
}

const works = (program, args) =>
  run(program, args, { quiet: true, allowFailure: true }).then(
    ({ code }) => code === 0,
    () => false,
  )

/** Makes sure that .venv/ has tiktoken; `false`: there is none and it could not be made. */
const ensureTiktoken = async (mayInstall) => {
  const there = existsSync(join(root, python))
  if (there && (await hasTiktoken())) return true
  if (!mayInstall) return false
  if (!there) {
    if (!(await works('python3', ['--version']))) return false
    say('Making .venv/ with Python')
    if (!(await works('python3', ['-m', 'venv', '.venv']))) return false
  }
  say(`Installing ${requirements} into .venv/`)
  return (await works(python, ['-m', 'pip', 'install', '--quiet', '-r', requirements])) && (await hasTiktoken())
}

/** The file, or what is packed in it. */
const unpacked = async (file) => {
  if (!file.endsWith('.xz')) return resolve(file)
  const folder = join(root, 'target/verify')
  mkdirSync(folder, { recursive: true })
  const to = join(folder, basename(file, '.xz'))
  await run('sh', ['-c', 'xz -dc "$0" > "$1"', resolve(file), to], { quiet: true })
  return to
}

await script(async () => {
  const { values } = parseArgs({ options })
  if (!['tiktoken', 'naive'].includes(values.reference))
    throw new Failure(`expected --reference tiktoken or naive, found ${values.reference}`)
  await ensureRust()
  await (values['no-node'] ? ensureModules({ say }) : ensureBuilt({ say }))

  // The last argument, the encoding's name, is added by the driver.
  const peers = values.peer.map((peer) => peer.split(','))
  if (values.reference === 'tiktoken') {
    if (await ensureTiktoken(!values['no-install']))
      peers.push([python, 'scripts/verify-peer.py', 'node_modules/gpt-tokenizer/data'])
    else say('No Python with tiktoken here: the naive reference stands in for it')
  }
  if (!values['no-node']) {
    // The first peer is the reference.
    if (peers.length === 0) say('Node is compared with the naive reference as well')
    peers.push([process.execPath, 'scripts/verify-peer.mjs'])
  }
  const texts = await Promise.all(values.text.map(unpacked))
  const pairs = (name, list) => list.flatMap((value) => [`--${name}`, value])
  const { code } = await run(
    'cargo',
    [
      ...'run --quiet --profile fast -p tokenmill-bpe --example verify_ids --'.split(' '),
      ...['--seed', values.seed, '--count', values.count, '--jobs', values.jobs],
      ...pairs('encoding', values.encoding),
      ...pairs('text', texts),
      ...pairs(
        'peer',
        peers.map((peer) => peer.join('\n')),
      ),
    ],
    { allowFailure: true },
  )
  process.exitCode = code
})
