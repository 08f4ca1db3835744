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
import { snippetsOf, unkept } from './docs/snippets.ts'

/*
 * What the pages show is run: every snippet by itself, in an empty folder in which `tokenmill` is installed, and every
 * program of examples/. What a snippet says that it prints, it prints.
 */

const root = fileURLToPath(new URL('..', import.meta.url))
const markdownIn = (folder: string): string[] =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder))
        .filter((name) => name.endsWith('.md'))
        .map((name) => join(folder, name))
    : []
const pages = ['README.md', ...readdirSync(root).filter((name) => /^README\..+\.md$/.test(name)), ...markdownIn('docs')]

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

const run = (file: string, cwd: string): string => {
  const tsx = new URL('../node_modules/tsx/dist/loader.mjs', import.meta.url).href
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [`--import=${tsx}`, file], {
    cwd,
    encoding: 'utf8',
    timeout: 90_000,
    env: { ...process.env, NO_COLOR: '1' },
  })
  if (error) throw error
  if (status !== 0) throw new Error(`exit code ${status}\n${stdout}\n${stderr}`)
  return stdout
}

for (const { title, language, code } of pages.flatMap((page) => snippetsOf(root, page))) {
  test(`${title} runs and prints what it says`, (t) => {
    t.timeout(120_000)
    const file = join(folder, `${title.replaceAll(/\W/g, '-')}.${language === 'ts' ? 'mts' : 'mjs'}`)
    writeFileSync(file, code)
    const output = run(file, folder)
    t.deepEqual(unkept(code, output), [])
  })
}

const examples = existsSync(join(root, 'examples'))
  ? readdirSync(join(root, 'examples')).filter((name) => /\.(?:ts|mts|js|mjs|cjs)$/.test(name))
  : []

for (const name of examples) {
  test(`examples/${basename(name)} runs`, (t) => {
    t.timeout(120_000)
    t.not(run(join(root, 'examples', name), join(root, 'examples')).trim(), '')
  })
}

test('what a page says of an output is compared with it', (t) => {
  const unchecked = pages
    .flatMap((page) => snippetsOf(root, page))
    .flatMap(({ title, code }) =>
      code
        .split('\n')
        .filter((line) => /\bconsole\.log\(.*\)\s*\/\/ (?!→ )/.test(line))
        .map((line) => `${title} ${line.trim()}`),
    )
  t.deepEqual(unchecked, [])
})

test('README.md shows the walk', (t) => {
  t.true(snippetsOf(root, 'README.md').length > 0)
})

test('docs/README.md names every page', (t) => {
  const index = readFileSync(join(root, 'docs/README.md'), 'utf8')
  for (const page of markdownIn('docs').map((page) => basename(page)))
    if (page !== 'README.md') t.true(index.includes(`](${page})`), page)
})

test('each page ends with the pages before and after it in docs/README.md', (t) => {
  const index = readFileSync(join(root, 'docs/README.md'), 'utf8')
  const order = [...index.matchAll(/^\d+\. (\[[^\]]+\]\(([^)]+)\))/gm)].map(([, link = '', page = '']) => ({
    link,
    page,
  }))
  t.true(order.length > 10)
  for (const [place, { page }] of order.entries()) {
    const [before, after] = [order[place - 1], order[place + 1]]
    const links = [before && `Previous: ${before.link}`, after && `Next: ${after.link}`, '[All pages](README.md)']
    const last = readFileSync(join(root, 'docs', page), 'utf8')
      .trimEnd()
      .split('\n')
      .at(-1)
    t.is(last, links.filter(Boolean).join(' · '), page)
  }
})

test('the TypeScript snippets type-check', (t) => {
  const files = pages
    .flatMap((page) => snippetsOf(root, page))
    .flatMap(({ title, language, code }) => {
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

test('a promise that a snippet does not keep is seen', (t) => {
  const code = 'console.log(ids) // → [1, …]\nconsole.log(name) // prose about it\nconsole.log(ok) // → true'
  t.deepEqual(unkept(code, '[1, 7]\nx\ntrue\n'), [])
  t.deepEqual(unkept(code, '[2, 7]\nx\nfalse\n'), ['[1, …]', 'true'])
  t.deepEqual(unkept(code, 'true\n[1, 7]\n'), ['true'])
})
