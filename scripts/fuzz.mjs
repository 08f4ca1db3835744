/*
 * `npm run fuzz -- TARGET [seconds]`: runs a fuzz target of fuzz/ with libFuzzer and AddressSanitizer, 60 seconds unless told. Starts from the kept
 * inputs in fuzz/corpus/ and what earlier runs here found; a failing input is written to target/fuzz/. `npm run fuzz -- keep TARGET` adds to
 * fuzz/corpus/ the few of what was found that reach code which no kept input reaches. Without TARGET it lists them.
 *
 * Needs `cargo install cargo-fuzz --version 0.13.2 --locked`; the stable compiler does, with RUSTC_BOOTSTRAP=1.
 */
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ensureRust } from './lib/ensure.mjs'
import { Failure, root, run, script } from './lib/run.mjs'

/** Bytes of an input: a few blocks of a scanner and a long piece fit; the naive merges are quadratic. */
const longest = { vocabulary: 16_384, merges: 512, manifest: 8192 }

await script(async () => {
  const words = process.argv.slice(2)
  const keep = words[0] === 'keep'
  const [target, seconds = '60'] = keep ? words.slice(1) : words
  const targets = readdirSync(join(root, 'fuzz/fuzz_targets')).map((file) => file.replace('.rs', ''))
  if (!targets.includes(target))
    throw new Failure(`npm run fuzz -- TARGET [seconds]; the targets are ${targets.join(', ')}`)
  await ensureRust()
  const { code } = await run('cargo', ['fuzz', '--version'], { quiet: true, allowFailure: true })
  if (code !== 0)
    throw new Failure(
      'cargo-fuzz is missing. Run this, then try again:\n\n  cargo install cargo-fuzz --version 0.13.2 --locked\n',
    )

  const [kept, found] = [`fuzz/corpus/${target}`, `target/fuzz/found/${target}`]
  for (const folder of [kept, found]) mkdirSync(join(root, folder), { recursive: true })
  const limits = [
    `-max_len=${longest[target] ?? 2048}`,
    '-timeout=20',
    '-len_control=20',
    '-rss_limit_mb=4096',
    '-malloc_limit_mb=1024',
  ]
  await run(
    'cargo',
    [
      ...['fuzz', 'run', '--target-dir', 'target/fuzz', target],
      // Of several folders libFuzzer writes to the first.
      ...(keep ? [kept, found] : [found, kept]),
      '--',
      ...limits,
      `-artifact_prefix=target/fuzz/${target}-`,
      ...(keep ? ['-set_cover_merge=1', '-use_counters=0'] : [`-max_total_time=${seconds}`, '-print_final_stats=1']),
    ],
    { env: { ...process.env, RUSTC_BOOTSTRAP: '1' } },
  )
})
