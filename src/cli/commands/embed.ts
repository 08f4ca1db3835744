import { InputEmbedding } from '../../embedding/input-embedding.ts'
import { Embedding } from '../../embedding/embedding.ts'
import { usageFailure } from '../failure.ts'
import { readInput } from '../input.ts'
import { encodeOptions, refuseGiven, type Special } from '../options.ts'
import { write, writeNumbers } from '../output.ts'
import { type TokenizerChoice, tokenizerOf } from '../tokenizer-of.ts'
import { checkWritable } from '../writable.ts'
import { trainEmbed, type TrainEmbedFlags, trainingFlags } from './train-embed.ts'

export interface EmbedFlags extends TokenizerChoice, TrainEmbedFlags {
  readonly train?: boolean
  readonly weights?: string
  readonly text?: string
  readonly output?: string
  readonly special: Special
  readonly utf8: 'replace' | 'strict'
  readonly json?: boolean
}

/** `tokenmill embed` */
export const embed = async (file: string | undefined, flags: EmbedFlags, given: ReadonlySet<string>): Promise<void> => {
  if (flags.text !== undefined && file !== undefined) throw usageFailure('pass --text or a file, not both')
  if (flags.train && flags.weights !== undefined)
    throw usageFailure('pass --train or --weights, not both: a training starts from weights of its own')
  if (flags.train) return trainEmbed(file, flags, given)
  if (flags.weights === undefined) throw usageFailure('pass --weights FILE, or --train to make one')
  refuseGiven(given, trainingFlags, 'is for --train')
  if (flags.output !== undefined && !flags.output.endsWith('.npy'))
    throw usageFailure('pass an --output that ends in .npy')
  if (flags.output !== undefined) await checkWritable(flags.output)
  const tokenizer = await tokenizerOf(flags)
  const text = flags.text ?? (await readInput(file)).bytes
  const ids = tokenizer.encode(text, encodeOptions(flags))
  const embedding = await InputEmbedding.load(flags.weights, { dtype: 'f32', tokenizer })
  const { dimensions } = embedding
  const output = embedding.forward(ids)
  const values = output.toFloat32()
  output.dispose()
  embedding.dispose()
  if (flags.output !== undefined) {
    if (ids.length === 0) throw usageFailure('pass a text that has tokens: a .npy file of no rows is not written')
    await Embedding.fromArray(values, { count: ids.length, dimensions }).save(flags.output)
  }
  const row = (index: number) => values.subarray(index * dimensions, (index + 1) * dimensions)
  if (flags.json) {
    // In pieces: the whole may be longer than a string can be.
    await write('{"ids":[')
    await writeNumbers(ids, ',')
    await write(`],"shape":[${ids.length},${dimensions}],"values":[`)
    for (const index of ids.keys())
      await write(`${index > 0 ? ',' : ''}${JSON.stringify([...row(index)]).slice(1, -1)}`)
    return write(']}\n')
  }
  if (flags.output !== undefined) return
  for (const [index, id] of ids.entries()) await write(`${id} ${row(index).join(' ')}\n`)
}
