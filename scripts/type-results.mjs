/*
 * Runs after `npm run build:native`: says in src/native-binding.d.ts that the arrays which the addon returns are not shared, as napi's generator has one
 * type for those that come in and those that go out. See src/non-shared.ts.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, script } from './lib/run.mjs'

const arrays = /(?<!NonShared)\b(?:Uint8|Uint16|Uint32|Int32|Float32|Float64)Array\b/g
const result = /^(?:export declare function|  (?:static |get )?\w+(?=\()).*\): (?<type>.*)$/
// Not of functions, which take arrays.
const field = /^ {2}\w+\??: (?!.*=>)/

/** The types of a page of napi's, with results of their own. */
const withResults = (page) => {
  const lines = page.split('\n')
  const results = lines.flatMap((line) => line.match(result)?.groups.type ?? []).join(' ')
  const names = new Set()
  const owned = (text) => text.replaceAll(arrays, (name) => names.add(`NonShared${name}`) && `NonShared${name}`)
  let isReturned = false
  const typed = lines.map((line) => {
    const [, name] = line.match(/^export interface (\w+)/) ?? []
    if (name) isReturned = new RegExp(`\\b${name}\\b`).test(results)
    if (line === '}') isReturned = false
    const type = line.match(result)?.groups.type
    if (type) return line.slice(0, -type.length) + owned(type)
    return isReturned && field.test(line) ? owned(line) : line
  })
  const imports = `import type { ${[...names].sort().join(', ')} } from './non-shared.ts'`
  return typed.join('\n').replace('/* eslint-disable */\n', `/* eslint-disable */\n${imports}\n`)
}

await script(async () => {
  const page = join(root, 'src/native-binding.d.ts')
  writeFileSync(page, withResults(readFileSync(page, 'utf8')))
})
