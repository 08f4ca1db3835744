/** What decides where windows are. */
export interface WindowPlanOptions {
  /** Where each document starts, and at last where the tokens end. */
  readonly documentStarts: Float64Array
  /** The ids that a whole window reads. */
  readonly idsPerWindow: number
  /** The ids that a window of a single input reads. */
  readonly leastIds: number
  /** Ids from one window start to the next. */
  readonly stride: number
  /** Whether ids at the end of a document that fill no window are a shorter one. */
  readonly keepTails: boolean
}

/** Where a window starts and how many ids it reads. */
export interface PlannedWindow {
  readonly start: number
  readonly ids: number
}

/** Windows of documents by index: 8 bytes for each document, none for windows. */
export class WindowPlan {
  /** How many windows there are. */
  readonly windows: number
  /** Ids at ends that are in no window. */
  readonly droppedTokens: number
  /** Documents without a window. */
  readonly droppedDocuments: number
  /** The ids of the longest document. */
  readonly longest: number
  readonly #options: WindowPlanOptions
  /** The windows before each document, and at last all. */
  readonly #before: Float64Array

  constructor(options: WindowPlanOptions) {
    this.#options = options
    const { documentStarts } = options
    const documents = documentStarts.length - 1
    this.#before = new Float64Array(documents + 1)
    let [windows, droppedTokens, droppedDocuments, longest] = [0, 0, 0, 0]
    for (let document = 0; document < documents; document++) {
      const ids = (documentStarts[document + 1] as number) - (documentStarts[document] as number)
      const { whole, tail, rest } = this.#inDocument(ids)
      const all = whole + (tail > 0 ? 1 : 0)
      windows += all
      if (all === 0) droppedDocuments++
      droppedTokens += tail > 0 ? 0 : rest
      longest = Math.max(longest, ids)
      this.#before[document + 1] = windows
    }
    this.windows = windows
    this.droppedTokens = droppedTokens
    this.droppedDocuments = droppedDocuments
    this.longest = longest
  }

  /** Window `index`, 0 ≤ index < windows. */
  at(index: number): PlannedWindow {
    const { documentStarts, idsPerWindow, stride } = this.#options
    const document = this.#documentOf(index)
    const window = index - (this.#before[document] as number)
    const start = (documentStarts[document] as number) + window * stride
    return { start, ids: Math.min(idsPerWindow, (documentStarts[document + 1] as number) - start) }
  }

  /** Where window `index` starts. */
  startOf(index: number): number {
    return this.#before.length === 2
      ? (this.#options.documentStarts[0] as number) + index * this.#options.stride
      : this.at(index).start
  }

  /** The last document with at most `index` windows before it. */
  #documentOf(index: number): number {
    let [low, high] = [0, this.#before.length - 2]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((this.#before[middle] as number) <= index) low = middle
      else high = middle - 1
    }
    return low
  }

  /** Whole windows of a document, the ids of the shorter one after them, and the ids at its end that no whole window reads. */
  #inDocument(ids: number): { readonly whole: number; readonly tail: number; readonly rest: number } {
    const { idsPerWindow, leastIds, stride, keepTails } = this.#options
    const whole = ids < idsPerWindow ? 0 : Math.floor((ids - idsPerWindow) / stride) + 1
    const left = ids - whole * stride
    const unread = whole === 0 ? ids : ids - ((whole - 1) * stride + idsPerWindow)
    // What a long stride skips is not of the end.
    const rest = Math.max(0, Math.min(unread, left))
    return { whole, rest, tail: keepTails && rest > 0 && left >= leastIds ? left : 0 }
  }
}
