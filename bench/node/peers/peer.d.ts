/** What a peer is asked to do. Text that looks like a special token is plain text to all of them. */
export interface Peer {
  encode(text: string): ArrayLike<number> | Promise<ArrayLike<number>>
  /** Left out where the peer has none: `encode(text).length` is then measured. */
  count?(text: string): number
}

/** Loads a peer; `files.tokenizerJson` is the encoding as a tokenizer.json. */
export type Load = (encoding: string, files: { readonly tokenizerJson: string }) => Promise<Peer>
