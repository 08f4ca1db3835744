import { currentPlatform } from '../../platform.ts'
import { version } from '../../version.ts'
import { readInput, samplePath } from '../input.ts'
import { chosenTokenizer, encodeOptions, type EncodingChoice, type Special } from '../options.ts'
import { write, writeJson } from '../output.ts'
import { styleOf } from '../terminal/style.ts'
import { walkView } from '../walk/view.ts'
import { walk } from '../walk/walk.ts'

export interface RunFlags extends EncodingChoice {
  readonly tokenizer: 'bpe' | 'word'
  readonly contextLength: number
  readonly stride?: number
  readonly batchSize: number
  readonly dimensions: number
  readonly seed: number
  readonly special: Special
  readonly utf8: 'replace' | 'strict'
  readonly json?: boolean
  readonly color?: boolean
}

/* The whole text is one string here, for its words. */
const maxRunBytes = 256 * 2 ** 20

/** `tokenmill run` */
export const run = async (file: string | undefined, flags: RunFlags): Promise<void> => {
  const { name, bytes } = await readInput(file ?? samplePath, maxRunBytes)
  const { tokenizer, contextLength, stride = contextLength, batchSize, dimensions, seed } = flags
  const options = { kind: tokenizer, contextLength, stride, batchSize, dimensions, seed, encode: encodeOptions(flags) }
  const source = file === undefined ? 'the story of the mill' : name
  const facts = await walk(source, bytes, () => chosenTokenizer(flags), options)
  if (flags.json) return writeJson({ version, ...facts })
  const about = `${version} · ${currentPlatform().id} · Node ${process.versions.node}`
  await write(walkView(styleOf(flags.color), facts, about))
}
