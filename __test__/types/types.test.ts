import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import ts from 'typescript'

/*
 * The files `*.types.ts` are programs of users, compiled against the published types with the strictest options
 * and without the types of Node. `@ts-expect-error` marks what must not compile: it is itself an error where all is well.
 */

const options: ts.CompilerOptions = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noUnusedLocals: false,
  skipLibCheck: false,
  noEmit: true,
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: [],
}

const folder = fileURLToPath(new URL('.', import.meta.url))
const programs = readdirSync(folder).filter((name) => name.endsWith('.types.ts'))

for (const name of programs) {
  test(`${name} compiles where it should, and not where it should not`, (t) => {
    const program = ts.createProgram([folder + name], options)
    const faults = ts.getPreEmitDiagnostics(program).map(({ messageText, file, start }) => {
      const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line + 1 : 0
      return `${file?.fileName.slice(folder.length) ?? ''}:${line} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
    })
    t.deepEqual(faults, [])
  })
}

test('a type fault in such a program is seen', (t) => {
  const name = `${folder}fault.types.ts`
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists, readFile } = host
  const text = "import { TokenmillError } from 'tokenmill'\nnew TokenmillError('ERR_NO_SUCH_CODE', 'x')\n"
  host.fileExists = (file) => file === name || fileExists(file)
  host.readFile = (file) => (file === name ? text : readFile(file))
  host.getSourceFile = (file, ...rest) =>
    file === name ? ts.createSourceFile(file, text, ts.ScriptTarget.ES2022) : getSourceFile(file, ...rest)
  const faults = ts.getPreEmitDiagnostics(ts.createProgram([name], options, host))
  t.deepEqual(
    faults.map(({ code }) => code),
    [2345],
  )
})
