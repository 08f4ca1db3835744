// As in index.d.ts.
export * from './encodings.cjs'
