/** What a peer is asked to do. Text that looks like a special token is plain text to all of them. */
export interface Peer {
  encode(text: string): ArrayLike<number> | Promise<ArrayLike<number>>
  /** Left out where the peer has none: `encode(text).length` is then measured. */
  count?(text: string): number
  /** Left out where there is none. `ids` is a `Uint32Array`, or an array where `takesList`. */
  decode?(ids: ArrayLike<number>): string | Promise<string>
  readonly takesList?: boolean
  /** Several texts on so many threads; left out where it has none. */
  batch?(texts: readonly string[], threads: number): { readonly ids: Uint32Array }
}

/** Loads a peer for `what` is measured; `tokenizerJson` is the encoding as a tokenizer.json. */
export type Load = (
  encoding: string,
  options: {
    readonly tokenizerJson: string
    readonly what: 'throughput' | 'decode' | 'batch' | 'short' | 'first-token'
  },
) => Promise<Peer>
