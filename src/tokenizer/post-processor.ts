import { nextTurn } from '../event-loop.ts'
import { joinIds } from '../join-ids.ts'
import type { NativeOffsets, NativeTemplates } from '../native-binding.d.ts'
import type { NonSharedInt32Array, NonSharedUint32Array } from '../non-shared.ts'
import { wordIdsOf, type AllOffsets, type TokenOffsets } from './offsets.ts'
import { writeOrigins, type RowOrigins, type TextOrigins } from './row-origins.ts'
import { TokenBatch } from './tokenizer.ts'

/** In a template: the ids of the first and of the second text. All else is an id that is put there. */
const [first, second] = [0xffffffff, 0xfffffffe]

/** What a row has of a text. */
export interface RowTokens {
  readonly ids: Uint32Array
  readonly origins?: TextOrigins | undefined
}

/** Where rows are written. */
interface RowsToFill {
  readonly ids: Uint32Array
  readonly typeIds?: Uint32Array
  /** It has 1 everywhere: the ids of texts get 0. */
  readonly specialTokensMask?: Uint8Array
  /** It has those of no text everywhere. */
  readonly origins?: RowOrigins | undefined
}

/** What is put around the ids of one text or two, and the type ids. Each template is a list of what there is and its type id. */
export class PostProcessor {
  readonly #templates: NativeTemplates

  constructor(templates: NativeTemplates) {
    this.#templates = templates
  }

  /** One text is left as it is, and so are two, which have the type ids 0 and 1. */
  static readonly none = new PostProcessor({
    single: Uint32Array.of(first, 0),
    pair: Uint32Array.of(first, 0, second, 1),
    singlePlain: Uint32Array.of(first, 0),
    pairPlain: Uint32Array.of(first, 0, second, 1),
  })

  /** How many ids are put around one text, or around two. */
  added(isPair: boolean): number {
    return isPair ? this.#templates.pair.length / 2 - 2 : this.#templates.single.length / 2 - 1
  }

  /** The ids that are put before those of one text, and after. */
  ends(): [before: Uint32Array, after: Uint32Array] {
    const ids = this.#templates.single.filter((_, index) => index % 2 === 0)
    const place = ids.indexOf(first)
    return [ids.slice(0, place), ids.slice(place + 1)]
  }

  /** The ids of a text with what is put around them. */
  around(ids: NonSharedUint32Array): NonSharedUint32Array {
    const added = this.added(false)
    if (added === 0) return ids
    const whole = new Uint32Array(ids.length + added)
    this.write({ ids: whole }, 0, { ids }, undefined, true)
    return whole
  }

  /** {@link PostProcessor.around} of each row. */
  aroundRows(batch: TokenBatch): TokenBatch {
    const added = this.added(false)
    if (added === 0) return batch
    return new TokenBatch(
      joinIds(Array.from(batch, (row) => this.around(row))),
      batch.rowStarts.map((start, row) => start + row * added),
    )
  }

  /** How many ids each row has with what is put around it. */
  aroundCounts(counts: NonSharedUint32Array): NonSharedUint32Array {
    const added = this.added(false)
    return added === 0 ? counts : counts.map((count) => count + added)
  }

  /** {@link PostProcessor.around} of ids and where they are in a text: what is put around them is where the text starts or ends. */
  aroundSpans(spans: AllOffsets): AllOffsets {
    const { ids, offsets, ends, byteOffsets, byteEnds, wordIds } = spans
    return {
      ids: this.around(ids),
      offsets: this.#aroundStarts(offsets),
      ends: this.#aroundEnds(ends, offsets),
      byteOffsets: this.#aroundStarts(byteOffsets),
      byteEnds: this.#aroundEnds(byteEnds, byteOffsets),
      ...(wordIds && { wordIds: this.#aroundWords(wordIds, this.#place) }),
    }
  }

  /** The same without bytes and words, each array in a turn of the event loop: of a long text one takes milliseconds. */
  async aroundSpansLater(spans: TokenOffsets): Promise<TokenOffsets> {
    const ids = this.around(spans.ids)
    await nextTurn()
    const offsets = this.#aroundStarts(spans.offsets)
    await nextTurn()
    return { ids, offsets, ends: this.#aroundEnds(spans.ends, spans.offsets) }
  }

  /** How many ids are put before those of a text. */
  get #place(): number {
    return this.#templates.single.filter((_, index) => index % 2 === 0).indexOf(first)
  }

  #aroundStarts(starts: NonSharedUint32Array): NonSharedUint32Array {
    return this.#longer(starts.subarray(0, -1), starts.at(-1) as number, 1)
  }

  #aroundEnds(ends: NonSharedUint32Array, starts: NonSharedUint32Array): NonSharedUint32Array {
    return this.#longer(ends, starts.at(-1) as number, 0)
  }

  /** `places` with 0 before them, and `end` behind them, `more` times more than there are ids. */
  #longer(places: NonSharedUint32Array, end: number, more: number): NonSharedUint32Array {
    const place = this.#place
    const all = new Uint32Array(places.length + this.added(false) + more).fill(end, place + places.length)
    all.set(places, place)
    return all
  }

  #aroundWords(wordIds: Int32Array, place: number): NonSharedInt32Array {
    const whole = new Int32Array(wordIds.length + this.added(false)).fill(-1)
    whole.set(wordIds, place)
    return whole
  }

  /** Writes a row from `start` on. */
  write(
    rows: RowsToFill,
    start: number,
    firstText: RowTokens,
    secondText: RowTokens | undefined,
    addSpecialTokens: boolean,
  ): void {
    const { single, pair, singlePlain, pairPlain } = this.#templates
    const [one, two] = addSpecialTokens ? [single, pair] : [singlePlain, pairPlain]
    const template = secondText === undefined ? one : two
    for (let part = 0, at = start; part < template.length; part += 2) {
      const from = at
      const what = template[part] as number
      if (what === first || (what === second && secondText !== undefined)) {
        const text = what === first ? firstText : (secondText as RowTokens)
        rows.ids.set(text.ids, at)
        at += text.ids.length
        rows.specialTokensMask?.fill(0, from, at)
        if (rows.origins && text.origins) writeOrigins(rows.origins, from, text.origins, what === first ? 0 : 1)
      } else {
        rows.ids[at++] = what
      }
      rows.typeIds?.fill(template[part + 1] as number, from, at)
    }
  }
}

/** Ids and where they are from, of a text with what `postProcessor` puts around it; places in bytes of UTF-8 where `bytes` are asked for. */
export const tokenOffsets = (
  { words, ...spans }: NativeOffsets,
  bytes: boolean,
  postProcessor: PostProcessor | undefined,
): TokenOffsets => {
  const all = { ...spans, ...wordIdsOf(words) }
  const { byteOffsets, byteEnds, ...rest } = postProcessor === undefined ? all : postProcessor.aroundSpans(all)
  return bytes ? { ...rest, byteOffsets, byteEnds } : rest
}

/** {@link tokenOffsets} without bytes and words, off the event loop. */
export const tokenOffsetsLater = async (
  { ids, offsets, ends }: NativeOffsets,
  postProcessor: PostProcessor | undefined,
): Promise<TokenOffsets> => {
  const spans = { ids, offsets, ends }
  return postProcessor === undefined ? spans : postProcessor.aroundSpansLater(spans)
}
