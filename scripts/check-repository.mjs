/*
 * Fails when a tracked file breaks a rule of the repository: no path of one machine in any text, no download address in
 * a lock file, one version everywhere, no dependency and no source file that nothing uses.
 */
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import ts from 'typescript'
import { Failure, root, run, script } from './lib/run.mjs'

const read = (file) => readFileSync(join(root, file), 'utf8')

// Written apart, so that this file does not break its own rule.
const machinePath = new RegExp(`(?<![\\w.:/\\\\-])/(?:${['work', 'root', 'home', 'tmp', 'Users'].join('|')})/`)

const machinePaths = (files) =>
  files.flatMap((file) => {
    const bytes = readFileSync(join(root, file))
    if (bytes.subarray(0, 8000).includes(0)) return [] // not text
    return bytes
      .toString()
      .split('\n')
      .flatMap((line, i) =>
        machinePath.test(line) ? [`${file}:${i + 1} names a path of one machine: ${line.trim().slice(0, 120)}`] : [],
      )
  })

const downloadAddresses = (files) =>
  files
    .filter((file) => /(?:^|\/)(?:package-lock\.json|npm-shrinkwrap\.json|Cargo\.lock)$/.test(file))
    .flatMap((file) =>
      read(file)
        .split('\n')
        .flatMap((line, i) =>
          /"resolved":|^source = "(?!registry\+https:\/\/github\.com\/rust-lang\/crates\.io-index")/.test(line)
            ? [`${file}:${i + 1} names a download address: ${line.trim()}`]
            : [],
        ),
    )

const versions = () => {
  const { version } = JSON.parse(read('package.json'))
  const others = {
    'package-lock.json': JSON.parse(read('package-lock.json')).version,
    'Cargo.toml': /^\[workspace\.package\]\nversion = "(.+)"$/m.exec(read('Cargo.toml'))?.[1],
    'src/version.ts': /^export const version = '(.+)'$/m.exec(read('src/version.ts'))?.[1],
  }
  return Object.entries(others).flatMap(([file, other]) =>
    other === version ? [] : [`${file} is of version ${other}, package.json of ${version}`],
  )
}

/* A dependency is used when its name, or that of a program of it, stands in a file other than the lists of dependencies. */
const unusedDependencies = (files) => {
  const { dependencies, devDependencies, overrides: _, ...rest } = JSON.parse(read('package.json'))
  const isCode = (file) => /\.(?:[cm]?[jt]s|json|yml)$/.test(file) && !/package(?:-lock)?\.json$|^testdata/.test(file)
  const text = [JSON.stringify(rest), ...files.filter(isCode).map(read)].join('\n')
  return Object.keys({ ...dependencies, ...devDependencies }).flatMap((name) => {
    const { bin = {} } = JSON.parse(read(`node_modules/${name}/package.json`))
    const programs = typeof bin === 'string' ? [name] : Object.keys(bin)
    const words = [name, name.replace('@types/', ''), ...programs]
    return words.some((word) => new RegExp(`['"/ ]${word}['"/ ]`).test(text))
      ? []
      : [`nothing uses the dependency ${name}`]
  })
}

const unusedSources = (files) => {
  const names = ['src/index.ts', 'src/encodings.ts', 'src/cli/main.ts']
  const entries = names.map((file) => join(root, file))
  const program = ts.createProgram(entries, {
    noLib: true,
    allowImportingTsExtensions: true,
    module: ts.ModuleKind.NodeNext,
    types: [],
  })
  const used = new Set(program.getSourceFiles().map(({ fileName }) => relative(root, fileName).replaceAll('\\', '/')))
  return files
    .filter((file) => file.startsWith('src/') && !used.has(file))
    .map((file) => `none of ${names.join(', ')} leads to ${file}`)
}

await script(async () => {
  const listed = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { quiet: true })
  const deleted = await run('git', ['ls-files', '-z', '--deleted'], { quiet: true })
  const gone = new Set(deleted.output.split('\0'))
  const files = listed.output.split('\0').filter((file) => file && !gone.has(file))
  const faults = [
    ...machinePaths(files),
    ...downloadAddresses(files),
    ...versions(),
    ...unusedDependencies(files),
    ...unusedSources(files),
  ]
  if (faults.length > 0) throw new Failure(faults.join('\n'))
})
