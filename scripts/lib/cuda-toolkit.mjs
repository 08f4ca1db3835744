import { mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, delimiter, dirname, join } from 'node:path'
import { Failure, root, run } from './run.mjs'
import { unlessFresh } from './stamp.mjs'
import { zigEnvironment } from './zig.mjs'

/*
 * The compiler of CUDA out of PyPI's wheels (104 MB), libraries to link with, and libraries that take the place of a GPU in tests: nothing of NVIDIA's has to be
 * installed, and no GPU has to be here.
 */

/* 13.0: newer ones make PTX that drivers of 13.0 refuse. */
const wheels = [
  'nvidia-cuda-nvcc==13.0.88',
  'nvidia-cuda-crt==13.0.88',
  'nvidia-nvvm==13.0.88',
  'nvidia-cuda-runtime==13.0.96',
  'nvidia-cuda-cccl==13.0.85',
]

/** What is linked with CUDA needs this glibc or a newer one, which is what Node needs too. */
export const oldestGlibc = '2.28'

/** The target of all that is linked with CUDA, for cargo-zigbuild. */
export const cudaTarget = `x86_64-unknown-linux-gnu.${oldestGlibc}`

const folder = 'build/cuda'
const home = `${folder}/toolkit/nvidia/cu13`

/** Where the kernels are. */
export const kernelSource = join(root, 'crates/embedding/kernels')

/** The flags of nvcc for PTX as it is shipped, for these GPUs and all later ones; those of crates/embedding/build.rs, and warnings are errors. */
export const ptxFlags = ['-ptx', '-O3', '-std=c++17', '-Werror', 'all-warnings', '-arch', 'compute_80']

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
      say(`Installing the compiler of CUDA into ${folder}/toolkit/ (104 MB)`)
      const target = join(root, folder, 'toolkit')
      rmSync(target, { recursive: true, force: true })
      const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--no-compile']
      await run('python3', [...pip, '--only-binary', ':all:', '--target', target, ...wheels], { quiet: true })
    },
  })
  return join(root, home)
}

/** The libraries that code with CUDA is linked with, by the folder of cudarc that declares what is in them. */
export const libraries = {
  driver: { name: 'cuda', soname: 'libcuda.so.1' },
  cublas: { name: 'cublas', soname: 'libcublas.so.13' },
  cublaslt: { name: 'cublasLt', soname: 'libcublasLt.so.13' },
  curand: { name: 'curand', soname: 'libcurand.so.10' },
  nvrtc: { name: 'nvrtc', soname: 'libnvrtc.so.13' },
}

/**
 * Makes sure that there is something to link with.
 *
 * @param {{ say: (what: string) => void }} options
 * @returns {Promise<{ env: NodeJS.ProcessEnv, links: string }>} the environment in which cargo-zigbuild finds the compiler and the libraries, and the folder of these. They
 *   can also be loaded, and say that there is no device
 */
export const ensureCudaBuild = async ({ say }) => {
  const cuda = await ensureCudaToolkit({ say })
  const zig = await zigEnvironment({ say })
  const links = join(root, folder, 'links/lib')
  await unlessFresh({
    name: 'cuda-links',
    inputs: ['Cargo.lock', 'scripts/lib/cuda-toolkit.mjs'],
    outputs: [`${folder}/links`],
    make: async () => {
      say(`Making libraries to link with in ${folder}/links/`)
      // 100 is CUDA_ERROR_NO_DEVICE.
      await makeLibraries(links, Object.keys(libraries), 100)
      // candle asks for these as dynamic libraries, and zig then takes nothing else. Linked in, they are two less that a machine has to have.
      for (const [name, archive] of Object.entries({ moe: 'libmoe.a', cudart: 'libcudart_static.a' })) {
        writeFileSync(join(links, `lib${name}.so`), `INPUT(${archive})\n`)
      }
    },
  })
  const env = {
    ...zig,
    CARGO_TARGET_DIR: join(root, folder, 'target'),
    CUDA_COMPUTE_CAP: '80',
    CUDA_HOME: cuda,
    // Where cudarc has linkers look for libraries too: in the lib/ of it.
    CUDA_TOOLKIT_ROOT_DIR: dirname(links),
    PATH: `${join(cuda, 'bin')}${delimiter}${zig.PATH}`,
  }
  return { env, links }
}

/**
 * Makes sure that there are libraries that take the place of a GPU: kernels run on the host.
 *
 * @param {{ say: (what: string) => void }} options
 * @returns {Promise<string>} the folder, for LD_LIBRARY_PATH
 */
export const ensureEmulatedCuda = async ({ say }) => {
  const cuda = await ensureCudaToolkit({ say })
  const into = join(root, folder, 'emulated')
  await unlessFresh({
    name: 'cuda-emulated',
    inputs: ['Cargo.lock', 'scripts/lib/cuda-toolkit.mjs', 'crates/embedding/kernels'],
    outputs: [`${folder}/emulated`],
    make: async () => {
      say(`Making libraries that emulate a GPU in ${folder}/emulated/`)
      // 0 is success: handles of cuBLAS and cuRAND are made and let go, and nothing is asked of them.
      await makeLibraries(into, ['cublas', 'cublaslt', 'curand', 'nvrtc'], 0)
      const kernels = []
      for (const file of readdirSync(kernelSource).filter((file) => file.endsWith('.cu'))) {
        const ptx = join(into, `${basename(file, '.cu')}.ptx`)
        await run(join(cuda, 'bin/nvcc'), [...ptxFlags, '-o', ptx, join(kernelSource, file)], { quiet: true })
        // Each from its name to that of the next.
        for (const [code, name] of readFileSync(ptx, 'utf8').matchAll(/\.entry (\w+)\((?:(?!\.entry )[^])*/g)) {
          kernels.push(`KERNEL(${name}, ${code.includes('shfl.sync')})\n`)
        }
      }
      writeFileSync(join(into, 'kernels.inc'), kernels.join(''))
      // Nothing may be fused or reordered: kernels are to round where a device does.
      const flags = ['-std=c++17', '-O2', '-ffp-contract=off', '-fPIC', '-shared', '-Wno-unknown-pragmas']
      const folders = ['-I', join(cuda, 'include'), '-I', into]
      const library = ['-Wl,-soname,libcuda.so.1', '-o', join(into, 'libcuda.so.1')]
      await run('c++', [...flags, ...folders, ...library, join(kernelSource, 'emulated/driver.cpp')], { quiet: true })
    },
  })
  return into
}

/*
 * Libraries in which every function that cudarc declares returns `value`. The names have to be there: linkers leave out a library of which nothing is needed, and
 * what was linked then fails to load.
 */
const makeLibraries = async (into, parts, value) => {
  const { output } = await run('cargo', ['metadata', '--format-version', '1', '--locked', '--all-features'], {
    quiet: true,
  })
  const metadata = output.split('\n').find((line) => line.startsWith('{'))
  const cudarc = JSON.parse(metadata).packages.find(({ name }) => name === 'cudarc')
  if (!cudarc) throw new Failure('cudarc is not in Cargo.lock')
  rmSync(into, { recursive: true, force: true })
  mkdirSync(into, { recursive: true })
  for (const part of parts) {
    const { name, soname } = libraries[part]
    const declarations = readFileSync(join(dirname(cudarc.manifest_path), 'src', part, 'sys/mod.rs'), 'utf8')
    const names = new Set([...declarations.matchAll(/^ +(?:pub unsafe )?fn (\w+)\(/gm)].map(([, name]) => name))
    if (names.size === 0) throw new Failure(`cudarc declares nothing in ${part}`)
    const file = join(into, `${name}.c`)
    writeFileSync(file, [...names].map((name) => `int ${name}(void) { return ${value}; }\n`).join(''))
    await run('cc', ['-shared', '-fPIC', '-w', `-Wl,-soname,${soname}`, '-o', join(into, soname), file], {
      quiet: true,
    })
    symlinkSync(soname, join(into, `lib${name}.so`))
  }
}
