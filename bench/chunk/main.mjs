/*
 * `npm run bench -- chunk [--corpus FILE] [--max-bytes N] [--rounds N] [--limit SECONDS] [--name NAME]`: a text in chunks of at most 512 tokens of
 * o200k_base with an overlap of 64, beside the splitters of npm and, compiled for it, Rust's text-splitter.
 *
 * What comes out is part of it: how many chunks have more tokens than they may, and how much of the text is in none.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBuilt, ensureModules } from '../../scripts/lib/ensure.mjs'
import { Failure, run } from '../../scripts/lib/run.mjs'
import { readArguments, say } from '../lib/arguments.mjs'
import { defaultTexts } from '../lib/default-texts.mjs'
import { load, machine, versions } from '../lib/machine.mjs'
import { bench } from '../lib/paths.mjs'
import { write } from '../lib/record.mjs'
import { digits, median } from '../lib/stats.mjs'
import { table } from '../lib/table.mjs'

const help = `npm run bench -- chunk [options]

  --corpus FILE     the text (default: prose and Markdown of the installed packages)
  --max-bytes N     of it (default: 5000000)
  --rounds N        processes per figure (default: 3)
  --limit SECONDS   a process that takes longer is stopped (default: 120)
  --name NAME       of the record bench/results/DATE-NAME.md (default: chunk); --name '' writes none
`

const [maxTokens, overlap] = [512, 64]
const peers = [
  { id: 'tokenmill-token', title: 'tokenmill, tokens' },
  { id: 'tokenmill-sentence', title: 'tokenmill, sentences' },
  { id: 'tokenmill-markdown', title: 'tokenmill, Markdown' },
  { id: 'text-splitter', title: 'text-splitter (Rust), sentences', rust: true },
  { id: 'markdown-splitter', title: 'text-splitter (Rust), Markdown', rust: true },
  { id: 'langchain-token', title: '@langchain/textsplitters, tokens' },
  { id: 'langchain-recursive', title: '@langchain/textsplitters, recursive, js-tiktoken' },
  { id: 'langchain-recursive-ours', title: '@langchain/textsplitters, recursive, tokenmill counts' },
  { id: 'langchain-markdown-ours', title: '@langchain/textsplitters, Markdown, tokenmill counts' },
  { id: 'llm-splitter', title: 'llm-splitter, js-tiktoken' },
]

export const main = async (args) => {
  const options = readArguments(args, help, {
    ...{ corpus: [], 'max-bytes': 5_000_000, rounds: 3, limit: 120, name: 'chunk' },
  })
  if (options === undefined) return
  if (options.corpus.length > 1) throw new Failure('expected one text')
  const { 'max-bytes': maxBytes, rounds, limit, name } = options
  await ensureModules({ say })
  await ensureBuilt({ say })
  if (!existsSync(join(bench, 'node_modules', 'llm-splitter'))) {
    await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: bench, quiet: true })
  }
  say('Compiling the harness in Rust')
  const rust = ['build', '--release', '--manifest-path', join(bench, 'rust', 'Cargo.toml'), '--target-dir', 'target']
  const { output } = await run('cargo', [...rust, '--message-format', 'json'], { quiet: true })
  const program = JSON.parse(output.split('\n').findLast((line) => line.includes('"executable":"'))).executable

  const { getEncoding } = await import('../../dist/index.js')
  const tokenizer = getEncoding('o200k_base')
  const source =
    options.corpus.length > 0 ? readFileSync(options.corpus[0]) : readFileSync(defaultTexts({ maxBytes })[0].file)
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(source.subarray(0, maxBytes), { stream: true })
  const folder = mkdtempSync(join(tmpdir(), 'tokenmill-bench-'))
  try {
    const [file, out] = [join(folder, 'text.txt'), join(folder, 'chunks')]
    writeFileSync(file, text)
    const before = load()
    const rows = peers.map((peer) => ({ ...peer, times: [], message: '' }))
    for (let round = 1; round <= rounds; round++) {
      for (const row of rows) {
        if (row.message) continue
        say(`round ${round} of ${rounds}: ${row.title}`)
        const flags = ['--text', file, '--max-tokens', maxTokens, '--overlap', overlap, '--chunks', out].map(String)
        const [command, ...rest] = row.rust
          ? [program, 'chunk', '--peer', row.id, ...flags]
          : [process.execPath, join(bench, 'chunk', 'child.mjs'), row.id, file, `${maxTokens}`, `${overlap}`, out]
        const done = spawnSync(command, rest, { encoding: 'utf8', timeout: limit * 1000, maxBuffer: 1 << 26 })
        if (done.status !== 0) {
          row.message = done.error ? `cut after ${limit} s` : `fails: ${done.stderr.trim().split('\n').at(-1)}`
          continue
        }
        const { time, wall, cpu } = JSON.parse(done.stdout.trim().split('\n').at(-1))
        row.times.push(time ?? Math.min(wall, cpu))
        if (round === 1) Object.assign(row, judged(text, chunksOf(row, text, out), tokenizer))
      }
    }
    const bytes = Buffer.byteLength(text)
    const date = new Date().toISOString().slice(0, 10)
    const { cpu, cores, memoryGB, system } = machine()
    const { tokenmill, commit, changed, node } = versions({})
    const packages = ['@langchain/textsplitters', 'js-tiktoken', 'llm-splitter'].map((name) => {
      const { version } = JSON.parse(readFileSync(join(bench, 'node_modules', name, 'package.json'), 'utf8'))
      return `${name} ${version}`
    })
    const crates = readFileSync(join(bench, 'rust', 'Cargo.lock'), 'utf8')
    const crate = (name) => `${name} ${new RegExp(`name = "${name}"\nversion = "(.*)"`).exec(crates)?.[1]}`
    const markdown = [
      '# A long text in chunks',
      [
        `- ${date}, \`npm run bench -- chunk\``,
        `- ${cpu}, ${cores} cores, ${memoryGB} GB, ${system}; load before ${before}, after ${load()}`,
        `- tokenmill ${tokenmill} at ${commit}${changed ? ' with uncommitted changes' : ''}; Node ${node}; ${[...packages, crate('text-splitter'), crate('tiktoken-rs')].join(', ')}`,
        `- ${bytes.toLocaleString('en-US')} bytes, o200k_base, at most ${maxTokens} tokens, overlap ${overlap}; ${rounds} rounds, one pass per process, CPU time`,
      ].join('\n'),
      'MB/s, median (best). *Too long*: chunks of more tokens than that, and the most. *Changed*: chunks that do not stand in the text. *Left out*: characters, white space aside, that are in no chunk.',
      table(
        ['', 'MB/s', 'chunks', 'tokens of one', 'too long', 'changed', 'left out'],
        rows.map(({ title, times, message, chunks, mean, tooLong, most, altered, lost }) =>
          times.length === 0
            ? [title, message, ...Array(5).fill('')]
            : [
                title,
                `${digits((bytes / median(times)) * 1e3)} (${digits((bytes / Math.min(...times)) * 1e3)})`,
                ...[chunks, mean].map((number) => digits(number)),
                ...[tooLong === 0 ? '0' : `${tooLong}, ${most}`, String(altered), String(lost)],
              ],
        ),
      ),
    ].join('\n\n')
    console.log(markdown)
    const broken = rows.find(
      ({ id, tooLong, altered, lost }) => id.startsWith('tokenmill') && (tooLong || altered || lost),
    )
    if (broken) throw new Failure(`${broken.title} does not keep its promise`)
    if (name !== '') say(`written to ${write({ name, date, markdown, data: { rows, bytes } })}.md and .json`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The texts of the chunks. */
const chunksOf = ({ rust }, text, out) => {
  const written = readFileSync(out, 'utf8')
  if (!rust) return JSON.parse(written)
  const bytes = Buffer.from(text)
  return written
    .trim()
    .split('\n')
    .map((line) => bytes.subarray(...line.split(' ').map(Number)).toString())
}

const judged = (text, chunks, tokenizer) => {
  const counts = chunks.map((chunk) => tokenizer.count(chunk))
  const tooLong = counts.filter((count) => count > maxTokens).length
  // Where they stand: each after the start of the one before.
  let [from, covered, altered, lost] = [0, 0, 0, 0]
  const lose = (start, end) => (lost += text.slice(start, end).replace(/\s+/g, '').length)
  for (const chunk of chunks) {
    const start = text.indexOf(chunk, from)
    if (start === -1) {
      altered++
      continue
    }
    if (start > covered) lose(covered, start)
    from = start + 1
    covered = Math.max(covered, start + chunk.length)
  }
  lose(covered, text.length)
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length
  return { chunks: chunks.length, mean, tooLong, most: Math.max(...counts), altered, lost }
}
