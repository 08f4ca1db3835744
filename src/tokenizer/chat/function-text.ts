import { TokenmillError } from '../../errors.ts'
import { invalid, isArray } from '../../validate.ts'
import { isObject } from './message.ts'

/** A function that the model may call. */
export interface ChatFunction {
  /** Its name, as in `get_weather`. */
  readonly name: string
  /** What it does, for the model to read. */
  readonly description?: string | undefined
  /** A JSON schema of the arguments. */
  readonly parameters?: object | null | undefined
}

/** A {@link ChatFunction}, bare or as the `tools` of the chat API wrap it. */
export type ChatTool = ChatFunction | { readonly type: 'function'; readonly function: ChatFunction }

/** How deep a schema may be nested. */
const deepest = 64

/** The functions of `tools`, which is what the option called `name` says. */
export const checkedFunctions = (name: string, tools: unknown): ChatFunction[] => {
  if (!isArray(tools)) throw invalid(name, 'an array', tools)
  return Array.from(tools as readonly unknown[], (tool, index) => {
    if (isObject(tool) && tool['type'] !== undefined && tool['type'] !== 'function')
      throw invalid(`${name}[${index}].type`, "'function'", tool['type'])
    const place = isObject(tool) && tool['type'] === 'function' ? `${name}[${index}].function` : `${name}[${index}]`
    const given = isObject(tool) && tool['type'] === 'function' ? tool['function'] : tool
    if (!isObject(given)) throw invalid(place, 'an object', given)
    if (typeof given['name'] !== 'string') throw invalid(`${place}.name`, 'a string', given['name'])
    if ((given['description'] ?? null) !== null && typeof given['description'] !== 'string') {
      throw invalid(`${place}.description`, 'a string', given['description'])
    }
    if ((given['parameters'] ?? null) !== null && !isObject(given['parameters'])) {
      throw invalid(`${place}.parameters`, 'an object', given['parameters'])
    }
    return given as unknown as ChatFunction
  })
}

/** Functions as the models of OpenAI are told of them: a namespace of TypeScript types. It was never published; this is what others found by trying. */
export const functionText = (functions: readonly ChatFunction[]): string => {
  const lines = ['namespace functions {', '']
  for (const { name, description, parameters } of functions) {
    if (description) lines.push(`// ${description}`)
    const properties = (parameters ?? null) === null ? {} : propertiesOf(parameters as Schema)
    if (Object.keys(properties).length === 0) lines.push(`type ${name} = () => any;`)
    else lines.push(`type ${name} = (_: {`, propertyLines(parameters as Schema, 0), '}) => any;')
    lines.push('')
  }
  lines.push('} // namespace functions')
  return lines.join('\n')
}

type Schema = Readonly<Record<string, unknown>>

const propertiesOf = ({ properties }: Schema): Readonly<Record<string, unknown>> =>
  isObject(properties) ? properties : {}

const propertyLines = (schema: Schema, indent: number): string => {
  if (indent > 2 * deepest) {
    throw new TokenmillError('ERR_LIMIT', `expected schemas nested at most ${deepest} deep, received a deeper one`)
  }
  const margin = ' '.repeat(indent)
  const required = new Set(isArray(schema['required']) ? (schema['required'] as unknown[]) : [])
  const lines: string[] = []
  for (const [name, value] of Object.entries(propertiesOf(schema))) {
    const property = isObject(value) ? value : {}
    // Only the outermost properties are described.
    if (property['description'] && indent < 2) lines.push(`${margin}// ${String(property['description'])}`)
    lines.push(`${margin}${name}${required.has(name) ? '' : '?'}: ${typeText(property, indent)},`)
  }
  return lines.join('\n')
}

const typeText = (schema: Schema, indent: number, depth = 0): string => {
  if (depth > deepest) {
    throw new TokenmillError('ERR_LIMIT', `expected schemas nested at most ${deepest} deep, received a deeper one`)
  }
  const choices = isArray(schema['enum']) ? (schema['enum'] as unknown[]) : undefined
  switch (schema['type']) {
    case 'string':
      return choices?.map((choice) => JSON.stringify(choice)).join(' | ') ?? 'string'
    case 'integer':
    case 'number':
      return choices?.map(String).join(' | ') ?? 'number'
    case 'boolean':
    case 'null':
      return schema['type']
    case 'array':
      return isObject(schema['items']) ? `${typeText(schema['items'], indent, depth + 1)}[]` : 'any[]'
    case 'object':
      return `{\n${propertyLines(schema, indent + 2)}\n${' '.repeat(indent)}}`
    default:
      return 'any'
  }
}
