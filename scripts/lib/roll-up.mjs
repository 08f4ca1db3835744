import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { rollup } from 'rollup'
import { dts } from 'rollup-plugin-dts'
import { Failure, root } from './run.mjs'

const heading = '// Generated from src/ by `npm run api`; do not edit. The public API of Tokenmill in one page.\n'
const declaration = /^(?:declare )?(type|interface|class|abstract class|function|const) (\w+)/

/** The text of the root index.d.cts: what src/index.ts exports, without what is marked `@internal`. */
export const rollUp = async (input = 'src/index.ts') => {
  const bundle = await rollup({
    input: join(root, input),
    plugins: [dts({ tsconfig: join(root, 'tsconfig.json'), compilerOptions: { stripInternal: true } })],
    external: /^node:/,
    onwarn: (warning) => {
      throw new Failure(`rolling up the types: ${warning.message}`)
    },
  })
  const { output } = await bundle.generate({ format: 'es' })
  const code = withInlineExports(output[0].code)
  // Without this line, a program that does not name the library itself does not know Symbol.dispose.
  const reference = code.includes('Symbol.dispose') ? '/// <reference lib="esnext.disposable" />\n' : ''
  return format(`${heading}${reference}\n${code}`, {
    ...(await resolveConfig(join(root, 'index.d.cts'))),
    parser: 'typescript',
  })
}

/*
 * Rollup closes the page with lists of the exported names; a reader wants `export` at each declaration. A type that the
 * page needs but that is in no list could not be named by users, so it is an error.
 */
const withInlineExports = (code) => {
  const exported = new Set()
  const body = code.replace(/^export (?:type )?\{([^}]*)\};?\n?/gm, (_, names) => {
    for (const name of names.split(',').map((name) => name.trim().replace(/^type /, ''))) {
      if (!/^\w*$/.test(name))
        throw new Failure(`src/index.ts renames an export (${name}); give the declaration its public name`)
      if (name) exported.add(name)
    }
    return ''
  })
  const lines = []
  let commentFrom = -1 // where the comment that stands before the next declaration starts
  for (const line of body.split('\n')) {
    const name = declaration.exec(line)?.[2]
    if (name && !exported.has(name))
      throw new Failure(
        `the public types use ${name}: export it from src/index.ts, write the type out, or mark its user @internal`,
      )
    if (line.startsWith('/**')) commentFrom = lines.length
    if (name) lines.splice(commentFrom < 0 ? lines.length : commentFrom, 0, '')
    if (name || (line && !/^( \*|\/\*\*)/.test(line))) commentFrom = -1
    lines.push(name ? `export ${line}` : line)
  }
  return withConstructors(lines.join('\n'))
}

/* A class whose constructor is internal would seem to have one without arguments. */
const withConstructors = (code) =>
  code.replace(/^export declare class [^]*?^\}/gm, (text) =>
    /^ +(?:private )?constructor\(/m.test(text) ? text : text.replace('{\n', '{\nprotected constructor()\n'),
  )
