import { cancellable } from '../cancel.ts'
import { callNative, fromNative, type TokenmillError } from '../errors.ts'
import { native } from '../native.ts'
import type { BpeHandle, TokenRows } from '../native-binding.d.ts'
import { boolean, oneOf, options as checkedOptions } from '../validate.ts'
import { checkedSegments, checkedTexts, encodeOptionNames, idArray, splitSignal } from './arguments.ts'
import { checkedText, checkedUtf8 } from './read-text.ts'
import { resolvePolicy, specialTokenError } from './special-tokens.ts'
import {
  TokenBatch,
  type DecodeOptions,
  type EncodeAsyncOptions,
  type EncodeOptions,
  type Segment,
  type Text,
  type Tokenizer,
} from './tokenizer.ts'

/** The policies that every handle has, by number: see `BpeHandle`. */
const plain = 0
const refuseAll = 1
const allowAll = 2
/** Policies of calls with other options are kept up to this number. */
const maxPolicies = 64

/** Where native code writes the ids of short texts. Making a typed array there costs more than slicing one here. */
const scratch = new Uint32Array(4096)

/** A byte-level BPE tokenizer: the facade of the native one. */
export class BpeTokenizer implements Tokenizer {
  readonly name: string
  readonly vocabSize: number
  readonly specialTokens: ReadonlyMap<string, number>
  readonly endOfTextId: number | undefined
  readonly #native: BpeHandle
  /** The number of the native encoder, which lives as long as the handle. */
  readonly #encoder: number
  readonly #policies = new Map<string, number>()
  #fingerprint: string | undefined

  /** @internal */
  constructor(name: string, handle: BpeHandle) {
    this.name = name
    this.#native = handle
    this.#encoder = handle.encoder
    this.vocabSize = handle.vocabSize
    const special = handle.specialTokens().map(({ token, id }) => [token, id] as const)
    this.specialTokens = new Map(special)
    this.endOfTextId = this.specialTokens.get('<|endoftext|>')
    const names = [...this.specialTokens.keys()]
    handle.addPolicy([], [])
    handle.addPolicy([], names)
    handle.addPolicy(names, [])
  }

  get fingerprint(): string {
    return (this.#fingerprint ??= this.#native.fingerprint())
  }

  encode(text: Text, options?: EncodeOptions): Uint32Array {
    if (options === undefined) return this.#encode(text, refuseAll, false)
    const { policy, strict } = this.#call(checkedOptions('options', options, encodeOptionNames), 'all')
    return this.#encode(text, policy, strict)
  }

  encodeOrdinary(text: Text): Uint32Array {
    return this.#encode(text, plain, false)
  }

  encodeSegments(segments: readonly Segment[]): Uint32Array {
    const rows = checkedSegments(segments).map(({ text, trusted }) =>
      this.#encode(text, trusted ? allowAll : plain, false),
    )
    const ids = new Uint32Array(rows.reduce((length, row) => length + row.length, 0))
    let end = 0
    for (const row of rows) {
      ids.set(row, end)
      end += row.length
    }
    return ids
  }

  encodeBatch(texts: readonly Text[], options?: EncodeOptions): TokenBatch {
    const checked = checkedTexts(texts).map(unsharedText)
    const { policy, strict } = this.#encodeCall(options)
    try {
      return batchOf(this.#native.encodeBatch(checked, strict, policy))
    } catch (error) {
      throw explained(error)
    }
  }

  async encodeAsync(text: Text, options?: EncodeAsyncOptions): Promise<Uint32Array> {
    const { signal, rest } = splitSignal(options)
    signal?.throwIfAborted()
    const { policy, strict } = this.#encodeCall(rest)
    const checked = checkedText('text', text)
    return cancellable(signal, (flag) =>
      explaining(() =>
        typeof checked === 'string'
          ? this.#native.encodeAsync(checked, policy, flag)
          : this.#native.encodeBytesAsync(unshared(checked), strict, policy, flag),
      ),
    )
  }

  async encodeBatchAsync(texts: readonly Text[], options?: EncodeAsyncOptions): Promise<TokenBatch> {
    const { signal, rest } = splitSignal(options)
    signal?.throwIfAborted()
    const checked = checkedTexts(texts).map(unsharedText)
    const { policy, strict } = this.#encodeCall(rest)
    return batchOf(
      await cancellable(signal, (flag) =>
        explaining(() => this.#native.encodeBatchAsync(checked, strict, policy, flag)),
      ),
    )
  }

  count(text: Text, options?: EncodeOptions): number {
    let [policy, strict] = [plain, false]
    if (options !== undefined) {
      ;({ policy, strict } = this.#call(checkedOptions('options', options, encodeOptionNames), []))
    }
    try {
      return typeof text === 'string'
        ? native().count(this.#encoder, text, policy)
        : native().countBytes(this.#encoder, unshared(checkedText('text', text) as Uint8Array), strict, policy)
    } catch (error) {
      throw explained(error)
    }
  }

  decode(ids: Uint32Array | Iterable<number>, options?: DecodeOptions): string {
    const { errors = 'replace', skipSpecialTokens = false } = checkedOptions('options', options, [
      'errors',
      'skipSpecialTokens',
    ])
    const strict = oneOf('options.errors', errors, ['replace', 'strict']) === 'strict'
    boolean('options.skipSpecialTokens', skipSpecialTokens)
    const array = idArray(ids)
    return callNative(() => this.#native.decode(array, strict, skipSpecialTokens))
  }

  decodeBytes(ids: Uint32Array | Iterable<number>): Uint8Array {
    const array = idArray(ids)
    return callNative(() => this.#native.decodeBytes(array))
  }

  tokenToId(token: Text): number | undefined {
    const checked = checkedText('token', token)
    const bytes = typeof checked === 'string' ? new TextEncoder().encode(checked) : unshared(checked)
    return this.#native.tokenToId(bytes) ?? undefined
  }

  idToToken(id: number): string | undefined {
    const bytes = this.idToBytes(id)
    return bytes && new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  }

  idToBytes(id: number): Uint8Array | undefined {
    return typeof id === 'number' && id >>> 0 === id ? (this.#native.idToBytes(id) ?? undefined) : undefined
  }

  #encode(text: Text, policy: number, strict: boolean): Uint32Array {
    let count: number
    try {
      count =
        typeof text === 'string'
          ? native().encode(this.#encoder, text, policy, scratch)
          : native().encodeBytes(
              this.#encoder,
              unshared(checkedText('text', text) as Uint8Array),
              strict,
              policy,
              scratch,
            )
    } catch (error) {
      throw explained(error)
    }
    if (count <= scratch.length) return scratch.slice(0, count)
    return callNative(() => {
      const ids = new Uint32Array(count)
      native().takeIds(this.#encoder, ids)
      return ids
    })
  }

  #encodeCall(options: EncodeOptions | undefined) {
    return this.#call(checkedOptions('options', options, encodeOptionNames), 'all')
  }

  #call(options: EncodeOptions, defaultDisallowed: 'all' | readonly string[]) {
    const strict = checkedUtf8(options.utf8) === 'strict'
    return { policy: this.#policy(options, defaultDisallowed), strict }
  }

  /** The number of the policy of `options`. Those of earlier calls are kept, so that their automata are built once. */
  #policy(options: EncodeOptions, defaultDisallowed: 'all' | readonly string[]): number {
    const { allowed, disallowed } = resolvePolicy(options, this.specialTokens, defaultDisallowed)
    const [allowedNames, disallowedNames] = [[...allowed], [...disallowed]]
    const key = JSON.stringify([allowedNames, disallowedNames])
    let policy = this.#policies.get(key)
    if (policy === undefined) {
      if (this.#policies.size === maxPolicies) {
        this.#policies.clear()
        this.#native.dropPolicies(allowAll + 1)
      }
      policy = callNative(() => this.#native.addPolicy(allowedNames, disallowedNames))
      this.#policies.set(key, policy)
    }
    return policy
  }
}

const batchOf = ({ ids, rowStarts }: TokenRows): TokenBatch => new TokenBatch(ids, rowStarts)

/** Bytes that no other thread changes while native code reads them. */
const unshared = (bytes: Uint8Array): Uint8Array =>
  bytes.buffer instanceof SharedArrayBuffer ? new Uint8Array(bytes) : bytes

const unsharedText = (text: Text): Text => (typeof text === 'string' ? text : unshared(text))

/** A native error; that of a special token, which says only where and which, as the sentence that tells what to do. */
const explained = (error: unknown): TokenmillError => {
  const native = fromNative(error)
  const [, row, index, token] =
    (native.code === 'ERR_SPECIAL_TOKEN' && /^(?:(\d+)\/)?(\d+) (.*)$/s.exec(native.message)) || []
  if (index === undefined || token === undefined) return native
  return specialTokenError(token, Number(index), row === undefined ? 'the text' : `texts[${row}]`)
}

const explaining = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    throw explained(error)
  }
}
