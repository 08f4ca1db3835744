import { parseArgs } from 'node:util'
import { Failure } from '../../scripts/lib/run.mjs'

/** What `value` of the option `name` says: a whole number above 0. */
export const positive = (name, value) => {
  const number = Number(value)
  if (Number.isInteger(number) && number > 0) return number
  throw new Failure(`expected a whole number above 0 for --${name}, found ${value}`)
}

/** `list`, all of which must be `allowed`. */
export const listOf = (list, allowed, what) => {
  for (const name of list)
    if (!allowed.includes(name)) throw new Failure(`there is no ${what} ${name}: ${allowed.join(', ')}`)
  return list
}

/** What is going on, on the error stream: the record is on the other one. */
export const say = (what) => console.error(`▸ ${what}`)

/**
 * The options of a subject's command line, by name: `defaults` has those that there are. An option is of the kind of its default: a whole number above
 * 0, several of them, a switch, else a text. With `corpus` there may be any number of files, also without the name of the option.
 *
 * @returns {Record<string, any> | undefined} nothing when `help` was asked for, and is printed
 */
export const readArguments = (args, help, defaults) => {
  const kindOf = (name, value) => ({
    type: typeof value === 'boolean' ? 'boolean' : 'string',
    multiple: name === 'corpus',
  })
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: 'corpus' in defaults,
    options: {
      ...Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, kindOf(name, value)])),
      help: { type: 'boolean' },
    },
  })
  if (values.help) {
    console.log(help)
    return undefined
  }
  const read = ([name, standard]) => {
    const value = values[name]
    if (name === 'corpus') return [name, [...(value ?? []), ...positionals]]
    if (value === undefined) return [name, standard]
    if (typeof standard === 'number') return [name, positive(name, value)]
    if (Array.isArray(standard)) return [name, value.split(',').map((part) => positive(name, part))]
    return [name, value]
  }
  return Object.fromEntries(Object.entries(defaults).map(read))
}
