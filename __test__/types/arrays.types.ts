import type { DataLoader, Embedding, TokenStore, Tokenizer } from 'tokenmill'

// What comes out is on memory of its own, which may be transferred, sent and hashed, also where the types tell it from shared memory.
export const use = async (
  tokenizer: Tokenizer,
  store: TokenStore,
  loader: DataLoader,
  embedding: Embedding,
  port: MessagePort,
) => {
  const ids = tokenizer.encode('a')
  port.postMessage(ids, [ids.buffer])
  port.postMessage(store.slice(0, 8), [store.slice(0, 8).buffer])
  port.postMessage(await embedding.forward(ids).data(), [embedding.forward(ids).toFloat32().buffer])
  const bytes = tokenizer.decodeBytes(ids)
  await crypto.subtle.digest('SHA-256', bytes)
  for await (const batch of loader) port.postMessage(batch, [batch.inputs.buffer, batch.targets.buffer])
  for (const row of tokenizer.encodeBatch(['a'])) new Blob([row])
  return new Response(bytes)
}

// What goes in may be shared.
export const take = (tokenizer: Tokenizer, shared: Uint8Array<SharedArrayBuffer>, ids: Uint32Array<ArrayBufferLike>) =>
  tokenizer.encode(shared).length + tokenizer.decode(ids).length

export const into = (store: TokenStore, out: Uint32Array<SharedArrayBuffer>) =>
  // @ts-expect-error what is written into is not shared
  store.gather(Float64Array.of(0), 1, out)
