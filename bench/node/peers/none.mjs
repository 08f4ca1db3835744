/* No tokenizer: what the measuring itself costs. */
/** @type {import('./peer.d.ts').Load} */
export const load = async () => ({ encode: () => [0, 0] })
