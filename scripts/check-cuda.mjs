/*
 * `npm run check:cuda`: compiles every kernel of crates/embedding/kernels to PTX, as it would be shipped, and that to the instructions of two generations of
 * GPUs, as their driver would. A warning is a failure, and so are registers that spill into memory. Nothing is run: no GPU is needed. The compiler is
 * installed where it is missing. The last line is `N passed, N failed`.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Counts, countsOf, readers } from './lib/counts.mjs'
import { ensureCudaToolkit, kernelSource as source, ptxFlags } from './lib/cuda-toolkit.mjs'
import { Failure, root, run, script } from './lib/run.mjs'

const into = join(root, 'build/cuda/kernels')

const gpus = ['sm_80', 'sm_90']

/* What `ptxas -v` says of each kernel. */
const kernels = (output) => [
  ...output.matchAll(
    /entry function '(\w+)'[\s\S]*?(\d+) bytes spill stores, (\d+) bytes spill loads[\s\S]*?Used (\d+) registers/g,
  ),
]

/* A file counts by its kernels: one without any is a failure. */
const kernelReader = (output, code) => ({ passed: code === 0 ? kernels(output).length : 0, failed: 0 })

await script(async () => {
  const home = await ensureCudaToolkit({ say: (what) => console.log(`▸ ${what}`) })
  rmSync(into, { recursive: true, force: true })
  mkdirSync(into, { recursive: true })
  const total = new Counts()
  const check = async (title, program, args, reader) => {
    const result = await run(join(home, 'bin', program), args, { quiet: true, allowFailure: true })
    const counts = countsOf(reader, result)
    total.add(counts)
    console.log(`${counts.failed > 0 ? '✘' : '✔'} ${title}`)
    for (const [, name, stores, loads, registers] of kernels(result.output))
      console.log(`    ${name.padEnd(26)} ${registers} registers, ${stores} + ${loads} bytes spilled`)
    if (counts.failed > 0) console.log(result.output)
  }

  const files = readdirSync(source).filter((file) => file.endsWith('.cu'))
  if (files.length === 0) throw new Failure(`there are no kernels in ${source}`)
  for (const file of files) {
    const name = basename(file, '.cu')
    const ptx = join(into, `${name}.ptx`)
    await check(`${file}: PTX`, 'nvcc', [...ptxFlags, '-o', ptx, join(source, file)], readers.exitCode)
    for (const gpu of gpus) {
      const ptxas = ['-v', '--warning-as-error', '--warn-on-spills', '-arch', gpu]
      await check(`${file}: ${gpu}`, 'ptxas', [...ptxas, '-o', join(into, `${name}.${gpu}.cubin`), ptx], kernelReader)
    }
  }
  console.log(`\n${total}`)
  if (total.failed > 0) process.exitCode = 1
})
