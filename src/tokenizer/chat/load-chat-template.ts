import { readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TokenmillError } from '../../errors.ts'
import { filePath } from '../../file-path.ts'
import { invalid, isArray, isInstance, received } from '../../validate.ts'
import { readFile } from '../read-file.ts'
import { ChatTemplate, type NamedTokens } from './chat-template.ts'
import { isObject } from './message.ts'

/** The largest file that is read. */
const largest = 64 * 2 ** 20

/**
 * The chat template of a model: of a folder that has its files, of its `tokenizer_config.json`, or of a `chat_template.jinja`; or of what a
 * `tokenizer_config.json` says, parsed. A `chat_template.jinja` beside the file counts before what stands in it, as in transformers; templates in
 * `additional_chat_templates/` are named after their files. `bos_token` and its like, and those that `extra_special_tokens` names, come from the
 * `tokenizer_config.json`.
 *
 * @param source the path or `file:` URL of a file or folder, or a parsed `tokenizer_config.json`
 * @throws `ERR_INVALID_FILE` when there is no template, or a file cannot be read or is not what it should be.
 */
export const loadChatTemplate = async (source: string | URL | object): Promise<ChatTemplate> => {
  if (isObject(source) && !(source instanceof URL)) return fromConfig('the object', source, {})
  if (typeof source !== 'string' && !isInstance(source, URL))
    throw invalid('source', 'a path, a URL or an object', source)
  const path = filePath('path', source)
  const folder = (await isFolder(path)) ? path : dirname(path)
  const beside = await templatesBeside(folder)
  if (path === folder) {
    return fromConfig(path, await readJson(join(path, 'tokenizer_config.json'), true), beside)
  }
  if (path.endsWith('.json')) return fromConfig(path, await readJson(path, false), beside)
  const config = await readJson(join(folder, 'tokenizer_config.json'), true)
  return make(path, { default: await readText(path) }, tokensOf(path, config))
}

const fromConfig = (
  name: string,
  config: Record<string, unknown>,
  beside: Readonly<Record<string, string>>,
): ChatTemplate => {
  const templates = { ...templatesOf(name, config['chat_template']), ...beside }
  if (Object.keys(templates).length === 0) {
    throw invalidFile(
      name,
      'expected a chat_template, in a tokenizer_config.json or as a chat_template.jinja, found none',
    )
  }
  return make(name, templates, tokensOf(name, config))
}

const make = (name: string, templates: Record<string, string>, tokens: NamedTokens): ChatTemplate => {
  try {
    return new ChatTemplate(templates, { tokens })
  } catch (error) {
    if (!(error instanceof TokenmillError)) throw error
    throw new TokenmillError(error.code, `${name}: ${error.message}`, { cause: error })
  }
}

/** `chat_template`: a string, or a list of `{ name, template }`. */
const templatesOf = (name: string, given: unknown): Record<string, string> => {
  if (given === undefined || given === null) return {}
  if (typeof given === 'string') return { default: given }
  const wrong = () =>
    invalidFile(
      name,
      `expected a string or a list of { name, template } for chat_template, received ${received(given)}`,
    )
  if (!isArray(given)) throw wrong()
  return Object.fromEntries(
    Array.from(given as readonly unknown[], (each) => {
      if (!isObject(each) || typeof each['name'] !== 'string' || typeof each['template'] !== 'string') throw wrong()
      return [each['name'], each['template']]
    }),
  )
}

/** The special tokens of a `tokenizer_config.json`: strings, or objects with a `content`. */
const tokensOf = (name: string, config: Record<string, unknown>): NamedTokens => {
  const tokens: Record<string, string | string[]> = {}
  const text = (key: string, value: unknown): string => {
    const content = isObject(value) ? value['content'] : value
    if (typeof content !== 'string')
      throw invalidFile(name, `expected a string for ${key}, received ${received(content)}`)
    return content
  }
  for (const key of ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'].map((each) => `${each}_token`)) {
    const value = config[key]
    if (value !== undefined && value !== null) tokens[key] = text(key, value)
  }
  const more = config['additional_special_tokens']
  if (isArray(more)) tokens['additional_special_tokens'] = more.map((value) => text('additional_special_tokens', value))
  const named = config['extra_special_tokens']
  if (isObject(named)) {
    for (const [key, value] of Object.entries(named)) tokens[key] ??= text(key, value)
  }
  return tokens
}

const templatesBeside = async (folder: string): Promise<Record<string, string>> => {
  const templates: Record<string, string> = {}
  const main = await readIfThere(join(folder, 'chat_template.jinja'))
  if (main !== undefined) templates['default'] = main
  let names: string[] = []
  try {
    names = await readdir(join(folder, 'additional_chat_templates'))
  } catch {
    // There are none.
  }
  for (const name of names.filter((each) => each.endsWith('.jinja')).sort()) {
    templates[name.slice(0, -'.jinja'.length)] = await readText(join(folder, 'additional_chat_templates', name))
  }
  return templates
}

const isFolder = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    throw invalidFile(path, `cannot be read: ${(error as Error).message}`, error)
  }
}

const readIfThere = async (path: string): Promise<string | undefined> => {
  try {
    await stat(path)
  } catch {
    return undefined
  }
  return readText(path)
}

const readText = async (path: string): Promise<string> => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path, largest))
  } catch (error) {
    if (error instanceof TokenmillError) throw error
    throw invalidFile(path, `cannot be read: ${(error as Error).message}`, error)
  }
}

/** The object in a file of JSON; `{}` when it is optional and not there. */
const readJson = async (path: string, optional: boolean): Promise<Record<string, unknown>> => {
  const text = optional ? await readIfThere(path) : await readText(path)
  if (text === undefined) return {}
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw invalidFile(path, `expected JSON: ${(error as Error).message}`, error)
  }
  if (!isObject(value)) throw invalidFile(path, `expected a JSON object, received ${received(value)}`)
  return value
}

const invalidFile = (name: string, message: string, cause?: unknown): TokenmillError =>
  new TokenmillError('ERR_INVALID_FILE', `${name}: ${message}`, cause === undefined ? undefined : { cause })
