/*
 * `npm run verify -- --seed S --count N …`: random strings and files against Python's tiktoken; `--help` says all.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { ensureBuilt, ensureModules, ensureRust } from './lib/ensure.mjs'
import { Failure, root, run, script } from './lib/run.mjs'

const help = `npm run verify -- [options]: compares the ids of random strings and of files with those of Python's tiktoken

  --seed S            which strings (default: 1); string I of a seed is always the same one
  --count N           how many of them in each encoding (default: 100000)
  --first I           from number I on (default: 0): a long job in parts
  --encoding NAME     only this one, may be repeated (default: r50k_base, p50k_base, cl100k_base, o200k_base, which
                      have all ranks and patterns: gpt2, p50k_edit and o200k_harmony differ in special tokens)
  --text FILE         a file as well, packed with xz or not, may be repeated
  --jobs N            encodings at a time (default: one per processor); each has a process of tiktoken and one of Node
  --reference NAME    tiktoken (default: without it nothing is compared), naive: the naive reference of crates/testkit,
                      or any: tiktoken where it is there, else the naive one, and a line says so
  --no-node           without Node
  --no-install        .venv/ as it is

For each string
  - ids by every level of instructions of this machine, by workers that know the strings before, and their count:
    equal to tiktoken's ids (where it panics: to those of the naive reference); the ids are decoded to the string
  - as a stream of two to five parts, cut where the string itself decides: the same ids
  - in one call with the 4,095 strings beside it and all of them joined to one text, which is then cut for threads:
    the same ids and counts; the call has 1, 2, 3 or 8 threads and one of the levels, which take turns
  - through Node, as a string and as bytes: encodeOrdinary, encodeBatch, count, countBatch, isWithinLimit, decode
For some
  - one string in 32 of at most 400 bytes: as a stream of single characters, and of two parts, for every place to cut
  - one in four of those joined texts (some 4,096 strings, 300 KB): by tiktoken and Node too. Of the others, levels,
    threads and streams are compared with each other
A file is compared as a string is, and encoded on each number of threads by each level.

Prints the BLAKE3 of both streams of ids (little-endian u32, ffffffff after each string; joined texts are not in it).
Exit code 1: something differs, and what it is was made as short as could be.
`

const options = {
  help: { type: 'boolean', default: false },
  first: { type: 'string', default: '0' },
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
  if (values.help) return console.log(help)
  if (!['tiktoken', 'naive', 'any'].includes(values.reference))
    throw new Failure(`expected --reference tiktoken, naive or any, found ${values.reference}`)
  const hasReference = values.reference !== 'naive' && (await ensureTiktoken(!values['no-install']))
  if (!hasReference && values.reference === 'tiktoken') {
    const remedy = values['no-install'] ? 'leave out --no-install' : 'install it there'
    throw new Failure(
      `.venv/ has not the tiktoken of ${requirements}: ${remedy}, or compare with another reference, --reference naive.`,
    )
  }
  await ensureRust()
  await (values['no-node'] ? ensureModules({ say }) : ensureBuilt({ say }))

  // The last argument, the encoding's name, is added by the driver.
  const peers = values.peer.map((peer) => peer.split(','))
  if (hasReference) peers.push([python, 'scripts/verify-peer.py', 'node_modules/gpt-tokenizer/data'])
  else if (values.reference === 'any') say('No Python with tiktoken here: the naive reference stands in for it')
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
      ...['--seed', values.seed, '--first', values.first, '--count', values.count, '--jobs', values.jobs],
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
