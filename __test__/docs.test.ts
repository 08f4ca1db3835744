import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import ts from 'typescript'
import { ensureTypeScript } from '../scripts/lib/ensure.mjs'

/*
 * What the pages show is run. Every ```ts and ```js fence of README*.md and docs/ is a program, unless its info string
 * says `no-run` (then it says why in the text); the fences of one page run one by one, in an empty folder in which
 * `tokenmill` is installed. A comment `// → value` at the end of a `console.log` line is what the line must print.
 * Every file of examples/ that is a program runs too.
 */

const root = fileURLToPath(new URL('..', import.meta.url))

interface Snippet {
  readonly title: string
  readonly language: 'ts' | 'js'
  readonly code: string
}

const pages = [
  ...readdirSync(root).filter((name) => /^README.*\.md$/.test(name)),
  ...(existsSync(join(root, 'docs')) ? readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md')) : []).map(
    (name) => join('docs', name),
  ),
]

const snippetsOf = (page: string): Snippet[] => {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(/^```(ts|js)([^\n]*)\n([^]*?)^```$/gm)].flatMap(
    ({ 1: language, 2: info, 3: code, index }) => {
      if (info?.includes('no-run')) return []
      const line = text.slice(0, index).split('\n').length
      return [{ title: `${page}:${line}`, language: language as 'ts' | 'js', code: code ?? '' }]
    },
  )
}

/** The lines that the comments `// → …` promise, in their order. */
const promised = (code: string): string[] =>
  [...code.matchAll(/\bconsole\.log\(.*\)\s*\/\/ → (.+)$/gm)].map(([, line]) => line?.trim() ?? '')

let folder: string
test.before(async () => {
  await ensureTypeScript()
  folder = mkdtempSync(join(tmpdir(), 'tokenmill-docs-'))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules', 'tokenmill'), 'junction')
})
test.after.always(() => {
  if (folder) rmSync(folder, { recursive: true, force: true })
})

const run = (file: string, cwd: string): { output: string; lines: string[] } => {
  const tsx = new URL('../node_modules/tsx/dist/loader.mjs', import.meta.url).href
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [`--import=${tsx}`, file], {
    cwd,
    encoding: 'utf8',
    timeout: 90_000,
    env: { ...process.env, NO_COLOR: '1' },
  })
  if (error) throw error
  if (status !== 0) throw new Error(`exit code ${status}\n${stdout}\n${stderr}`)
  return { output: stdout, lines: stdout.split('\n').map((line) => line.trim()) }
}

for (const { title, language, code } of pages.flatMap(snippetsOf)) {
  test(`${title} runs and prints what it says`, (t) => {
    t.timeout(120_000)
    const file = join(folder, `${title.replaceAll(/\W/g, '-')}.${language === 'ts' ? 'mts' : 'mjs'}`)
    writeFileSync(file, code)
    const { lines, output } = run(file, folder)
    let from = 0
    for (const expected of promised(code)) {
      const at = lines.indexOf(expected, from)
      t.true(at >= 0, `expected the line ${JSON.stringify(expected)} in\n${output}`)
      from = at + 1
    }
  })
}

const examples = existsSync(join(root, 'examples'))
  ? readdirSync(join(root, 'examples')).filter((name) => /\.(?:ts|mts|js|mjs|cjs)$/.test(name))
  : []

for (const name of examples) {
  test(`examples/${basename(name)} runs`, (t) => {
    t.timeout(120_000)
    t.not(run(join(root, 'examples', name), join(root, 'examples')).output.trim(), '')
  })
}

test('README.md shows the walk', (t) => {
  t.true(snippetsOf('README.md').length > 0)
})

test('the TypeScript snippets type-check', (t) => {
  const files = pages.flatMap(snippetsOf).flatMap(({ title, language, code }) => {
    if (language !== 'ts') return []
    const file = join(folder, `${title.replaceAll(/\W/g, '-')}.check.mts`)
    writeFileSync(file, `${code}\nexport {}\n`)
    return [file]
  })
  const program = ts.createProgram(files, {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
  })
  const faults = ts
    .getPreEmitDiagnostics(program)
    .map(
      ({ messageText, file }) =>
        `${basename(file?.fileName ?? '')}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
    )
  t.deepEqual(faults, [])
})

/** What GitHub makes of a heading when a link names it. */
const slug = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')

const withoutFences = (text: string): string => text.replaceAll(/^```[^]*?^```$/gm, '')

test('every relative link of the pages leads somewhere', (t) => {
  const more = ['ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'examples/README.md'].filter((page) =>
    existsSync(join(root, page)),
  )
  for (const page of [...pages, ...more]) {
    const text = withoutFences(readFileSync(join(root, page), 'utf8'))
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? join(root, page) : join(root, dirname(page), path)
      t.true(existsSync(file), `${page} links to ${target}`)
      if (anchor === undefined || !file.endsWith('.md')) continue
      const headings = [...withoutFences(readFileSync(file, 'utf8')).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
        slug(heading),
      )
      t.true(headings.includes(decodeURIComponent(anchor)), `${page} links to ${target}`)
    }
  }
})
