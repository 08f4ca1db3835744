import { TokenmillError } from '../../errors.ts'
import { invalid, isArray } from '../../validate.ts'
import { jsonText } from './json-text.ts'
import { isObject } from './message.ts'
import { schemaType } from './schema-type.ts'

/** A tool that a model of the harmony format may call. */
export interface HarmonyTool {
  /** Its name, as in `get_weather`. */
  readonly name: string
  /** What it does, for the model to read. */
  readonly description: string
  /** A JSON schema of the arguments. */
  readonly parameters?: object | null | undefined
}

/** Tools that share a namespace: those of `functions` are called with the recipient `functions.NAME`. */
export interface HarmonyToolNamespace {
  /** The name of the namespace. */
  readonly name: string
  /** What the tools are for. */
  readonly description?: string | null | undefined
  /** The tools, in the order that they are told in. */
  readonly tools: readonly HarmonyTool[]
}

/** How deep openai-harmony reads the parameters of a tool: serde_json stops at 128 levels, ten of which are around them. */
const deepest = 118

/** The section `# Tools` of a message, or `undefined` when there are no namespaces. They are sorted by their keys, as UTF-8 is. */
export const toolsText = (name: string, namespaces: unknown): string | undefined => {
  if (!isObject(namespaces)) throw invalid(name, 'an object of namespaces', namespaces)
  const keys = Object.keys(namespaces).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  if (keys.length === 0) return undefined
  return ['# Tools', ...keys.map((key) => namespaceText(`${name}.${key}`, namespaces[key]))].join('\n\n')
}

/** Whether `namespaces`, which {@link toolsText} has checked, have functions. */
export const hasFunctions = (namespaces: unknown): boolean =>
  isObject(namespaces) &&
  Object.hasOwn(namespaces, 'functions') &&
  (namespaces['functions'] as HarmonyToolNamespace).tools.length > 0

const namespaceText = (place: string, namespace: unknown): string => {
  if (!isObject(namespace)) throw invalid(place, 'an object', namespace)
  checkKeys(place, namespace, ['name', 'description', 'tools'])
  const { name, description = null, tools } = namespace
  if (typeof name !== 'string') throw invalid(`${place}.name`, 'a string', name)
  if (description !== null && typeof description !== 'string') {
    throw invalid(`${place}.description`, 'a string', description)
  }
  if (!isArray(tools)) throw invalid(`${place}.tools`, 'an array', tools)
  const about = linesOf(description ?? '')
  const parts = [`## ${name}\n`]
  if (tools.length === 0) return [...parts, ...about].join('\n')
  parts.push(...about.map((line) => `// ${line}`), `namespace ${name} {\n`)
  for (const [index, tool] of tools.entries()) parts.push(toolText(`${place}.tools[${index}]`, tool))
  parts.push(`} // namespace ${name}`)
  return parts.join('\n')
}

const toolText = (place: string, tool: unknown): string => {
  if (!isObject(tool)) throw invalid(place, 'an object', tool)
  checkKeys(place, tool, ['name', 'description', 'parameters'])
  const { name, description, parameters = null } = tool
  if (typeof name !== 'string') throw invalid(`${place}.name`, 'a string', name)
  if (typeof description !== 'string') throw invalid(`${place}.description`, 'a string', description)
  if (parameters !== null && !isObject(parameters)) throw invalid(`${place}.parameters`, 'an object', parameters)
  const argument = parameters === null ? '' : `_: ${schemaType(plainJson(`${place}.parameters`, parameters))}`
  return [...linesOf(description).map((line) => `// ${line}`), `type ${name} = (${argument}) => any;\n`].join('\n')
}

/** `value` as JSON has it. */
const plainJson = (place: string, value: object): unknown => {
  const json: unknown = JSON.parse(jsonText(value, place))
  if (!isObject(json)) throw invalid(place, 'an object of JSON', value)
  let level: unknown[] = [json]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth === deepest) {
      throw new TokenmillError(
        'ERR_LIMIT',
        `expected values nested at most ${deepest} deep for ${place}, received a deeper one`,
      )
    }
    level = level.flatMap((each) =>
      Object.values(each as object).filter((inner) => typeof inner === 'object' && inner !== null),
    )
  }
  return json
}

/** The lines of `text` without their ends; an empty line at the end is none. */
const linesOf = (text: string): string[] => {
  const lines = text.split('\n')
  const last = lines.pop() as string
  const ended = lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
  return last === '' ? ended : [...ended, last]
}

/** Refuses keys that would be lost. */
export const checkKeys = (place: string, value: Record<string, unknown>, known: readonly string[]): void => {
  for (const [key, each] of Object.entries(value)) {
    if (!known.includes(key) && each !== undefined) {
      throw new TokenmillError('ERR_INVALID_ARGUMENT', `expected only ${known.join(', ')} in ${place}, received ${key}`)
    }
  }
}
