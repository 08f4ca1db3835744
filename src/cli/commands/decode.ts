import type { Tokenizer } from '../../tokenizer/tokenizer.ts'
import { CliFailure, usageFailure } from '../failure.ts'
import { readInput } from '../input.ts'
import { write, writeJson } from '../output.ts'
import { type TokenizerChoice, tokenizerOf } from '../tokenizer-of.ts'

export interface DecodeFlags extends TokenizerChoice {
  readonly ids?: string
  readonly skipSpecial?: boolean
  readonly utf8: 'replace' | 'strict'
  readonly json?: boolean
}

/** `tokenmill decode` */
export const decode = async (file: string | undefined, flags: DecodeFlags): Promise<void> => {
  if (flags.ids !== undefined && file !== undefined) throw usageFailure('pass --ids or a file, not both')
  const tokenizer = await tokenizerOf(flags)
  const ids = parseIds(flags.ids === undefined ? (await readInput(file)).bytes : Buffer.from(flags.ids))
  const kept = flags.skipSpecial ? withoutSpecial(tokenizer, ids) : ids

  if (flags.json) {
    await writeJson({
      encoding: tokenizer.name,
      count: ids.length,
      text: tokenizer.decode(kept, { errors: flags.utf8 }),
    })
  } else {
    if (flags.utf8 === 'strict') tokenizer.decode(kept, { errors: 'strict' })
    await write(tokenizer.decodeBytes(kept))
  }
}

/** The ids in `source`: between white space or commas, or in JSON. */
export const parseIds = (source: Buffer): Uint32Array => {
  const first = source.toString('latin1', 0, 64).trimStart()[0]
  return first === '[' || first === '{' ? idsInJson(source) : idsInText(source)
}

/* Byte by byte: a split string of a hundred million ids would not fit in memory. */
const idsInText = (source: Buffer): Uint32Array => {
  const ids = new Uint32Array(Math.ceil(source.length / 2))
  let count = 0
  for (let at = 0; at < source.length;) {
    if (isSeparator(source[at] as number)) {
      at++
      continue
    }
    const start = at
    let id = 0
    for (; at < source.length && !isSeparator(source[at] as number); at++) {
      const digit = (source[at] as number) - 48
      id = digit >= 0 && digit <= 9 ? id * 10 + digit : NaN
    }
    if (!(id <= maxId))
      throw notIds(`entry ${count} is ${JSON.stringify(source.toString('utf8', start, Math.min(at, start + 40)))}`)
    ids[count++] = id
  }
  return ids.subarray(0, count)
}

/* White space or a comma. */
const isSeparator = (byte: number): boolean => byte === 32 || byte === 44 || (byte >= 9 && byte <= 13)

const maxId = 0xffff_ffff

const idsInJson = (source: Buffer): Uint32Array => {
  const list = listInJson(source.toString())
  const wrong = list.findIndex((id) => !(Number.isInteger(id) && (id as number) >= 0 && (id as number) <= maxId))
  if (wrong >= 0) throw notIds(`entry ${wrong} is ${JSON.stringify(list[wrong]).slice(0, 40)}`)
  return Uint32Array.from(list as readonly number[])
}

const listInJson = (source: string): readonly unknown[] => {
  let value: unknown
  try {
    value = JSON.parse(source)
  } catch (cause) {
    throw notIds(`it is not JSON (${(cause as Error).message})`)
  }
  const list = Array.isArray(value) ? value : (value as { ids?: unknown } | null)?.ids
  if (!Array.isArray(list)) throw notIds('the JSON holds no array "ids"')
  return list
}

const notIds = (why: string): CliFailure =>
  new CliFailure('ERR_INPUT', `expected token ids, integers from 0 to ${maxId}; ${why}`)

const withoutSpecial = (tokenizer: Tokenizer, ids: Uint32Array): Uint32Array => {
  const special = new Set(tokenizer.specialTokens.values())
  return ids.filter((id) => !special.has(id))
}
