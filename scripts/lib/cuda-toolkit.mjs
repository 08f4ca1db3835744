import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, root, run } from './run.mjs'
import { unlessFresh } from './stamp.mjs'

/* The compiler of CUDA out of PyPI's wheels (104 MB): nothing of NVIDIA's has to be installed, and no GPU has to be here. */

/* 13.0: newer ones make PTX that drivers of 13.0 refuse. */
const wheels = [
  'nvidia-cuda-nvcc==13.0.88',
  'nvidia-cuda-crt==13.0.88',
  'nvidia-nvvm==13.0.88',
  'nvidia-cuda-runtime==13.0.96',
  'nvidia-cuda-cccl==13.0.85',
]

const folder = 'build/cuda/toolkit'
const home = `${folder}/nvidia/cu13`

/**
 * Makes sure that the compiler is in build/cuda/toolkit/. Needs Linux on x86-64, a `python3` with pip, and a C++ compiler.
 *
 * @param {{ say: (what: string) => void }} options told in one sentence what is about to be done
 * @returns {Promise<string>} what CUDA calls its home: the folder with bin/nvcc and bin/ptxas in it
 */
export const ensureCudaToolkit = async ({ say }) => {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Failure(`CUDA is compiled on linux-x64, this is ${process.platform}-${process.arch}`)
  }
  await unlessFresh({
    name: 'cuda-toolkit',
    inputs: [],
    outputs: [`${home}/bin`, `${home}/nvvm`],
    extra: wheels,
    make: async () => {
      say(`Installing the compiler of CUDA into ${folder}/ (104 MB)`)
      const target = join(root, folder)
      rmSync(target, { recursive: true, force: true })
      const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--no-compile']
      await run('python3', [...pip, '--only-binary', ':all:', '--target', target, ...wheels], { quiet: true })
    },
  })
  return join(root, home)
}
