import { cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './run.mjs'

/** What npm must know of each platform that has a package of its own, by the platform's id. */
export const platforms = {
  'linux-x64-gnu': { os: 'linux', cpu: 'x64', libc: 'glibc', target: 'x86_64-unknown-linux-gnu' },
  'linux-arm64-gnu': { os: 'linux', cpu: 'arm64', libc: 'glibc', target: 'aarch64-unknown-linux-gnu' },
  'linux-x64-musl': { os: 'linux', cpu: 'x64', libc: 'musl', target: 'x86_64-unknown-linux-musl' },
  'linux-arm64-musl': { os: 'linux', cpu: 'arm64', libc: 'musl', target: 'aarch64-unknown-linux-musl' },
  'darwin-x64': { os: 'darwin', cpu: 'x64', target: 'x86_64-apple-darwin' },
  'darwin-arm64': { os: 'darwin', cpu: 'arm64', target: 'aarch64-apple-darwin' },
  'win32-x64-msvc': { os: 'win32', cpu: 'x64', target: 'x86_64-pc-windows-msvc' },
  'win32-arm64-msvc': { os: 'win32', cpu: 'arm64', target: 'aarch64-pc-windows-msvc' },
}

const manifest = () => JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

const write = (folder, content) => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(content, null, 2)}\n`)
}

/**
 * The addon of a platform: what `npm run build:release` made, or the local build when that is newer, since the facade
 * may have changed with it; undefined when there is neither.
 */
export const addonOf = (id) =>
  ['build/release', 'build']
    .map((folder) => join(root, folder, `tokenmill.${id}.node`))
    .filter((file) => existsSync(file))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0]

/**
 * Copies the main package as it is published into `folder`: with the platform packages as optional dependencies of the
 * same version, without what only a checkout needs. The working tree is not changed.
 */
export const stageMain = (folder) => {
  const { scripts: _, devDependencies: __, napi: ___, ...published } = manifest()
  const optionalDependencies = Object.fromEntries(
    Object.keys(platforms).map((id) => [`tokenmill-${id}`, published.version]),
  )
  write(folder, { ...published, optionalDependencies })
  for (const file of published.files) {
    if (existsSync(join(root, file))) cpSync(join(root, file), join(folder, file), { recursive: true })
  }
  return folder
}

/** Makes the package of one platform in `folder`, around `addon`, its `.node` file, with the `notices` of what that contains. */
export const stagePlatform = (folder, id, addon, notices) =>
  stageAddon(folder, id, addon, notices, {
    name: `tokenmill-${id}`,
    description: `The native addon of tokenmill for ${id}`,
    install: 'Install `tokenmill`, which brings it.',
  })

/** The platform whose package with CUDA there is. */
export const cudaPlatform = 'linux-x64-gnu'

/** Makes the package of the addon with CUDA in `folder`. */
export const stageCuda = (folder, addon, notices) =>
  stageAddon(folder, cudaPlatform, addon, notices, {
    name: `tokenmill-cuda-${cudaPlatform}`,
    description: `Embeddings of tokenmill on CUDA devices, for ${cudaPlatform}`,
    install:
      'Install it beside `tokenmill`, in the same version, on a machine with an NVIDIA GPU and the libraries of CUDA 13.',
  })

const noticesFile = 'THIRD-PARTY-NOTICES.txt'

const stageAddon = (folder, id, addon, notices, { name, description, install }) => {
  const { version, license, engines, repository } = manifest()
  const { os, cpu, libc } = platforms[id]
  const file = `tokenmill.${id}.node`
  write(folder, {
    name,
    version,
    description,
    license,
    repository,
    engines,
    os: [os],
    cpu: [cpu],
    ...(libc && { libc: [libc] }),
    main: file,
    files: [file, noticesFile],
  })
  cpSync(addon, join(folder, file))
  writeFileSync(join(folder, noticesFile), notices)
  writeFileSync(
    join(folder, 'README.md'),
    `# ${name}\n\n${description.replace('tokenmill', '[tokenmill](https://www.npmjs.com/package/tokenmill)')}. ${install}\n`,
  )
  if (existsSync(join(root, 'LICENSE'))) cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  return folder
}
