import { invalid } from '../validate.ts'
import type { Text } from './tokenizer.ts'

/** Where the texts of a training come from. */
export type TrainSource =
  | readonly string[]
  | {
      /** The texts themselves; each is a text of its own. Strings, or bytes that are UTF-8. */
      readonly texts: Iterable<Text> | AsyncIterable<Text>
    }

/** How much text crosses to native code at a time, in code units or bytes. */
const batchLength = 1 << 20

type Checked = { readonly paths: string[] } | { readonly texts: Iterable<Text> | AsyncIterable<Text> }

/** `source` as paths or as texts. */
export const checkedSource = (source: unknown): Checked => {
  if (Array.isArray(source)) {
    const paths = Array.from(source as readonly unknown[], (path, index) => {
      if (typeof path === 'string' && path !== '' && !path.includes('\0')) return path
      throw invalid(`source[${index}]`, 'a path or glob', path)
    })
    if (paths.length === 0) throw invalid('source', 'at least one path or glob', source)
    return { paths }
  }
  if (typeof source !== 'object' || source === null || !('texts' in source)) {
    throw invalid('source', 'an array of paths and globs, or { texts }', source)
  }
  const { texts } = source
  const isIterable =
    typeof texts === 'object' && texts !== null && (Symbol.iterator in texts || Symbol.asyncIterator in texts)
  // A string is iterable too, character by character: nobody means that.
  if (!isIterable) throw invalid('source.texts', 'an iterable or async iterable of texts', texts)
  return { texts: texts as Iterable<Text> | AsyncIterable<Text> }
}

/** Texts in batches of about a megabyte. Ends the source when it is left early. */
export async function* batches(texts: Iterable<Text> | AsyncIterable<Text>): AsyncGenerator<Text[], void, undefined> {
  let batch: Text[] = []
  let [length, index] = [0, 0]
  const add = (text: Text): boolean => {
    if (typeof text !== 'string' && !(text instanceof Uint8Array)) {
      throw invalid(`text ${index} of source.texts`, 'a string or Uint8Array', text)
    }
    index++
    // A buffer may be written to again before this one crosses.
    batch.push(typeof text === 'string' ? text : text.slice())
    // An empty text takes room too.
    length += text.length + 16
    return length >= batchLength
  }
  const taken = (): Text[] => {
    const full = batch
    ;[batch, length] = [[], 0]
    return full
  }
  if (Symbol.asyncIterator in texts) {
    for await (const text of texts) if (add(text)) yield taken()
  } else {
    for (const text of texts) if (add(text)) yield taken()
  }
  if (batch.length > 0) yield batch
}
