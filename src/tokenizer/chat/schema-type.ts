import { serdeText } from './serde-text.ts'
import { isArray } from '../../validate.ts'

/*
 * JSON schemas as types of TypeScript, with descriptions, examples and defaults as comments: line by line what openai-harmony 0.0.8 writes, also where
 * it leaves a part of a schema out or indents unevenly, for models have learned these very lines.
 */

type Schema = unknown

/** The type that values of `schema`, which is JSON, have. `indent` begins each of its lines but the first. */
export const schemaType = (schema: Schema, indent = ''): string => {
  const variants = field(schema, 'oneOf')
  if (isArray(variants)) return variants.map((each) => `\n${indent} | ${lineOfVariant(each, indent)}`).join('')
  const type = field(schema, 'type')
  if (isArray(type)) {
    const names = type.filter((each) => typeof each === 'string')
    return names.length === 0 ? 'any' : names.map((name) => (name === 'integer' ? 'number' : name)).join(' | ')
  }
  switch (type) {
    case 'object':
      return objectType(schema, indent)
    case 'string':
      return choices(schema) || 'string'
    case 'number':
    case 'integer':
      return 'number'
    case 'boolean':
      return 'boolean'
    case 'array': {
      const items = field(schema, 'items')
      return items === undefined ? 'Array<any>' : `${schemaType(items, indent)}[]`
    }
    default:
      return 'any'
  }
}

const field = (schema: Schema, name: string): unknown =>
  typeof schema === 'object' && schema !== null && !isArray(schema) && Object.hasOwn(schema, name)
    ? (schema as Record<string, unknown>)[name]
    : undefined

const textField = (schema: Schema, name: string): string | undefined => {
  const value = field(schema, name)
  return typeof value === 'string' ? value : undefined
}

const listField = (schema: Schema, name: string): readonly unknown[] => {
  const value = field(schema, name)
  return isArray(value) ? value : []
}

const choices = (schema: Schema): string =>
  listField(schema, 'enum')
    .filter((choice) => typeof choice === 'string')
    .map((choice) => `"${choice}"`)
    .join(' | ')

const objectType = (schema: Schema, indent: string): string => {
  const description = textField(schema, 'description')
  const properties = field(schema, 'properties')
  const known = typeof properties === 'object' && properties !== null && !isArray(properties) ? properties : {}
  const required = new Set(listField(schema, 'required'))
  const lines = Object.entries(known).map(([name, value]) =>
    property(required.has(name) ? name : `${name}?`, value, indent),
  )
  return `${description === undefined ? '' : `${indent}// ${description}\n`}{\n${lines.join('')}${indent}}`
}

/** The lines of a property, whose `name` ends in a question mark when it may be missing. */
const property = (name: string, schema: Schema, indent: string): string => {
  const variants = field(schema, 'oneOf')
  const lines: string[] = []
  const comment = (text: string) => lines.push(`${indent}// ${text}`)
  const title = textField(schema, 'title')
  if (title !== undefined) lines.push(`${indent}// ${title}`, `${indent}//`)
  const description = textField(schema, 'description')
  if (variants === undefined && description !== undefined) comment(description)
  const examples = listField(schema, 'examples')
  if (examples.length > 0) comment('Examples:')
  for (const example of examples) if (typeof example === 'string') comment(`- "${example}"`)
  if (isArray(variants)) {
    // The first variant may say the same as the property: it is said once.
    const above = description !== undefined && textField(variants[0], 'description') !== description
    if (above) comment(description)
    const preset = defaultOf(schema)
    if (preset !== undefined) comment(preset)
    lines.push(`${indent}${name}:`)
    for (const [index, variant] of variants.entries()) {
      const own = textField(variant, 'description')
      const said = (index === 0 && above) || own === description ? undefined : own
      lines.push(`${indent} | ${variantType(variant, indent)}${trailing(said, defaultOf(variant))}`)
    }
    lines.push(`${indent},`)
  } else {
    const preset = variants === undefined ? defaultOf(schema) : undefined
    lines.push(`${indent}${name}: ${orNull(schemaType(schema, `${indent}    `), schema)},${trailing(preset)}`)
  }
  return lines.map((line) => `${line}\n`).join('')
}

const lineOfVariant = (schema: Schema, indent: string): string =>
  variantType(schema, indent) + trailing(textField(schema, 'description'), defaultOf(schema, serdeText))

const variantType = (schema: Schema, indent: string): string => orNull(schemaType(schema, `${indent}   `), schema)

const orNull = (type: string, schema: Schema): string =>
  field(schema, 'nullable') === true && !type.includes('null') ? `${type} | null` : type

const trailing = (...comments: readonly (string | undefined)[]): string => {
  const said = comments.filter((comment) => comment !== undefined)
  return said.length === 0 ? '' : ` // ${said.join(' ')}`
}

/** What a default is said to be: text in quotes; the text of an enum as `ofEnum` gives it, which is bare but for variants of variants. */
const defaultOf = (schema: Schema, ofEnum: (text: string) => string = (text) => text): string | undefined => {
  const value = field(schema, 'default')
  if (value === undefined) return undefined
  if (typeof value !== 'string') return `default: ${serdeText(value)}`
  return `default: ${listField(schema, 'enum').length > 0 ? ofEnum(value) : `"${value}"`}`
}
